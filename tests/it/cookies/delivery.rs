//! Cookies in the user's browser: the API's answer, the send test, golden cases.

use axum::Router;
use axum::body::Bytes;
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use axum::routing::post;
use doorward::diagnostic::{Style, render};
use serde_json::{Value, json};

use super::{golden, loader};
use crate::support::daemon::Home;

const SESSION: &str = "f3a9c1d27b6e4a50";

/// A server that sets a session for the password `right`, and one for anybody else, too.
async fn upstream() -> String {
    async fn answer(body: Bytes) -> Response {
        let right = String::from_utf8_lossy(&body).contains("p=right");
        let session = format!("JSESSIONID={SESSION}; Path=/cas; Max-Age=3600; HttpOnly");
        let cookies = [session, "token=a=1&b=2; Path=/".into(), "evil=1; Domain=example.net".into()];
        let cookies = AppendHeaders(cookies.map(|field| (http::header::SET_COOKIE, field)));
        let message = format!("session {SESSION}");
        (cookies, axum::Json(json!({ "code": if right { 0 } else { 500 }, "msg": message }))).into_response()
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/login", post(answer))).await });
    base
}

fn connector(base: &str) -> String {
    format!(
        r#"version: 1
acknowledge: {{ cookie_for_scripts: the app shows who is logged in }}
cookie_delivery:
  domains: [ .corp.example.com, apps.example.com ]
  cookies: [ JSESSIONID, {{ name: token, as: sso_token, http_only: false, same_site: strict }}, missing ]
steps:
  - name: login
    request:
      method: POST
      url: "{base}/login"
      body: {{ form: {{ user: "{{{{user.username}}}}", p: "{{{{user.userPassword}}}}" }} }}
    response:
      success: {{ field: code, equals: 0 }}
      map: {{ error_message: msg }}
"#
    )
}

/// `expires` and what is computed of it differ from run to run.
fn timeless(mut cookies: Value) -> Value {
    for cookie in cookies.as_array_mut().unwrap() {
        let field = cookie["set_cookie"].as_str().unwrap_or_default().to_owned();
        let parts = field.split("; ").filter(|part| !part.starts_with("Expires=") && !part.starts_with("Max-Age="));
        cookie["set_cookie"] = parts.collect::<Vec<_>>().join("; ").into();
        if cookie["expires"].is_i64() {
            cookie["expires"] = "a time".into();
        }
    }
    cookies
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accept_hands_cookies_over_and_nothing_else_does() {
    let base = upstream().await;
    let home =
        Home::new("public_url: https://console.example.com\nlog: { level: trace }\naudit: { file: audit.jsonl }");
    home.connector("corp", &connector(&base));
    let daemon = home.start();
    let (status, body) = daemon.login("corp", "zhangsan", "right").await;
    assert_eq!(status, 200, "{body}");
    let session = |domain: &str| {
        json!({ "name": "JSESSIONID", "value": SESSION, "domain": domain, "path": "/", "secure": true, "http_only": true,
            "same_site": "lax", "expires": "a time",
            "set_cookie": format!("JSESSIONID={SESSION}; Domain={domain}; Path=/; Secure; HttpOnly; SameSite=Lax") })
    };
    let token = |domain: &str| {
        json!({ "name": "sso_token", "value": "a=1&b=2", "domain": domain, "path": "/", "secure": true, "http_only": false,
            "same_site": "strict", "expires": null,
            "set_cookie": format!("sso_token=a=1&b=2; Domain={domain}; Path=/; Secure; SameSite=Strict") })
    };
    let domains = ["corp.example.com", "apps.example.com"];
    let wanted: Vec<Value> = domains.map(session).into_iter().chain(domains.map(token)).collect();
    assert_eq!(timeless(body["cookies"].clone()), json!(wanted));

    let (status, body) = daemon.login("corp", "zhangsan", "wrong").await;
    assert_eq!((status, body.get("cookies")), (403, None), "{body}");

    // A send test by the API masks values, and says what is missing.
    let call = json!({ "username": "zhangsan", "password": "right", "client_ip": "192.0.2.7" });
    let (status, text) = daemon.call("POST", "/v1/connectors/corp/test", Some(call)).await;
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status, 200, "{text}");
    assert_eq!((&body["cookies"][0]["name"], &body["cookies"][0]["value"]), (&json!("JSESSIONID"), &json!("‹secret›")));
    assert_eq!(body["cookies"][0]["set_cookie"], "‹secret›");
    assert_eq!(
        body["not_delivered"],
        json!([{ "name": "missing", "because": "the upstream did not set it, or took it away" }])
    );
    assert!(!text.contains(SESSION), "{text}");

    let (_, log) = daemon.end();
    let audit = crate::support::daemon::read(&home.path("audit.jsonl"));
    assert!(!log.contains(SESSION) && !audit.contains(SESSION), "{log}{audit}");
    assert!(audit.contains("; the cookie missing is not delivered: the upstream did not set it"), "{audit}");
}

/// Only the daemon knows its console; it says so where an operator looks.
#[test]
fn a_daemon_without_public_url_refuses_the_connector() {
    let home = Home::new("");
    home.connector("corp", &connector("https://4a.example.com"));
    let output = home.command(&["--strict"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(4) && told.contains("needs `public_url`"), "{told}");
}

fn send_test(folder: &std::path::Path, arguments: &[&str]) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_doorward"))
        .args(["test", "corp.yaml", "--username", "zhangsan", "--password-stdin"])
        .args(arguments)
        .current_dir(folder)
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"right\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_test_says_what_is_delivered_and_what_is_not() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("corp.yaml"), connector(&upstream().await)).unwrap();
    let shown = tokio::task::block_in_place(|| send_test(folder.path(), &[]));
    let words = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let lines: Vec<String> = words.collect();
    for line in [
        "cookie JSESSIONID ‹secret› string of 16, path /cas, http-only",
        "cookie evil dropped it is for example.net, and the host that set it is not in there",
        "delivered JSESSIONID ‹secret› string of 16, domain corp.example.com, secure, http-only, same-site lax, expires",
        "delivered sso_token ‹secret› string of 7, domain apps.example.com, secure, same-site strict",
        "not delivered missing the upstream did not set it, or took it away",
    ] {
        assert!(lines.iter().any(|shown| shown == line), "{line}\n{shown}");
    }
    assert!(!shown.contains(SESSION) && !shown.contains("a=1&b=2"), "{shown}");
    let json = tokio::task::block_in_place(|| send_test(folder.path(), &["--json"]));
    assert!(!json.contains(SESSION) && !json.contains("a=1&b=2"), "{json}");
    let json: Value = serde_json::from_str(&json).unwrap();
    let because = "it is for example.net, and the host that set it is not in there";
    assert_eq!(json["trace"][0]["reply"]["dropped_cookies"], json!([{ "name": "evil", "because": because }]));
    assert_eq!(json["not_delivered"][0]["name"], "missing");
    assert_eq!(json["verdict"]["cookies"][0]["domain"], "corp.example.com");
    let clear = tokio::task::block_in_place(|| send_test(folder.path(), &["--json", "--reveal"]));
    let clear: Value = serde_json::from_str(&clear).unwrap();
    assert_eq!(clear["verdict"]["cookies"][0]["value"], SESSION);
    assert!(clear["verdict"]["cookies"][0]["set_cookie"].as_str().unwrap().starts_with("JSESSIONID=f3a9"));
}

/// A connector with one golden case that expects these cookies.
fn case(expect: &str) -> String {
    format!(
        r#"version: 1
cookie_delivery:
  domains: [ .corp.example.com, .example.org ]
  cookies: [ sid, {{ name: t, as: token }} ]
steps:
  - name: login
    request:
      method: POST
      url: "https://4a.example.com/login"
      body: {{ form: {{ user: "{{{{user.username}}}}", p: "{{{{user.userPassword}}}}" }} }}
    response: {{ success: {{ field: code, equals: 0 }} }}
tests:
  - name: cookies
    user: {{ username: zhangsan, userPassword: p }}
    replies: [ {{ json: {{ code: 0 }}, headers: {{ Set-Cookie: [ "sid=1; Path=/", "sid=2; Path=/app" ] }} }} ]
    expect: {{ verdict: accept, cookies: {expect} }}
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn golden_cases_expect_cookies() {
    for good in [
        "[ { name: sid, value: \"2\", domain: .corp.example.com }, { name: sid, domain: Example.ORG } ]",
        "[ sid, sid ]",
        "[ sid, { name: sid, domain: corp.example.com } ]",
    ] {
        golden(&case(good)).await;
    }
    for (wrong, words) in [
        ("[ sid ]", vec!["the cookie sid is delivered for example.org as well"]),
        ("[]", vec!["delivered for corp.example.com as well", "delivered for example.org as well"]),
        (
            "[ sid, sid, token ]",
            vec!["the cookie token is not delivered", "there is none of this name", "t: the upstream did not set it"],
        ),
        (
            "[ sid, { name: sid, value: \"1\" } ]",
            vec!["the cookie sid is not delivered as expected", "it is \"2\" for"],
        ),
        ("[ sid, { name: sid, domain: example.com } ]", vec!["the cookie sid is not delivered as expected"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("corp.yaml");
        std::fs::write(&path, case(wrong)).unwrap();
        let loader = loader();
        let outcome = loader.load(&[path]).await.pop().unwrap();
        let golden = doorward::golden::run(&outcome.live.unwrap(), &loader).await;
        let told = render(&golden.diagnostics, Style::Plain);
        assert!(golden.passed == 0 && words.iter().all(|word| told.contains(word)), "{wrong}: {told}");
    }
}

/// The jar outlives the step that filled it, and what a last step takes away is not delivered.
#[tokio::test(flavor = "multi_thread")]
async fn the_jar_at_the_end_of_the_login_counts() {
    golden(
        r#"version: 1
cookie_delivery: { domains: .corp.example.com, cookies: [ page, sid, gone ] }
steps:
  - name: page
    request: { url: "https://4a.example.com/login" }
  - name: login
    request:
      method: POST
      url: "https://4a.example.com/login"
      body: { form: { user: "{{user.username}}", p: "{{user.userPassword}}" } }
    response: { success: { field: code, equals: 0 } }
  - name: home
    request: { url: "https://app.example.com/" }
tests:
  - name: accept
    user: { username: zhangsan, userPassword: p }
    replies:
      - { headers: { Set-Cookie: [ "page=1", "sid=before", "gone=1; Domain=example.com; Path=/" ] } }
      - { json: { code: 0 }, headers: { Set-Cookie: "sid=after" } }
      - { headers: { Set-Cookie: "gone=; Max-Age=0; Domain=example.com; Path=/" } }
    expect: { verdict: accept, cookies: [ { name: page, value: "1" }, { name: sid, value: after } ] }
  - name: reject
    user: { username: zhangsan, userPassword: p }
    replies: [ { headers: { Set-Cookie: "page=1" } }, { json: { code: 1 }, headers: { Set-Cookie: "sid=x" } } ]
    expect: { verdict: reject, cookies: [] }
  - name: unavailable
    user: { username: zhangsan, userPassword: p }
    replies: [ { headers: { Set-Cookie: "page=1" } }, { json: { code: 0 }, headers: { Set-Cookie: "sid=x" } }, { status: 500 } ]
    expect: { verdict: unavailable, cookies: [] }
"#,
    )
    .await;
}

/// The page's cookie is there after the pause, and so is what the login set; the end of the login delivers both.
#[tokio::test(flavor = "multi_thread")]
async fn the_jar_is_kept_over_a_challenge() {
    golden(
        r#"version: 1
cookie_delivery: { domains: .corp.example.com, cookies: [ sid, csrf ] }
steps:
  - name: page
    request: { url: "https://4a.example.com/login" }
  - name: login
    request:
      method: POST
      url: "https://4a.example.com/login"
      body: { form: { user: "{{user.username}}", p: "{{user.userPassword}}" } }
    response: { more: { field: code, equals: 1 }, success: { field: code, equals: 0 } }
  - name: verify
    when: { var: steps.login.outcome, equals: more }
    ask: { type: sms, message: code?, fields: [ { name: code, label: code } ], attempts: 2 }
    request: { method: POST, url: "https://4a.example.com/verify", body: { form: { code: "{{answer.code}}" } } }
    response:
      reject: [ { when: { field: code, equals: 2 }, reason: mfa_failed } ]
      success: { field: code, equals: 0 }
tests:
  - name: a wrong code, then the right one
    user: { username: zhangsan, userPassword: p }
    replies:
      - { headers: { Set-Cookie: "csrf=c1; Path=/; Secure" } }
      - { json: { code: 1 }, headers: { Set-Cookie: "sid=half; Path=/; Max-Age=600" } }
      - { json: { code: 2 }, headers: { Set-Cookie: "tries=1; Path=/" } }
      - { json: { code: 0 }, headers: { Set-Cookie: "sid=whole; Path=/; Max-Age=600" } }
    answers: [ { code: "1" }, { code: "2" } ]
    expect:
      verdict: accept
      requests:
        - {}
        - { headers: { Cookie: csrf=c1 } }
        - { headers: { Cookie: csrf=c1; sid=half } }
        - { headers: { Cookie: csrf=c1; sid=half; tries=1 } }
      cookies: [ { name: sid, value: whole }, { name: csrf, value: c1 } ]
  - name: while it waits nothing is handed over
    user: { username: zhangsan, userPassword: p }
    replies: [ { headers: { Set-Cookie: "csrf=c1" } }, { json: { code: 1 }, headers: { Set-Cookie: "sid=half" } } ]
    expect: { verdict: challenge, cookies: [] }
"#,
    )
    .await;
}
