//! Raw to checked: every kind of mistake that the whole check finds, and what must not load.

use std::path::Path;

use doorward::catalog::{LoadedFile, Loader};
use doorward::connector::check::Draft;
use doorward::diagnostic::{Diagnostic, Severity, Style, render};
use doorward::script::{Limits, Source, Worker, inspect};

use crate::golden;
use crate::support::loader::to_loopback;

/// So many cases there are at least: none gets lost.
const CASES: usize = 169;

fn worker() -> Worker {
    Worker::of(env!("CARGO_BIN_EXE_doorward"))
}

fn loader() -> Loader {
    Loader { limits: Limits { workers: 1, ..Limits::default() }, ..to_loopback() }
}

/// All that the check says about a file, whose name only is shown.
pub fn check_text(path: &Path, text: String) -> Vec<Diagnostic> {
    let loader = loader();
    let draft = Draft::read(Path::new(path.file_name().unwrap()), text, loader.load_context());
    let scripts: Vec<Source> = draft.scripts().cloned().collect();
    let reads = if scripts.is_empty() { Vec::new() } else { inspect(&worker(), &scripts) };
    draft.finish(loader.load_context(), reads).diagnostics
}

#[test]
fn every_mistake_is_told_as_the_golden_file_says() {
    let mut wrong = Vec::new();
    let folder = golden::folder("check");
    let count = golden::cases(&folder).len();
    assert!(count >= CASES, "only {count} kinds");
    let stale = golden::compare_cases(&folder, |case| {
        let diagnostics = check_text(Path::new(&case.name), case.text.clone());
        if !diagnostics.iter().any(|found| found.severity == Severity::Error) {
            wrong.push(format!("{} loads", case.name));
        }
        render(&diagnostics, Style::Plain)
    });
    wrong.extend(stale);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Loads one connector whose only step has this `response`.
async fn load(top: &str, response: &str) -> LoadedFile {
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

fn codes(outcome: &LoadedFile) -> Vec<&'static str> {
    let errors = outcome.diagnostics.iter().filter(|found| found.severity == Severity::Error);
    errors.map(|found| found.code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_takes_a_login_page_for_a_success_is_refused() {
    for (response, reply) in [
        ("format: html\nsuccess: { field: title, exists: true }", "an HTML login page"),
        ("format: text\nsuccess: { field: text, contains: ok }", "an HTML login page"),
        ("success: { field: msg, exists: true }", "an unknown code and message"),
        ("format: json\nsuccess: { field: \"$[?@.code!=500].message\", has_value: true }", "a list of an unknown code"),
        ("success: { field: \"$.data[?!@.error].code\", has_value: true }", "lists of an unknown code"),
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
        "success: { field: \"$.attributes[?@.name=='uid'].value\", has_value: true }",
        "success: { field: \"$.results[?@.step=='login' && @.code==0].ok\", equals: true }",
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
    let found =
        |outcome: &LoadedFile| -> Vec<&'static str> { outcome.diagnostics.iter().map(|one| one.code).collect() };
    for leaf in [
        "{ field: token, exists: true }",
        "{ field: token, matches: \".\" }",
        "{ header: X-Auth, exists: true }",
        "{ regex: \"token=([0-9a-f]{32})\", exists: true }",
        "{ any: [ { field: code, equals: 7 }, { field: token, exists: true } ] }",
    ] {
        let outcome = load("", &format!("format: json\notherwise: unavailable\nsuccess: {leaf}")).await;
        assert!(outcome.live.is_some(), "{leaf}: {:?}", outcome.diagnostics);
        assert_eq!(found(&outcome)[0], "exists-evidence", "{leaf}");
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

/// Loads a connector of these steps, each a line or more.
async fn load_steps(steps: &str) -> LoadedFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steps.yaml");
    let text = format!(
        "version: 1\ninput: {{ attributes: {{ dev: {{ required: false, max: 64 }} }} }}\nsettings: {{ base: \"https://4a.example.com\" }}\nsteps:\n{steps}"
    );
    std::fs::write(&path, text).unwrap();
    loader().load(&[path]).await.pop().unwrap()
}

/// A factor with this `when`.
fn second(name: &str, when: &str) -> String {
    format!(
        "  - name: {name}\n    when: {when}\n    request: {{ method: POST, url: \"${{base}}/{name}\", body: {{ form: {{ p: \"{{{{user.userPassword | md5}}}}\" }} }} }}\n    \
         response: {{ format: json, more: {{ field: code, equals: 1 }}, success: {{ field: code, equals: 0 }} }}\n"
    )
}

const LOGIN: &str = "  - name: login\n    request: { method: POST, url: \"${base}/login\", body: { form: { u: \"{{user.username}}\", p: \"{{user.userPassword}}\" } } }\n    response: { format: json, more: { field: code, equals: 1 }, success: { field: code, equals: 0 }, capture: { need: { field: need, optional: true } } }\n";
const PICK: &str = "  - name: pick\n    ask: { type: custom, fields: [ { name: how } ] }\n    response: { capture: { how: { var: answer.how } } }\n";

/// A user may choose among factors where leaving one out leaves another to be done, and nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn a_choice_among_factors_owes_one_of_them() {
    let owed = "{ var: steps.login.outcome, equals: more }";
    let how = |word: &str| format!("{{ var: steps.pick.how, equals: {word} }}");
    let both = |word: &str| format!("{{ all: [ {owed}, {} ] }}", how(word));
    let not = |when: &str| format!("{{ not: {when} }}");
    for (steps, allowed) in [
        // One for each choice, and the debt of the login stays until one is done.
        (vec![second("a", &both("a")), second("b", &both("b"))], true),
        (vec![second("a", &both("a"))], true),
        (vec![second("a", &both("a")), second("b", &format!("{{ all: [ {owed}, {} ] }}", not(&how("a"))))], true),
        // One runs exactly when the other does not.
        (vec![second("a", &how("a")), second("b", &not(&how("a")))], true),
        (vec![second("a", &not(&how("a"))), second("b", &how("a"))], true),
        // Nothing is owed, so a third choice would leave both out.
        (vec![second("a", &how("a")), second("b", &how("b"))], false),
        (vec![second("a", &how("a"))], false),
        (vec![second("a", &not(&how("a")))], false),
        // Another pays what this one could.
        (vec![second("z", owed), second("a", &both("a"))], false),
        (vec![second("a", &both("a")), second("z", owed)], false),
        (vec![second("a", &both("a")), second("b", &both("\"1\"")), second("c", &both("1"))], false),
        (vec![second("a", &format!("{{ any: [ {owed}, {} ] }}", how("a")))], false),
        // What stands for the choice is chosen, too.
        (vec![second("a", &both("a")), second("b", "{ var: steps.a.outcome, equals: skipped }")], false),
        (vec![second("a", &both("a")), second("b", "{ not: { var: steps.a.outcome, equals: success } }")], false),
    ] {
        let outcome = load_steps(&format!("{LOGIN}{PICK}{}", steps.concat())).await;
        let codes = codes(&outcome);
        assert_eq!(outcome.live.is_some(), allowed, "{steps:#?}: {codes:?}");
        assert!(codes.iter().all(|code| *code == "when"), "{codes:?}");
    }
}

/// What a factor's reply said is the upstream's own, and so is what a helper brings that was asked with nothing of the user.
#[tokio::test(flavor = "multi_thread")]
async fn a_factor_may_rest_on_what_the_upstream_said_to_a_factor() {
    let helper = "  - name: state\n    request: { url: \"${base}/state/{{steps.login.need | default('no')}}\", headers: { X-Trace: \"{{request.id}}\" } }\n    \
         response: { format: json, capture: { strict: { field: strict } }, more: { field: x, equals: 1 } }\n";
    let captcha = "  - name: picture\n    request: { url: \"${base}/picture\" }\n";
    for when in [
        "{ var: steps.login.outcome, equals: more }",
        "{ var: steps.login.status, equals: 202 }",
        "{ var: steps.login.need, equals: otp }",
        "{ var: steps.state.strict, equals: true }",
        "{ var: steps.state.outcome, equals: more }",
        "{ var: steps.picture.status, equals: 200 }",
    ] {
        let outcome = load_steps(&format!("{captcha}{LOGIN}{helper}{}", second("otp", when))).await;
        assert!(outcome.live.is_some(), "{when}: {:?}", codes(&outcome));
    }
}

/// With the format found out from the reply a login page is a document without the fields, and "exists" is then false: every
/// user would be told that the password is wrong while a proxy shows its page.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_would_pass_for_a_wrong_password_is_worth_a_warning() {
    let evidence = "success: { all: [ { field: code, equals: 200 }, { field: token, exists: true } ] }";
    let found =
        |outcome: &LoadedFile| -> Vec<&'static str> { outcome.diagnostics.iter().map(|one| one.code).collect() };
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
        // The author says what it means when no rule is true.
        format!("otherwise: unavailable\n{evidence}"),
        format!("otherwise: invalid_credentials\n{evidence}"),
        // A row says what a page means.
        format!("unavailable: {{ field: title, exists: true }}\n{evidence}"),
    ] {
        let outcome = load("", &response).await;
        assert!(outcome.live.is_some() && outcome.diagnostics.is_empty(), "{response}: {:?}", outcome.diagnostics);
    }
}
