//! What an attack review of the whole found, as tests of the lines that people read: `explain` in every output, and the
//! account in the audit trail.

use axum::Router;
use axum::routing::post;
use doorward::catalog::Loader;
use doorward::connector::Live;
use doorward::flow::Report;
use doorward::golden::{Played, login, replay, replies};
use doorward::script::Limits;
use serde_json::{Value, json};

use crate::canary::memory::Memory;
use crate::support::daemon::{Home, read};
use crate::support::loader::loader;

/// A connector with this `response` and this case.
async fn load(response: &str, password: &str, reply: &str) -> Live {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("review.yaml");
    let text = format!(
        "version: 1\nsteps:\n  - name: login\n    request:\n      method: POST\n      url: \"https://4a.example.com/login\"\n      \
         body: {{ json: {{ user: \"{{{{user.username}}}}\", password: \"{{{{user.userPassword}}}}\" }} }}\n    response:\n      \
         {response}\ntests:\n  - name: one\n    user: {{ username: zhangsan, userPassword: '{password}' }}\n    replies: [ {reply} ]\n    \
         expect: {{}}\n"
    );
    std::fs::write(&path, text).unwrap();
    let loader = Loader { limits: Limits { workers: 1, ..Limits::default() }, ..loader() };
    // Large, and awaited by many calls.
    let outcome = Box::pin(loader.load(&[path])).await.pop().unwrap();
    outcome.live.unwrap_or_else(|| panic!("{:?}", outcome.diagnostics))
}

async fn report(response: &str, password: &str, reply: &str) -> Report {
    let live = Box::pin(load(response, password, reply)).await;
    let case = &live.raw.tests[0];
    let played = replay(&live, case, login(case), &Memory::of(&replies(case).unwrap())).await.unwrap();
    match played {
        Played::Login { mut parts, .. } => parts.pop().unwrap(),
        Played::Utility(_) => unreachable!("it authenticates"),
    }
}

/// A number that a rule looks at is told, also of an accept; one that is the password is not.
#[tokio::test(flavor = "multi_thread")]
async fn the_line_of_an_accept_is_masked() {
    let rule = "success: { all: [ { field: uid, gt: 1000 }, { field: uid, exists: true } ] }";
    let open = report(rule, "987654321", "{ json: { uid: 123456789 } }").await;
    assert_eq!(open.explain, "login: field \"uid\" > 1000 (it is 123456789) (HTTP 200)");
    let masked = report(rule, "987654321", "{ json: { uid: 987654321 } }").await;
    assert_eq!(masked.verdict.name(), "accept");
    assert_eq!(masked.explain, "login: field \"uid\" > 1000 (it is ‹secret›) (HTTP 200)");
}

/// However long the line is, it is cut at 1,024 characters, and wherever the cut falls it leaves no part of a credential.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_cut_after_it_is_masked() {
    for length in (960..1020).step_by(7) {
        // The number stands behind the literal and straddles the cut for some of these lengths.
        let rule = format!(
            "success: {{ any: [ {{ field: x, equals: \"{}\" }}, {{ field: uid, gt: 1000 }} ] }}",
            "y".repeat(length)
        );
        let found =
            report(&rule, "987654321", &format!("{{ json: {{ x: \"{}\", uid: 987654321 }} }}", "y".repeat(length)))
                .await;
        assert!(!found.explain.contains("98765"), "{length}: {}", found.explain);
        let rule = format!(
            "reject: [ {{ when: {{ field: uid, gt: 1{} }}, reason: other }} ]\n      success: {{ field: ok, equals: 1 }}",
            "0".repeat(length)
        );
        let found = report(&rule, "987654321", "{ json: { uid: 987654321, ok: 2 } }").await;
        assert!(!found.explain.contains("98765"), "{length}: {}", found.explain);
    }
    let rule = format!("success: {{ field: code, equals: \"{}\" }}", "y".repeat(5000));
    let long = report(&rule, "secret-1", "{ json: { code: n } }").await;
    assert_eq!(long.explain.chars().count(), 1024);
    assert!(long.explain.starts_with("login: success is not met: field \"code\" equals \"yyy"), "{}", long.explain);
}

/// The title of a page is told when it is short and repeats nothing secret. A longer one was cut when it was read, perhaps in
/// the middle of an echo.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_title_is_not_told() {
    let password = "correct-horse-battery-staple";
    let rule = "format: json\n      success: { field: code, equals: 200 }";
    let page = |title: &str| format!("{{ html: \"<html><title>{title}</title></html>\" }}");
    let short = report(rule, password, &page("Sign in")).await;
    assert!(short.explain.contains("an HTML page titled \"Sign in\""), "{}", short.explain);
    let echo = report(rule, password, &page(&format!("denied {password}"))).await;
    assert!(echo.explain.contains("an HTML page") && !echo.explain.contains("titled"), "{}", echo.explain);
    for before in (40..200).step_by(3) {
        let title = format!("{}{password}{}", "x".repeat(before), "z".repeat(40));
        let found = report(rule, password, &page(&title)).await;
        assert!(!found.explain.contains("corr"), "{before}: {}", found.explain);
    }
}

/// Of a packed user name the audit trail has the field `user`, in clear or as an HMAC; nothing of one that cannot be read.
#[tokio::test(flavor = "multi_thread")]
async fn the_audit_trail_names_the_account_and_no_other_field() {
    let answer = async |body: axum::Json<Value>| {
        let code = if body["password"] == "wrong" { 401 } else { 200 };
        axum::Json(json!({ "code": code, "name": body["name"] }))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/login", post(answer))).await });
    let packed = format!(
        "version: 1\ninput: {{ username_fields: form }}\nsteps:\n  - name: login\n    request:\n      method: POST\n      url: \
         \"{base}/login\"\n      body: {{ json: {{ name: \"{{{{user.fields.user}}}}\", pin: \"{{{{user.fields.pin}}}}\", password: \
         \"{{{{user.userPassword}}}}\" }} }}\n    response: {{ format: json, success: {{ field: code, equals: 200 }}, identity: {{ field: name }} }}\n"
    );
    for (user_name, shown) in [
        ("user_name: clear", "\"username\":\"zhangsan\""),
        // HMAC-SHA256 of `zhangsan` under the key below.
        ("user_name: hmac, hmac_key: { file: key }", "\"username_hmac\":\"HMAC\""),
    ] {
        let home = Home::new(&format!("guard: {{ user_failures: 0 }}\naudit: {{ file: audit.jsonl, {user_name} }}"));
        std::fs::write(home.path("key"), "0123456789abcdef0123456789abcdef").unwrap();
        home.connector("packed", &packed);
        let daemon = home.start();
        assert_eq!(daemon.login("packed", "user=zhangsan&pin=pin-7788", "x").await.0, 200);
        assert_eq!(daemon.login("packed", "pin-7788 unreadable", "x").await.0, 403);
        // One that fails, and one that the guard refuses before anything is read of it.
        for _ in 0..2 {
            assert_eq!(daemon.login("packed", "user=lisi&pin=pin-7788", "wrong").await.0, 403);
        }
        let (_, log) = daemon.end();
        let audit = read(&home.path("audit.jsonl"));
        let mut lines = audit.lines();
        let (first, second) = (lines.next().unwrap(), lines.next().unwrap());
        let hmac = hmac("0123456789abcdef0123456789abcdef", "zhangsan");
        assert!(first.contains(&shown.replace("HMAC", &hmac)), "{first}");
        assert!(second.contains("invalid_input"), "{second}");
        assert!(audit.contains("too_many_attempts"), "{audit}");
        assert!(!audit.contains("pin-7788") && !log.contains("pin-7788"), "{audit}{log}");
    }
}

/// RFC 2104 by hand, so that a mistake of ours does not cancel itself out.
fn hmac(key: &str, text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let padded = |with: u8| -> Vec<u8> {
        let mut block = key.as_bytes().to_vec();
        block.resize(64, 0);
        block.iter().map(|byte| byte ^ with).collect()
    };
    let inner = Sha256::digest([padded(0x36), text.as_bytes().to_vec()].concat());
    hex::encode(Sha256::digest([padded(0x5c), inner.to_vec()].concat()))
}
