//! Raw to checked: every kind of mistake that the whole check finds, and what must not load.

use std::path::Path;

use doorward::connector::catalog::{Loader, Outcome};
use doorward::connector::check::Draft;
use doorward::diagnostic::{Diagnostic, Severity, Style, render};
use doorward::script::{Limits, Source, Worker, inspect};

use crate::golden;
use crate::support::loader::to_loopback;

fn worker() -> Worker {
    Worker::of(env!("CARGO_BIN_EXE_doorward"))
}

fn loader() -> Loader {
    Loader { limits: Limits { workers: 1, ..Limits::default() }, ..to_loopback() }
}

/// All that the check says about a file, whose name only is shown.
fn check_text(path: &Path, text: String) -> Vec<Diagnostic> {
    let loader = loader();
    let draft = Draft::read(Path::new(path.file_name().unwrap()), text, loader.around());
    let scripts: Vec<Source> = draft.scripts().cloned().collect();
    let reads = if scripts.is_empty() { Vec::new() } else { inspect(&worker(), &scripts) };
    draft.finish(loader.around(), reads).diagnostics
}

#[test]
fn every_mistake_is_told_as_the_golden_file_says() {
    let folder = golden::folder("check");
    let sources = golden::files(&folder, &["yaml"]);
    assert!(sources.len() >= 50, "only {} kinds", sources.len());
    let mut wrong = Vec::new();
    for source in &sources {
        let diagnostics = check_text(source, std::fs::read_to_string(source).unwrap());
        if !diagnostics.iter().any(|found| found.severity == Severity::Error) {
            wrong.push(format!("{} loads", source.display()));
        }
        wrong.extend(golden::compare(&source.with_extension("err"), &render(&diagnostics, Style::Plain)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Loads one connector whose only step has this `response`.
async fn load(top: &str, response: &str) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("probed.yaml");
    let text = format!(
        "version: 1\n{top}\nsteps:\n  - name: login\n    request:\n      method: POST\n      url: \"https://4a.example.com/login\"\n      \
         body: {{ json: {{ user: \"{{{{user.username}}}}\", password: \"{{{{user.userPassword}}}}\" }} }}\n    response:\n{}\n",
        response.lines().map(|line| format!("      {line}")).collect::<Vec<_>>().join("\n")
    );
    std::fs::write(&path, text).unwrap();
    loader().load(&[path]).await.pop().unwrap()
}

fn codes(outcome: &Outcome) -> Vec<&'static str> {
    let errors = outcome.diagnostics.iter().filter(|found| found.severity == Severity::Error);
    errors.map(|found| found.code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_takes_a_login_page_for_a_success_is_refused() {
    for (response, reply) in [
        ("format: html\nsuccess: { field: title, exists: true }", "an HTML login page"),
        ("format: text\nsuccess: { field: text, contains: ok }", "an HTML login page"),
        ("success: { field: msg, exists: true }", "an unknown code and message"),
        ("format: text\nsuccess: { regex: \"(.)\", exists: true }", "an HTML login page"),
    ] {
        let outcome = load("", response).await;
        assert!(outcome.live.is_none(), "{response}");
        let probe = outcome.diagnostics.iter().find(|found| found.code == "probe").unwrap();
        assert!(probe.label.as_deref().unwrap().contains(reply), "{response}: {probe:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preprocess_script_that_makes_a_success_of_anything_is_refused() {
    let outcome =
        load("", "format: text\npreprocess: |\n  return { code: response.data.body.length > 0 ? 200 : 500 };\nsuccess: { field: code, equals: 200 }")
            .await;
    assert!(outcome.live.is_none());
    assert_eq!(codes(&outcome), ["probe"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_only_a_right_password_brings_loads() {
    for response in [
        "success: { field: code, equals: 200 }",
        "success: { all: [ { not: { field: code, equals: 500 } }, { field: result.token, exists: true } ] }",
        "success: { any: [ { field: code, equals: 200 }, { header: X-Auth-Token, has_value: true } ] }",
        "success: { all: [ { status: 302 }, { header: Location, starts_with: \"/home\" } ] }",
    ] {
        let outcome = load("", response).await;
        assert!(outcome.live.is_some(), "{response}: {:?}", outcome.diagnostics);
    }
}

/// Basic answers with a status and nothing else: the author has to say so.
#[tokio::test(flavor = "multi_thread")]
async fn status_alone_needs_its_acknowledgement() {
    let refused = load("", "success: { status: 200 }").await;
    assert_eq!(codes(&refused), ["no-evidence"]);
    let waived =
        load("acknowledge: { status_only: Basic answers with a status and nothing else }", "success: { status: 200 }")
            .await;
    assert!(waived.live.is_some(), "{:?}", waived.diagnostics);
}

/// A cookie or a header of any page alone is no proof, whatever is asked of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_any_page_has_needs_its_acknowledgement() {
    for (leaf, lint) in [
        ("{ cookie: JSESSIONID, exists: true }", "cookie_evidence"),
        ("{ cookie: SSOTOKEN, has_value: true }", "cookie_evidence"),
        ("{ cookie: state, equals: ok }", "cookie_evidence"),
        ("{ header: Set-Cookie, contains: SSOTOKEN }", "cookie_evidence"),
        ("{ header: Date, exists: true }", "header_evidence"),
        ("{ header: Content-Length, gt: 0 }", "header_evidence"),
        ("{ header: Content-Type, starts_with: application/json }", "header_evidence"),
        ("{ header: Server, equals: nginx }", "header_evidence"),
        ("{ all: [ { status: 302 }, { header: Location, exists: true } ] }", "header_evidence"),
        ("{ all: [ { status: 302 }, { header: Location, has_value: true } ] }", "header_evidence"),
        (
            "{ any: [ { field: code, equals: 7 }, { all: [ { status: 200 }, { cookie: X, exists: true } ] } ] }",
            "cookie_evidence",
        ),
    ] {
        let refused = load("", &format!("success: {leaf}")).await;
        assert_eq!(codes(&refused), ["no-evidence"], "{leaf}");
        assert!(refused.diagnostics[0].help[0].contains(lint), "{leaf}: {:?}", refused.diagnostics);
        let waived =
            load(&format!("acknowledge: {{ {lint}: there is nothing else }}"), &format!("success: {leaf}")).await;
        assert!(waived.live.is_some(), "{leaf}: {:?}", waived.diagnostics);
    }
    let more = "more: { cookie: MFA, exists: true }\nsuccess: { field: code, equals: 7 }";
    assert_eq!(codes(&load("", more).await), ["no-evidence"]);
    let misspelt = load("acknowledge: { cookie_evidense: x }", "success: { cookie: SSOTOKEN, has_value: true }").await;
    let found = misspelt.diagnostics.iter().find(|found| found.code == "unknown-lint").unwrap();
    assert!(found.help[0].contains("`cookie_evidence`"), "{found:?}");
}

/// What a rule makes of a page depends on how the page comes: with a session for everybody, a date, a place to go.
#[tokio::test(flavor = "multi_thread")]
async fn the_probe_sees_header_fields_and_cookies() {
    for response in [
        // A page whose session cookie keeps the deny rule away.
        "format: html\nunavailable: { cookie: JSESSIONID, exists: false }\nsuccess: { css: h1, has_value: true }",
        "format: html\nunavailable: { header: X-Frame-Options, exists: false }\nsuccess: { css: h1, has_value: true }",
        "format: html\nsuccess: { all: [ { css: h1, has_value: true }, { cookie: PORTAL, has_value: true } ] }",
        "success: { all: [ { status: 302 }, { header: Location, starts_with: / } ] }",
        "success: { all: [ { status: 302 }, { header: Location, query: service, has_value: true } ] }",
        "format: html\npreprocess: |\n  return { ok: response.data.headers['set-cookie'] !== undefined };\nsuccess: { field: ok, equals: true }",
        "format: html\npreprocess: |\n  return { ok: response.data.headers.date !== undefined };\nsuccess: { field: ok, equals: true }",
    ] {
        let outcome = load("", response).await;
        assert_eq!(codes(&outcome), ["probe"], "{response}");
        let probe = outcome.diagnostics.iter().find(|found| found.code == "probe").unwrap();
        assert!(probe.label.as_deref().unwrap().contains("cookies that any page has"), "{response}: {probe:?}");
    }
    let more = "format: html\nmore: { css: h1, has_value: true }\nsuccess: { field: code, equals: 7 }";
    let outcome = load("", more).await;
    assert_eq!(codes(&outcome), ["probe"]);
    assert!(
        outcome.diagnostics.iter().any(|found| found.message.contains("right so far")),
        "{:?}",
        outcome.diagnostics
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn exists_as_the_only_evidence_is_worth_a_warning() {
    let found = |outcome: &Outcome| -> Vec<&'static str> { outcome.diagnostics.iter().map(|one| one.code).collect() };
    for leaf in [
        "{ field: token, exists: true }",
        "{ field: token, matches: \".\" }",
        "{ header: X-Auth, exists: true }",
        "{ regex: \"token=([0-9a-f]{32})\", exists: true }",
        "{ any: [ { field: code, equals: 7 }, { field: token, exists: true } ] }",
    ] {
        let outcome = load("", &format!("format: json\nsuccess: {leaf}")).await;
        assert!(outcome.live.is_some(), "{leaf}: {:?}", outcome.diagnostics);
        assert_eq!(found(&outcome), ["exists-evidence"], "{leaf}");
        assert_eq!(outcome.diagnostics[0].severity, Severity::Warning);
        assert!(outcome.diagnostics[0].help[0].contains("has_value: true"), "{leaf}");
    }
    for leaf in
        ["{ field: token, has_value: true }", "{ all: [ { field: code, equals: 7 }, { field: token, exists: true } ] }"]
    {
        let outcome = load("", &format!("format: json\nsuccess: {leaf}")).await;
        assert!(outcome.live.is_some() && outcome.diagnostics.is_empty(), "{leaf}: {:?}", outcome.diagnostics);
    }
}

/// With the format found out from the reply a login page is a document without the fields, and "exists" is then false: every
/// user would be told that the password is wrong while a proxy shows its page.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_would_pass_for_a_wrong_password_is_worth_a_warning() {
    let evidence = "success: { all: [ { field: code, equals: 200 }, { field: token, exists: true } ] }";
    let found = |outcome: &Outcome| -> Vec<&'static str> { outcome.diagnostics.iter().map(|one| one.code).collect() };
    let warned = load("", evidence).await;
    assert!(warned.live.is_some(), "it loads");
    assert_eq!(found(&warned), ["page-is-no"]);
    let warning = &warned.diagnostics[0];
    assert_eq!(warning.severity, Severity::Warning);
    assert!(warning.help.iter().any(|help| help.contains("format: json")), "{warning:?}");
    for response in [
        // The format is said, or said to be meant.
        format!("format: json\n{evidence}"),
        format!("format: auto\n{evidence}"),
        // A page is unknown to these: unavailable already.
        "success: { field: code, equals: 200 }".to_owned(),
        "success: { field: token, starts_with: tok- }".to_owned(),
        // A form login answers a wrong password with its page; then the page is a no.
        "success: { header: X-Session, has_value: true }".to_owned(),
        "success: { all: [ { status: 302 }, { header: Location, starts_with: \"/home\" } ] }".to_owned(),
        "success: { all: [ { field: token, has_value: true }, { cookie: JSESSIONID, exists: true } ] }".to_owned(),
        // A row says what a page means.
        format!("unavailable: {{ field: title, exists: true }}\n{evidence}"),
    ] {
        let outcome = load("", &response).await;
        assert!(outcome.live.is_some() && outcome.diagnostics.is_empty(), "{response}: {:?}", outcome.diagnostics);
    }
}
