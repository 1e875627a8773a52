//! How a login may end: one of several ways with one result, a name that only the last reply says, a code that was sent or not,
//! a login without a password.

use std::fmt::Write as _;

use doorward::diagnostic::{Style, render};
use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::fault_server::FaultServer;
use crate::support::loader::loader;

/// A step that posts JSON, with what follows `request`.
fn step(name: &str, more: &str, body: &str, response: &str) -> String {
    format!(
        "  - name: {name}\n{more}    request: {{ method: POST, url: \"https://4a.example.com/{name}\", body: {{ json: {{ {body} }} }} }}\n    \
         response: {{ format: json, {response} }}\n"
    )
}

const PASSWORD: &str = "u: \"{{user.username}}\", p: \"{{user.userPassword}}\"";
const CODE: &str = "u: \"{{user.username}}\", c: \"{{answer.code}}\"";
const IF_MORE: &str = "    when: { var: steps.login.outcome, equals: more }\n";
const ASK: &str = "    ask: { type: sms, fields: [ { name: code } ] }\n";

/// A login of which `verify` is the second factor of some, each with this `response` beside its rules.
fn two_ways(login: &str, verify: &str, last: &str) -> String {
    let rules = "more: { field: code, equals: 1 }, success: { field: code, equals: 0 }";
    let login = step("login", "", PASSWORD, &format!("{rules}{login}"));
    let verify =
        step("verify", &format!("{IF_MORE}{ASK}"), CODE, &format!("success: {{ field: code, equals: 0 }}{verify}"));
    format!("version: 1\nsteps:\n{login}{verify}{last}")
}

async fn diagnostics(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("endings.yaml");
    std::fs::write(&path, text).unwrap();
    render(&loader().load(&[path]).await.pop().unwrap().diagnostics, Style::Plain)
}

/// Runs golden cases of `connector`: the replies, the answers and what is expected of each.
async fn plays(connector: &str, cases: &[(&str, &str, &str)]) {
    let mut text = format!("{connector}tests:\n");
    for (index, (replies, answers, expect)) in cases.iter().enumerate() {
        let _ = write!(
            text,
            "  - name: case {index}\n    user: {{ username: zhangsan, userPassword: p }}\n    replies: {replies}\n    \
             answers: {answers}\n    expect: {expect}\n"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("endings.yaml");
    std::fs::write(&path, text).unwrap();
    let outcome = loader().load(&[path]).await.pop().unwrap();
    let Some(live) = outcome.live else { panic!("{}", render(&outcome.diagnostics, Style::Plain)) };
    let golden = doorward::golden::run(&live, &loader()).await;
    assert_eq!(golden.passed, cases.len(), "{connector}\n{}", render(&golden.diagnostics, Style::Plain));
}

/// The token of whichever step ended the login, under one name, by a step that sends nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_last_step_without_a_request_gathers_what_either_way_brought() {
    let capture = ", capture: { token: { field: token, optional: true } }";
    let last = "  - name: session\n    response:\n      capture: { token: [ { var: steps.verify.token }, { var: steps.login.token } ] }\n      \
                map: { extension: { first_of: [ { var: steps.verify.token }, { var: steps.login.token } ] }, attributes: { kind: [ { value: '' }, { value: user } ] } }\n";
    plays(
        &two_ways(capture, capture, last),
        &[
            (
                "[ { json: { code: 0, token: a } } ]",
                "[]",
                "{ verdict: accept, extension: a, attributes: { kind: user } }",
            ),
            (
                "[ { json: { code: 1 } }, { json: { code: 0, token: b } } ]",
                "[ { code: x } ]",
                "{ verdict: accept, extension: b, attributes: { kind: user }, requests: [ {}, {} ] }",
            ),
            // What is empty is not there.
            (
                "[ { json: { code: 1, token: a } }, { json: { code: 0, token: '' } } ]",
                "[ { code: x } ]",
                "{ verdict: accept, extension: a }",
            ),
            // What is required is required.
            ("[ { json: { code: 0 } } ]", "[]", "{ verdict: unavailable, cause: unexpected_reply }"),
        ],
    )
    .await;
}

/// Steps of which no login runs both may map the same; others may not, however they are written.
#[tokio::test(flavor = "multi_thread")]
async fn only_alternative_endings_map_one_thing_twice() {
    let map = ", map: { extension: token, attributes: { a: name } }";
    let second = |when: &str| {
        let response = format!("success: {{ field: code, equals: 0 }}{map}");
        step("other", &format!("    when: {when}\n    role: helper\n"), "x: y", &response)
    };
    let both = two_ways("", map, &second("{ var: steps.login.outcome, equals: success }"));
    assert_eq!(diagnostics(&both).await, "");
    plays(
        &both,
        &[
            (
                "[ { json: { code: 0 } }, { json: { code: 0, token: t, name: n } } ]",
                "[]",
                "{ verdict: accept, extension: t, attributes: { a: n } }",
            ),
            (
                "[ { json: { code: 1 } }, { json: { code: 0, token: u, name: m } } ]",
                "[ { code: x } ]",
                "{ verdict: accept, extension: u, attributes: { a: m } }",
            ),
        ],
    )
    .await;
    for alternative in [
        "{ not: { var: steps.login.outcome, equals: more } }",
        "{ var: steps.verify.outcome, equals: skipped }",
        "{ all: [ { var: steps.login.outcome, equals: success }, { var: steps.login.status, equals: 200 } ] }",
    ] {
        assert_eq!(diagnostics(&two_ways("", map, &second(alternative))).await, "", "{alternative}");
    }
    for both_run in [
        "{ var: steps.login.outcome, in: [ more, success ] }",
        "{ var: steps.login.outcome, equals: more }",
        "{ any: [ { var: steps.login.outcome, equals: success }, { var: steps.login.status, equals: 200 } ] }",
        "{ var: steps.verify.outcome, equals: success }",
    ] {
        let told = diagnostics(&two_ways("", map, &second(both_run))).await;
        assert!(
            told.contains("error[mapped-twice]") && told.contains("a last step without a request"),
            "{both_run}: {told}"
        );
    }
    // The first step always runs, so it cannot share with the second.
    assert!(diagnostics(&two_ways(map, map, "")).await.contains("error[mapped-twice]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_without_a_request_says_nothing_of_a_reply() {
    for (response, word) in [
        ("{ map: { extension: token } }", "`field \"token\"` is a part of a reply"),
        (
            "{ map: { extension: { value: 1 } }, success: { var: steps.login.status, equals: 200 } }",
            "`success` is about a reply",
        ),
        ("{ capture: { a: { header: X-A } } }", "is a part of a reply"),
        ("{ format: json }", "does nothing"),
    ] {
        let told = diagnostics(&two_ways("", "", &format!("  - name: last\n    response: {response}\n"))).await;
        assert!(told.contains("error[no-request]") && told.contains(word), "{response}: {told}");
    }
    let told = diagnostics(
        &two_ways("", "", "")
            .replace("success: { field: code, equals: 0 }", "success: { first_of: [ code, kode ], equals: 0 }"),
    )
    .await;
    assert!(told.contains("error[list-in-rule]"), "{told}");
}

/// Each reply names the user in a field of its own; what is right so far may leave it to the reply that ends the login.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_taken_where_it_stands_and_owed_until_it_is_compared() {
    let list = ", identity: { first_of: [ user.login, account ], match: ignore_case }";
    plays(
        &two_ways(list, ", identity: [ user.login, account ]", ""),
        &[
            ("[ { json: { code: 0, account: ZhangSan } } ]", "[]", "{ verdict: accept, subject: ZhangSan }"),
            (
                "[ { json: { code: 0, user: { login: zhangsan }, account: lisi } } ]",
                "[]",
                "{ verdict: accept, subject: zhangsan }",
            ),
            ("[ { json: { code: 0, account: lisi } } ]", "[]", "{ verdict: reject, reason: identity_mismatch }"),
            ("[ { json: { code: 0 } } ]", "[]", "{ verdict: unavailable, cause: unexpected_reply }"),
            // Right so far, without a name: the second reply has it.
            (
                "[ { json: { code: 1 } }, { json: { code: 0, account: zhangsan } } ]",
                "[ { code: x } ]",
                "{ verdict: accept, subject: zhangsan }",
            ),
            (
                "[ { json: { code: 1 } }, { json: { code: 0, account: lisi } } ]",
                "[ { code: x } ]",
                "{ verdict: reject, reason: identity_mismatch }",
            ),
            (
                "[ { json: { code: 1 } }, { json: { code: 0 } } ]",
                "[ { code: x } ]",
                "{ verdict: unavailable, cause: unexpected_reply }",
            ),
            // A name that is there is compared at once.
            ("[ { json: { code: 1, account: lisi } } ]", "[]", "{ verdict: reject, reason: identity_mismatch }"),
        ],
    )
    .await;
    // Where no later reply is compared, it is demanded of this one.
    plays(
        &two_ways(", identity: account", "", ""),
        &[("[ { json: { code: 1 } } ]", "[]", "{ verdict: unavailable, cause: unexpected_reply }")],
    )
    .await;
    // A comparer that this login skips pays nothing.
    let third = step(
        "third",
        &format!("    when: {{ var: steps.login.hint, equals: x }}\n{ASK}"),
        CODE,
        "success: { field: code, equals: 0 }, identity: account",
    );
    plays(
        &two_ways(", identity: account, capture: { hint: hint }", "", &third),
        &[
            (
                "[ { json: { code: 1, hint: y } }, { json: { code: 0 } } ]",
                "[ { code: x } ]",
                "{ verdict: unavailable, cause: unexpected_reply }",
            ),
            (
                "[ { json: { code: 1, account: zhangsan, hint: y } }, { json: { code: 0 } } ]",
                "[ { code: x } ]",
                "{ verdict: accept }",
            ),
        ],
    )
    .await;
}

/// It says which request carries no user name, and what to write.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_identity_is_told_by_the_request_that_needs_it() {
    let text = format!(
        "version: 1\nsteps:\n{}",
        step("login", "", "p: \"{{user.userPassword}}\"", "success: { field: code, equals: 0 }")
    );
    let told = diagnostics(&text).await;
    assert!(told.contains("the request of `login` carries no user name"), "{told}");
    assert!(told.contains("send {{user.username}} in the request of `login`"), "{told}");
}

fn replied(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// What eight logins come to, of which two may have a code sent.
async fn logins(sends: &str, reply: &str) -> Vec<u16> {
    let upstream = FaultServer::always(replied(reply)).await;
    let rules = "more: { field: code, equals: 1 }, reject: [ { when: { field: code, equals: 5 }, reason: account_locked } ], success: { field: code, equals: 0 }";
    let login = step("login", &format!("    sends_code_to: {sends}\n"), PASSWORD, rules);
    let verify = step("verify", &format!("{IF_MORE}{ASK}"), CODE, "success: { field: code, equals: 0 }");
    let home =
        Home::new("guard: { user_failures: 99, client_ip_failures: 99, sends: { user: 2, client_ip: 9, per: 10m } }");
    let text =
        format!("version: 1\nsteps:\n{login}{verify}").replace("https://4a.example.com/", upstream.url("/").as_str());
    home.connector("c", &text);
    let daemon = home.start();
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let (status, body) = daemon.login("c", "zhangsan", "p").await;
        let quota = body["reason"] == "too_many_attempts";
        statuses.push(if quota { 429 } else { status });
    }
    statuses
}

/// A right password of a user who gets no message is no message.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_code_that_went_out_counts() {
    for (sends, reply, statuses) in [
        ("user.username", r#"{"code":0}"#, [200, 200, 200, 200]),
        ("user.username", r#"{"code":1}"#, [401, 401, 429, 429]),
        ("user.username", r#"{"code":5}"#, [403, 403, 403, 403]),
        // Whether a code went out is unknown: it counts.
        ("user.username", "<html>", [503, 503, 429, 429]),
        ("{ to: user.username, when: { field: mail, equals: sent } }", r#"{"code":1}"#, [401, 401, 401, 401]),
        (
            "{ to: user.username, when: { field: mail, equals: sent } }",
            r#"{"code":1,"mail":"sent"}"#,
            [401, 401, 429, 429],
        ),
        (
            "{ to: user.username, when: { field: mail, equals: sent } }",
            r#"{"code":5,"mail":"sent"}"#,
            [403, 403, 429, 429],
        ),
    ] {
        assert_eq!(logins(sends, reply).await, statuses, "{sends} {reply}");
    }
}

/// The user name alone; a password is neither asked for nor taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_without_a_password_is_called_by_the_name_alone() {
    let upstream = FaultServer::always(replied(r#"{"code":0}"#)).await;
    let home = Home::new("");
    let send = step("send", "", "u: \"{{user.username}}\"", "success: { field: code, equals: 0 }");
    let enter = step("enter", ASK, CODE, "success: { field: code, equals: 0 }");
    let text = format!("version: 1\ninput: {{ password: none }}\nsteps:\n{send}{enter}");
    home.connector("alone", &text.replace("https://4a.example.com/", upstream.url("/").as_str()));
    let daemon = home.start();
    let call = async |body: Value| {
        let (status, text) = daemon.call("POST", "/v1/connectors/alone/authenticate", Some(body)).await;
        (status, serde_json::from_str::<Value>(&text).unwrap())
    };
    for body in [json!({ "username": "zhangsan" }), json!({ "username": "zhangsan", "password": "" })] {
        let (status, body) = call(body).await;
        assert_eq!((status, &body["challenge"]["type"]), (401, &"sms".into()), "{body}");
        let answer = json!({ "challenge": body["challenge"]["id"], "answers": { "code": "1" } });
        let (status, body) = daemon.call("POST", "/v1/challenges", Some(answer)).await;
        assert_eq!(status, 200, "{body}");
    }
    let (status, body) = call(json!({ "username": "zhangsan", "password": "p" })).await;
    assert_eq!(status, 422, "{body}");
    assert!(body.to_string().contains("/password") && !body.to_string().contains("\"p\""), "{body}");
    assert_eq!(call(json!({ "username": "" })).await.1["reason"], "invalid_input");
    let (_, page) = daemon.call("GET", "/v1/connectors/alone", None).await;
    let page: Value = serde_json::from_str(&page).unwrap();
    assert_eq!(page["inputs"]["password"], false, "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_password_nothing_can_send_one() {
    let password = step("login", "", PASSWORD, "success: { field: code, equals: 0 }");
    let told = diagnostics(&format!("version: 1\ninput: {{ password: none }}\nsteps:\n{password}")).await;
    assert!(told.contains("there is no `user.userPassword`: `input.password` is none"), "{told}");
    let scripted = step(
        "login",
        "    variables: env.p = code_util.md5(user.userPassword);\n",
        "u: \"{{user.username}}\", p: \"{{env.p}}\"",
        "success: { field: code, equals: 0 }",
    );
    let told = diagnostics(&format!("version: 1\ninput: {{ password: none }}\nsteps:\n{scripted}")).await;
    assert!(told.contains("there is no `user.userPassword`"), "{told}");
    let told = diagnostics(&format!(
        "version: 1\ninput: {{ password: none, allow_empty_password: true }}\nsteps:\n{password}"
    ))
    .await;
    assert!(told.contains("error[no-password]"), "{told}");
}
