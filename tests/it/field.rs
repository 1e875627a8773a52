//! What real servers do and public reports tell, case by case: the number of a test is that of its connector in
//! `tests/fixtures/field`, which is written as somebody would write it from the server's document.

mod servers;
mod soap;

use std::path::Path;

use doorward::catalog::{LoadedFile, Loader};
use doorward::clock::System;
use doorward::connector::Live;
use doorward::diagnostic::{Style, render};
use doorward::document::Object;
use doorward::flow::progress::Progress;
use doorward::flow::{Login, Ports, Report, authenticate};
use doorward::script::Limits;
use doorward::trace::{Trace, View, human};
use doorward::verdict::Verdict;

use crate::support::daemon::Home;
use crate::support::fault_server::FaultServer;
use crate::support::loader::to_loopback;

/// Loads the connector of this file name against `server`.
async fn load(name: &str, server: &FaultServer) -> Live {
    load_text(&written(name), server).await
}

fn written(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/field/{name}.yaml"));
    std::fs::read_to_string(path).unwrap()
}

async fn load_text(text: &str, server: &FaultServer) -> Live {
    let outcome = outcome(text, server).await;
    outcome.live.unwrap_or_else(|| panic!("{}", render(&outcome.diagnostics, Style::Plain)))
}

async fn outcome(text: &str, server: &FaultServer) -> LoadedFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("field.yaml");
    std::fs::write(&path, text).unwrap();
    let base = server.url("/").to_string().trim_end_matches('/').to_owned();
    let loader = Loader {
        limits: Limits { workers: 1, ..Limits::default() },
        env: Box::new(move |name| (name == "FIELD_BASE").then(|| base.clone())),
        ..to_loopback()
    };
    loader.load(&[path]).await.pop().unwrap()
}

async fn login(live: &Live, username: &str, password: &str) -> Report {
    let progress = Progress::default();
    let login = Login {
        username: username.to_owned(),
        password: password.into(),
        client_ip: None,
        attributes: Object::new(),
        request_id: "r-1".to_owned(),
        deadline: None,
        trace: true,
    };
    Box::pin(authenticate(&live.connector, Ports::of(live, &System, &progress), login)).await
}

/// The verdict in a word or two: `accept`, `reject invalid_credentials`, `unavailable unexpected_reply`.
fn said(report: &Report) -> String {
    format!("{} {}", report.verdict.name(), report.verdict.detail()).trim_end().to_owned()
}

/// What the upstream told the user who is refused.
#[track_caller]
fn message(report: &Report) -> Option<&str> {
    let Verdict::Reject(reject) = &report.verdict else { panic!("{}", report.explain) };
    reject.mapped.error_message.as_deref()
}

#[track_caller]
fn expect(report: &Report, verdict: &str) {
    assert_eq!(said(report), verdict, "{}", report.explain);
}

#[track_caller]
fn explains(report: &Report, verdict: &str, line: &str) {
    expect(report, verdict);
    assert!(report.explain.contains(line), "\"{}\" lacks \"{line}\"", report.explain);
}

/// A right and a wrong password.
async fn accepts_and_rejects(live: &Live) {
    expect(&login(live, "zhangsan", "right").await, "accept");
    expect(&login(live, "zhangsan", "wrong").await, "reject invalid_credentials");
    expect(&login(live, "lisi", "right").await, "reject invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_01_content_encoding() {
    for word in ["UTF-8", "utf8", "none", "identity"] {
        let server = servers::encoded(word).await;
        accepts_and_rejects(&load("01-content-encoding", &server).await).await;
    }
    let server = servers::encoded("rot13").await;
    let report = login(&load("01-content-encoding", &server).await, "zhangsan", "right").await;
    explains(&report, "unavailable unexpected_reply", "the Content-Encoding \"rot13\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_02_header_case() {
    let server = servers::reads_header_case().await;
    let live = load("02-header-case", &server).await;
    accepts_and_rejects(&live).await;
    assert_eq!(server.connections(), 1, "in every head of a connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_04_post_empty() {
    let server = servers::wants_length().await;
    accepts_and_rejects(&load("04-post-empty", &server).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_05_check_password_line_end() {
    let server = servers::check_password().await;
    let live = load("05-check-password-line-end", &server).await;
    accepts_and_rejects(&live).await;
    let nothing = login(&live, "nobody", "right").await;
    explains(&nothing, "unavailable unexpected_reply", "the reply has no field \"text\"; it is empty");
    let not = "success: { all: [ { field: text, equals: \"true\" }, { not: { field: text, equals: \"false\" } } ] }";
    let below = written("05-check-password-line-end").replace("success: { field: text, equals: \"true\" }", not);
    let below = load_text(&below, &server).await;
    accepts_and_rejects(&below).await;
    let nothing = login(&below, "nobody", "right").await;
    explains(&nothing, "unavailable unexpected_reply", "the reply has no field \"text\"; it is empty");
    // Two line ends are not one, and a log does not show them.
    let two = login(&live, "blanks", "right").await;
    explains(&two, "reject invalid_credentials", "differs from it in blanks or line ends only");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_20_soap_fault() {
    let server = soap::device().await;
    let live = load("20-soap-fault", &server).await;
    expect(&login(&live, "zhangsan", "right").await, "accept");
    let wrong = login(&live, "zhangsan", "wrong").await;
    expect(&wrong, "reject invalid_credentials");
    assert_eq!(message(&wrong), Some("Sender not authorized"));
    let away = login(&live, "outage", "right").await;
    assert_eq!(away.verdict.name(), "unavailable", "{}", away.explain);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_29_line_end_keep() {
    let server = servers::with_excess("\r\n").await;
    accepts_and_rejects(&load("29-line-end-keep", &server).await).await;
    assert_eq!(server.connections(), server.requests(), "each connection is given up");
    for excess in ["\n", "\r\n\r\n", "{}", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"] {
        let server = servers::with_excess(excess).await;
        let report = login(&load("29-line-end-keep", &server).await, "zhangsan", "right").await;
        explains(&report, "unavailable unexpected_reply", "more bytes follow the end of the reply");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_30_moved() {
    let server = servers::moved("/30/api/login/?next=hunter2").await;
    let report = login(&load("30-moved", &server).await, "zhangsan", "right").await;
    let line = format!(
        "HTTP 301 is no answer to a login, and no rule names it; the body is empty; it leads to {}, the same address with \
         a slash at its end: write it so under `url`",
        server.url("/30/api/login/")
    );
    explains(&report, "unavailable unexpected_reply", &line);
    assert!(!report.explain.contains("hunter2"), "{}", report.explain);
    let base = server.url("/").to_string();
    let here = base.trim_end_matches('/');
    for (location, line) in [
        (
            "https://sso.example.com/30/api/login",
            format!("the same path: write https://sso.example.com in place of {here}"),
        ),
        ("/login;jsessionid=42?u=right", format!("it leads to {here}/login, and Doorward follows no redirect")),
        ("javascript:alert(1)", "it leads to no address of HTTP".to_owned()),
        ("/%07x/ST-0123456789abcdef0123456789", format!("it leads to {here}/%07x/…")),
        // The password, echoed where it does not belong.
        ("/users/right-password/", "/users/‹secret›/".to_owned()),
    ] {
        let server_there = servers::moved(location).await;
        let report = login(&load("30-moved", &server_there).await, "zhangsan", "right-password").await;
        let line = line.replace(here, server_there.url("/").to_string().trim_end_matches('/'));
        explains(&report, "unavailable unexpected_reply", &line);
        assert!(!report.explain.contains("right-password") && !report.explain.contains(char::is_control));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_31_form_reply() {
    let server = servers::form_reply().await;
    let live = load("31-form-reply", &server).await;
    accepts_and_rejects(&live).await;
    let page = login(&live, "maintenance", "right").await;
    explains(&page, "unavailable unexpected_reply", "it is an HTML page titled \"Down\"");
    let jsonp = login(&live, "callback", "right").await;
    explains(&jsonp, "unavailable unexpected_reply", "no readable form");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_32_soap_encoded() {
    let server = soap::encoded().await;
    let live = load("32-soap-encoded", &server).await;
    accepts_and_rejects(&live).await;
    let wrong = login(&live, "zhangsan", "a<&>\"b").await;
    assert_eq!(message(&wrong), Some("密码错误"));
}

#[tokio::test(flavor = "multi_thread")]
async fn case_33_xml_blank_lines() {
    let server = soap::behind_blank_lines().await;
    accepts_and_rejects(&load("33-xml-blank-lines", &server).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_35_named_status() {
    let server = servers::named_status().await;
    let live = load("35-named-status", &server).await;
    for (username, verdict) in [
        ("zhangsan", "accept"),
        ("unknown", "reject invalid_credentials"),
        ("wrong", "reject invalid_credentials"),
        ("db_down", "unavailable upstream_error"),
    ] {
        expect(&login(&live, username, "right").await, verdict);
    }
    for username in ["no_route", "pool_empty", "gateway"] {
        let report = login(&live, username, "right").await;
        assert_eq!(report.verdict.name(), "unavailable", "{username}: {}", report.explain);
    }
    // The same in the daemon: no outage counts against the user, whatever status it wears.
    let home = Home::new("");
    let base = server.url("/").to_string();
    home.connector("field", &written("35-named-status").replace("http://127.0.0.1:1", base.trim_end_matches('/')));
    let daemon = home.start();
    for _ in 0..3 {
        for password in ["no_route", "pool_empty", "gateway"] {
            let (status, body) = daemon.login("field", "zhangsan", password).await;
            assert_eq!((status, &body["verdict"]), (503, &"unavailable".into()), "{password}: {body}");
        }
    }
    let (status, body) = daemon.login("field", "zhangsan", "right").await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_36_typed_elements() {
    let server = soap::typed().await;
    let live = load("36-typed-elements", &server).await;
    accepts_and_rejects(&live).await;
    let wrong = login(&live, "zhangsan", "wrong").await;
    assert_eq!(message(&wrong), Some("用户名或密码错误"));
}

/// A page that says 200 where the rule names 201: unavailable, and `check` says so without a golden case.
#[tokio::test(flavor = "multi_thread")]
async fn case_rules() {
    let server = servers::maintenance().await;
    let outcome = outcome(&written("rules"), &server).await;
    let warned = render(&outcome.diagnostics, Style::Plain);
    assert!(warned.contains("in place of the reply for a wrong password"), "{warned}");
    let report = login(&outcome.live.unwrap(), "zhangsan", "right").await;
    explains(&report, "unavailable unexpected_reply", "an HTML page titled \"Down\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_header() {
    let server = servers::digest_name().await;
    let live = load("header", &server).await;
    expect(&login(&live, "zhangsan", "right").await, "accept");
    let sent = server.requests();
    let name = "a\", uri=\"/x";
    expect(&login(&live, name, "right").await, "reject invalid_input");
    assert_eq!(server.requests(), sent, "nothing was sent");
    let quoted = written("header").replace("{{user.username}}\"'", "{{user.username | quoted}}\"'");
    let live = load_text(&quoted, &server).await;
    expect(&login(&live, name, "right").await, "accept");
    expect(&login(&live, name, "wrong").await, "reject invalid_credentials");
}

/// A character of the password as a number in a rule: neither explain nor trace show it.
#[tokio::test(flavor = "multi_thread")]
async fn case_trace() {
    let server = servers::encoded("identity").await;
    let live = load("trace", &server).await;
    for password in ["right", "\u{4e2d}"] {
        let report = login(&live, "zhangsan", password).await;
        let trace = Trace::of(&report, View::default());
        let shown = format!("{}\n{}\n{}", report.explain, human(&trace.rows()), trace.to_json(serde_json::Value::Null));
        for number in ["114", "20013"] {
            let told =
                [format!("it is {number}"), format!("is {number} "), format!(":{number},"), format!(" {number}\n")];
            assert!(told.iter().all(|told| !shown.contains(told)), "{shown}");
        }
    }
}

/// The same reply wherever else a scalar is wanted: identity, attributes, lists, scripts, `var` of what a script took from it.
#[tokio::test(flavor = "multi_thread")]
async fn a_typed_element_is_its_text_everywhere() {
    let server = soap::typed().await;
    let text = written("36-typed-elements");
    let returned = "Envelope.Body.loginResponse.loginReturn";
    let more = format!(
        "      preprocess: 'result.Envelope.Body.loginResponse.loginReturn.code = result.{returned}.code.trim(); return result;'\n      \
         identity: {returned}.account\n      reject: [ {{ when: {{ field: {returned}.group, contains: locked }}, reason: account_locked }}, "
    );
    let text = text.replacen("      reject: [ ", &more, 1);
    let map = format!(
        "      map: {{ attributes: {{ groups: {returned}.group, kind: {returned}.account.@type }}, error_message:"
    );
    let text = text.replacen("      map: { error_message:", &map, 1);
    let step = "  - name: profile\n    variables: 'env.session = steps.login.session; env.code = code_util.parseXml(\"<c t=\\\"x\\\">0</c>\").c;'\n";
    let text = text.replacen("  - name: profile\n", step, 1);
    let text = text.replacen("steps.login.session}}\" }", "env.session}}\", code: \"{{env.code}}\" }", 1);
    let live = load_text(&text, &server).await;
    let right = login(&live, "zhangsan", "right").await;
    expect(&right, "accept");
    let Verdict::Accept(accept) = &right.verdict else { panic!("{}", right.explain) };
    let mapped = doorward::document::to_json(&accept.mapped.attributes.iter().cloned().collect());
    assert_eq!(mapped, r#"{"groups":["staff","admin"],"kind":"xsd:string"}"#);
    expect(&login(&live, "zhangsan", "locked").await, "reject account_locked");
}

/// XML inside of JSON, read by a script: rules read its elements as those of any XML.
#[tokio::test(flavor = "multi_thread")]
async fn xml_that_a_script_reads_is_xml() {
    let server = soap::inside_json().await;
    let text = written("01-content-encoding").replace(
        "      format: json\n",
        "      format: json\n      preprocess: 'return code_util.parseXml(result.xml).r;'\n",
    );
    let live = load_text(&text, &server).await;
    accepts_and_rejects(&live).await;
}

/// What a browser on Windows copies as "cURL (cmd)" becomes a connector that loads.
#[test]
fn case_command() {
    // `^` before each quote, and at the end of each line.
    let copied = "curl ^\"https://4a.example.com/api/login^\" ^\r\n  -H ^\"accept: application/json^\" ^\r\n  \
                  -H ^\"content-type: application/json^\" ^\r\n  \
                  --data-raw ^\"^{^\\^\"user^\\^\":^\\^\"zhangsan^\\^\",^\\^\"password^\\^\":^\\^\"e10adc3949ba59abbe56e057f20f883e^\\^\"^}^\"";
    let scratch = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.args(args).current_dir(scratch.path()).stdin(std::process::Stdio::null()).output().unwrap()
    };
    let made = run(&["new", "--from-curl", copied, "--output", "made.yaml"]);
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    let text = std::fs::read_to_string(scratch.path().join("made.yaml")).unwrap();
    assert!(text.contains("https://4a.example.com") && text.contains("{{user.userPassword | md5}}"), "{text}");
    let checked = run(&["check", "made.yaml"]);
    assert_eq!(checked.status.code(), Some(0), "{text}\n{}", String::from_utf8_lossy(&checked.stdout));
}
