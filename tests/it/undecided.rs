//! What a reply means of which no rule is true: a status counts in the rule that names it and holds, a wrong password is
//! what a rule says that one looks like, and a body that is not what the file declares says nothing.
//!
//! Each reply is a golden case, so decode, preprocess, judge and map are all in it.

use std::fmt::Write as _;

use doorward::catalog::LoadedFile;
use doorward::diagnostic::{Severity, Style, render};

use crate::support::daemon::Home;
use crate::support::fault_server::FaultServer;
use crate::support::loader::loader;

/// A reply as golden cases write it, and what is expected of it.
type Case<'a> = (&'a str, &'a str);

const ACCEPT: &str = "{ verdict: accept }";
const WRONG: &str = "{ verdict: reject, reason: invalid_credentials }";
const UNEXPECTED: &str = "{ verdict: unavailable, cause: unexpected_reply }";
const UPSTREAM: &str = "{ verdict: unavailable, cause: upstream_error }";
const UNAVAILABLE: &str = "{ verdict: unavailable }";

/// A connector whose only step has this `response`, with a case a reply.
fn connector(response: &str, cases: &[Case<'_>]) -> String {
    let mut text = "version: 1
steps:
  - name: login
    request:
      method: POST
      url: \"https://4a.example.com/login\"
      body: { json: { user: \"{{user.username}}\", password: \"{{user.userPassword}}\" } }
    response:
"
    .to_owned();
    for line in response.lines() {
        let _ = writeln!(text, "      {line}");
    }
    text.push_str("tests:\n");
    for (reply, expect) in cases {
        let name = reply.replace('\'', "");
        let _ = write!(text, "  - name: '{name}'\n    user: {{ username: zhangsan, userPassword: right }}\n");
        let _ = write!(text, "    replies: [ {reply} ]\n    expect: {expect}\n");
    }
    text
}

async fn load(text: &str) -> LoadedFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("undecided.yaml");
    std::fs::write(&path, text).unwrap();
    loader().load(&[path]).await.pop().unwrap()
}

async fn judges(response: &str, cases: &[Case<'_>]) {
    let outcome = load(&connector(response, cases)).await;
    let Some(live) = outcome.live else { panic!("{}", render(&outcome.diagnostics, Style::Plain)) };
    let golden = doorward::golden::run(&live, &loader()).await;
    assert_eq!(golden.passed, cases.len(), "{response}\n{}", render(&golden.diagnostics, Style::Plain));
}

/// Codes of the warnings of a connector with this `response`.
async fn warnings(response: &str) -> Vec<String> {
    let outcome = load(&connector(response, &[("{ status: 503 }", UNAVAILABLE)])).await;
    assert!(outcome.live.is_some(), "{}", render(&outcome.diagnostics, Style::Plain));
    assert!(outcome.diagnostics.iter().all(|one| one.severity == Severity::Warning));
    outcome.diagnostics.iter().map(|one| one.code.to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_counts_in_the_rule_that_names_it_and_holds() {
    let rules = "format: json
reject:
  - { when: { all: [ { status: 404 }, { field: error, equals: user_not_found } ] }, reason: invalid_credentials }
  - { when: { field: error, equals: locked }, reason: account_locked }
unavailable: { all: [ { status: 500 }, { field: error, equals: db_down } ] }
success: { all: [ { status: 200 }, { field: token, exists: true } ] }";
    judges(
        rules,
        &[
            ("{ status: 200, json: { token: t1 } }", ACCEPT),
            ("{ status: 404, json: { error: user_not_found } }", WRONG),
            ("{ status: 404, json: { message: no Route matched } }", UNEXPECTED),
            ("{ status: 500, json: { error: db_down } }", UPSTREAM),
            ("{ status: 500, json: { error: pool_empty } }", UPSTREAM),
            ("{ status: 503, json: { error: user_not_found } }", UPSTREAM),
            // A row that names no status speaks of those with which servers answer, and of no other.
            ("{ status: 401, json: { error: locked } }", "{ verdict: reject, reason: account_locked }"),
            ("{ status: 404, json: { error: locked } }", UNEXPECTED),
            ("{ status: 500, json: { token: t1 } }", UPSTREAM),
        ],
    )
    .await;
}

/// Without any row for a wrong password, a status that only a false rule names still says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_does_not_hold_lends_its_status_to_no_other() {
    let usual = "success: { field: code, equals: 200 }";
    for (rules, cases) in [
        (
            "unavailable: { all: [ { status: 500 }, { field: error, equals: db_down } ] }",
            vec![("{ status: 500, json: { code: 500 } }", UPSTREAM), ("{ status: 200, json: { code: 500 } }", WRONG)],
        ),
        (
            "reject: [ { when: { any: [ { all: [ { status: 500 }, { field: fault, exists: true } ] }, { field: code, equals: 7 } ] }, reason: account_locked } ]",
            vec![
                ("{ status: 500, json: { fault: f } }", "{ verdict: reject, reason: account_locked }"),
                ("{ status: 500, json: { code: 7 } }", UPSTREAM),
                ("{ status: 200, json: { code: 7 } }", "{ verdict: reject, reason: account_locked }"),
            ],
        ),
        // Under `not` a status is not named: the rule is true of all others.
        (
            "reject: [ { when: { all: [ { not: { status: 500 } }, { field: code, equals: 7 } ] }, reason: account_locked }, { when: { status: 502 }, reason: other } ]",
            vec![
                ("{ status: 502, json: { code: 7 } }", UPSTREAM),
                ("{ status: 502, json: { code: 8 } }", "{ verdict: reject, reason: other }"),
            ],
        ),
    ] {
        judges(&format!("format: json\n{rules}\n{usual}"), &cases).await;
    }
}

/// A denying rule that is true of a status that it does not name is not passed over: what it denies is not granted.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_of_another_status_denies_is_not_granted() {
    let rules = "format: json
reject: [ { when: { field: locked, equals: true }, reason: account_locked } ]
success: { all: [ { status: 302 }, { field: code, equals: 0 } ] }
otherwise: unavailable";
    judges(
        rules,
        &[
            ("{ status: 302, json: { code: 0, locked: false } }", ACCEPT),
            ("{ status: 302, json: { code: 0, locked: true } }", UNEXPECTED),
            ("{ status: 200, json: { code: 0, locked: true } }", "{ verdict: reject, reason: account_locked }"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_looks_like_no_wrong_password_is_none() {
    let success = "format: json\nsuccess: { field: code, equals: 200 }\nmap: { error_code: code, error_message: msg }";
    let row =
        |reason: &str| format!("reject: [ {{ when: {{ field: code, equals: 500 }}, reason: {reason} }} ]\n{success}");
    let unknown = "{ json: { code: 20017, msg: 账号不在试用期 } }";
    judges(success, &[(unknown, "{ verdict: reject, reason: invalid_credentials, error_code: 20017 }")]).await;
    judges(&row("account_locked"), &[(unknown, WRONG)]).await;
    judges(
        &row("invalid_credentials"),
        &[(unknown, UNEXPECTED), ("{ json: { code: 500 } }", WRONG), ("{ json: { code: 200 } }", ACCEPT)],
    )
    .await;
    // What the file says wins.
    judges(
        &format!("otherwise: account_disabled\n{success}"),
        &[(unknown, "{ verdict: reject, reason: account_disabled }")],
    )
    .await;
    judges(&format!("otherwise: invalid_credentials\n{}", row("invalid_credentials")), &[(unknown, WRONG)]).await;
    judges(
        &format!("otherwise: unavailable\n{success}"),
        &[(unknown, UNEXPECTED), ("{ json: { code: 200 } }", ACCEPT)],
    )
    .await;
}

/// The administrator learns the code that the file does not know.
#[tokio::test(flavor = "multi_thread")]
async fn the_line_shows_the_code_and_message_that_no_rule_knows() {
    let response = "format: json
reject: [ { when: { field: code, equals: 500 }, reason: invalid_credentials } ]
success: { field: code, equals: 200 }
map: { error_code: code, error_message: msg }";
    // A case that expects something else tells why it came otherwise.
    let cases: &[Case<'_>] = &[("{ json: { code: 20017, msg: 账号 right 未激活 } }", ACCEPT)];
    let live = load(&connector(response, cases)).await.live.unwrap();
    let golden = doorward::golden::run(&live, &loader()).await;
    let told: Vec<&str> = golden.diagnostics.iter().flat_map(|one| &one.help).map(String::as_str).collect();
    let told = told.join("\n");
    assert!(told.contains("20017") && told.contains("未激活"), "{told}");
    assert!(!told.contains("right"), "the password, echoed: {told}");
}

/// After an `ask` a wrong answer is what counts, under either name.
#[tokio::test(flavor = "multi_thread")]
async fn after_an_ask_the_rows_of_a_wrong_answer_count() {
    let text = |rows: &str| {
        format!(
            "version: 1
steps:
  - name: login
    request: {{ method: POST, url: \"https://4a.example.com/login\", body: {{ json: {{ u: \"{{{{user.username}}}}\", p: \"{{{{user.userPassword}}}}\" }} }} }}
    response: {{ format: json, more: {{ field: code, equals: 1 }}, success: {{ field: code, equals: 0 }} }}
  - name: verify
    when: {{ var: steps.login.outcome, equals: more }}
    ask: {{ type: sms, fields: [ {{ name: code }} ], attempts: 1 }}
    request: {{ method: POST, url: \"https://4a.example.com/verify\", body: {{ json: {{ u: \"{{{{user.username}}}}\", c: \"{{{{answer.code}}}}\" }} }} }}
    response:
      format: json
      {rows}
      success: {{ field: code, equals: 0 }}
tests:
"
        )
    };
    let cases = |expect: &str| {
        format!(
            "  - name: unknown code
    user: {{ username: zhangsan, userPassword: p }}
    replies: [ {{ json: {{ code: 1 }} }}, {{ json: {{ code: 77 }} }} ]
    answers: [ {{ code: \"111111\" }} ]
    expect: {expect}
"
        )
    };
    for (rows, expect) in [
        ("reject: []", "{ verdict: reject, reason: mfa_failed }"),
        (
            "reject: [ { when: { field: code, equals: 5 }, reason: challenge_expired } ]",
            "{ verdict: reject, reason: mfa_failed }",
        ),
        ("reject: [ { when: { field: code, equals: 5 }, reason: mfa_failed } ]", UNEXPECTED),
        ("reject: [ { when: { field: code, equals: 5 }, reason: invalid_credentials } ]", UNEXPECTED),
    ] {
        let outcome = load(&format!("{}{}", text(rows), cases(expect))).await;
        let Some(live) = outcome.live else { panic!("{}", render(&outcome.diagnostics, Style::Plain)) };
        let golden = doorward::golden::run(&live, &loader()).await;
        assert_eq!(golden.passed, 1, "{rows}\n{}", render(&golden.diagnostics, Style::Plain));
    }
}

/// `format` is a promise: what is something else is not judged, whatever the rules look at.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_what_was_declared_is_judged_by_nothing() {
    let rules = "reject: [ { when: { status: 401 }, reason: invalid_credentials } ]
success: { all: [ { status: 200 }, { header: X-Token, has_value: true } ] }
otherwise: invalid_credentials";
    let page = "html: '<title>Maintenance</title>'";
    let (right, wrong) =
        (format!("{{ status: 200, headers: {{ X-Token: t }}, {page} }}"), format!("{{ status: 401, {page} }}"));
    judges(
        &format!("format: json\n{rules}"),
        &[
            (&right, UNEXPECTED),
            (&wrong, UNEXPECTED),
            ("{ status: 401, text: '' }", UNEXPECTED),
            ("{ status: 401, json: {} }", WRONG),
            ("{ status: 200, headers: { X-Token: t }, json: {} }", ACCEPT),
        ],
    )
    .await;
    // Where nothing is declared, nothing is promised.
    judges(rules, &[(&right, ACCEPT), (&wrong, WRONG)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_reply_of_a_gateway_may_be_is_worth_a_warning() {
    let by_status = "success: { all: [ { status: 201 }, { header: X-Token, has_value: true } ] }";
    for response in [
        by_status.to_owned(),
        format!("format: json\n{by_status}"),
        "success: { all: [ { status: 302 }, { header: Location, starts_with: \"/home\" } ] }".to_owned(),
        "success: { all: [ { field: code, equals: 200 }, { header: X-Token, has_value: true } ] }".to_owned(),
    ] {
        assert_eq!(warnings(&response).await, ["page-is-no"], "{response}");
    }
    for more in [
        "otherwise: unavailable",
        "otherwise: invalid_credentials",
        "reject: [ { when: { css: .error, exists: true }, reason: invalid_credentials } ]",
    ] {
        let response = format!("{more}\n{by_status}");
        assert_eq!(warnings(&response).await, Vec::<String>::new(), "{response}");
    }
}

/// Twenty users behind an outage, and none of them locked out by it.
#[tokio::test(flavor = "multi_thread")]
async fn the_guard_does_not_count_the_answer_of_a_gateway() {
    let body = r#"{"message":"no Route matched"}"#;
    for (status, counted) in
        [("404 Not Found", false), ("500 Internal Server Error", false), ("401 Unauthorized", true)]
    {
        let reply = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let upstream = FaultServer::always(reply).await;
        let rules = "format: json
reject: [ { when: { all: [ { status: [ 404, 500 ] }, { field: error, equals: user_not_found } ] }, reason: invalid_credentials } ]
success: { field: code, equals: 0 }
otherwise: unavailable";
        let text = connector(rules, &[("{ status: 503 }", UNAVAILABLE)]);
        let home = Home::new("");
        home.connector("c", &text.replace("https://4a.example.com/", upstream.url("/").as_str()));
        let daemon = home.start();
        let mut answers = Vec::new();
        for _ in 0..8 {
            let (status, _) = daemon.login("c", "zhangsan", "right").await;
            answers.push(status);
        }
        assert_eq!(answers.iter().any(|status| *status != 503), counted, "{status}: {answers:?}");
    }
}
