//! `doorward check` and `doorward schema` from outside: exit codes and both forms of output.

use std::path::Path;
use std::process::{Command, Output};

const GOOD: &str = r#"version: 1
settings: { base: { env: CHECK_COMMAND_BASE, default: "https://4a.example.com" } }
secrets: { app_key: { env: CHECK_COMMAND_KEY } }
steps:
  - name: login
    request:
      method: POST
      url: "${base}/login"
      headers: { X-Key: "{{secret.app_key}}" }
      body: { json: { name: "{{user.username}}", password: "{{user.userPassword}}" } }
    response: { success: { field: code, equals: 200 } }
tests:
  - name: right
    user: { username: u, userPassword: p }
    replies: [ { json: { code: 200 } } ]
    expect: { verdict: accept }
"#;

fn doorward(arguments: &[&str], directory: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.args(arguments).current_dir(directory).env_remove("CLICOLOR_FORCE").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("connectors")).unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join("connectors").join(name), text).unwrap();
    }
    directory
}

#[test]
fn good_connectors_need_no_secrets_and_no_arguments() {
    let place = directory(&[("a.yaml", GOOD), ("b.yaml", GOOD), ("notes.txt", "not a connector")]);
    let done = doorward(&["check"], place.path());
    assert_eq!(text(&done.stdout), "2 connectors, 2 tests: all good\n");
    assert_eq!((done.status.code(), text(&done.stderr)), (Some(0), String::new()));
}

#[test]
fn every_mistake_of_every_file_is_told_with_its_place() {
    let unknown = GOOD.replace("url:", "urls:");
    let weak = GOOD.replace("field: code, equals: 200", "field: code, exists: false");
    let place = directory(&[("a.yaml", &unknown), ("b.yaml", &weak), ("c.yaml", GOOD)]);
    let done = doorward(&["check", "connectors"], place.path());
    let out = text(&done.stdout);
    assert_eq!(done.status.code(), Some(4), "{out}");
    for part in ["did you mean `url`?", "--> connectors/a.yaml:8:", "--> connectors/b.yaml:", "2 connectors cannot run"]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(!out.contains('\u{1b}'), "a pipe gets no colours");
}

#[test]
fn a_script_that_does_not_compile_is_told_with_the_line_of_its_own_file() {
    let connector = GOOD.replace("    request:", "    variables_file: ../scripts/sign.js\n    request:");
    let place = directory(&[("a.yaml", &connector)]);
    std::fs::create_dir(place.path().join("scripts")).unwrap();
    std::fs::write(place.path().join("scripts/sign.js"), "// signs\nenv.a = 1;\nenv.b = (;\n").unwrap();
    let done = doorward(&["check", "connectors"], place.path());
    let out = text(&done.stdout);
    assert_eq!(done.status.code(), Some(4), "{out}");
    assert!(
        out.contains("the script does not compile: unexpected `;`") && out.contains("scripts/sign.js line 3 column 10"),
        "{out}"
    );
}

#[test]
fn tools_get_one_object() {
    let unknown = GOOD.replace("url:", "urls:");
    let place = directory(&[("a.yaml", &unknown), ("c.yaml", GOOD)]);
    let done = doorward(&["check", "--format", "json"], place.path());
    let found: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(4));
    assert_eq!(found["ok"], false);
    assert_eq!((&found["connectors"], &found["broken"]), (&2.into(), &1.into()));
    assert_eq!(found["tests"], serde_json::json!({ "run": 1, "passed": 1 }));
    let first = &found["diagnostics"][0];
    assert_eq!((&first["severity"], &first["line"]), (&"error".into(), &8.into()), "{found:#}");
}

#[test]
fn a_golden_test_that_fails_is_a_failed_check() {
    let other = GOOD.replace("expect: { verdict: accept }", "expect: { verdict: reject }");
    let place = directory(&[("a.yaml", &other)]);
    let done = doorward(&["check"], place.path());
    let out = text(&done.stdout);
    assert_eq!(done.status.code(), Some(4));
    assert!(out.contains("the test \"right\"") && out.contains("0 of 1 test passed"), "{out}");
}

#[test]
fn one_id_in_two_files_is_refused() {
    let place = directory(&[("a.yaml", GOOD), ("a.yml", GOOD)]);
    let done = doorward(&["check"], place.path());
    assert_eq!(done.status.code(), Some(4));
    assert!(text(&done.stdout).contains("duplicate-id"), "{}", text(&done.stdout));
}

#[test]
fn a_mistake_of_the_caller_is_64() {
    let place = directory(&[]);
    for (arguments, words) in [
        (vec!["check"], "no connector"),
        (vec!["check", "nowhere"], "nowhere cannot be read"),
        (vec!["check", "--format", "xml"], "invalid value"),
        (vec!["chek"], "unrecognized"),
        (vec![], "Usage"),
    ] {
        let done = doorward(&arguments, place.path());
        assert_eq!(done.status.code(), Some(64), "{arguments:?}");
        assert!(text(&done.stderr).contains(words), "{arguments:?}: {}", text(&done.stderr));
        assert_eq!(text(&done.stdout), "", "{arguments:?}");
    }
    for arguments in [["--help"], ["--version"]] {
        assert_eq!(doorward(&arguments, place.path()).status.code(), Some(0));
    }
}

#[test]
fn a_connector_may_use_loopback_and_a_proxy_here() {
    let local = GOOD.replace("https://4a.example.com", "http://127.0.0.1:8080");
    let proxied = GOOD.replace("steps:", "transport: { proxy: \"http://proxy.example.com:3128\" }\nsteps:");
    let place = directory(&[("local.yaml", &local), ("proxied.yaml", &proxied)]);
    let done = doorward(&["check"], place.path());
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stdout));
}

#[test]
fn the_schema_is_printed_as_it_is_committed() {
    let done = doorward(&["schema"], Path::new("."));
    assert_eq!(text(&done.stdout), include_str!("../../docs/connector.schema.json"));
}

/// `doorward check | head -1`: the reader has read enough, and nobody made a mistake.
#[test]
fn a_reader_that_leaves_early_is_no_mistake() {
    let place = directory(&[("a.yaml", &GOOD.replace("url:", "urls:"))]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_doorward"))
        .args(["check"])
        .current_dir(place.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert_eq!((done.status.code(), text(&done.stderr)), (Some(4), String::new()));
}

/// What follows from a mistake is not said beside it.
#[test]
fn the_root_cause_alone_is_told() {
    for (wrong, right, told, not_told) in [
        ("response: { sucess:", "response: { success:", "did you mean `success`?", "no-success"),
        ("respnse: {", "response: {", "did you mean `response`?", "no-success"),
        (
            "success: { field: code, equals: 200 }\n    response: {}",
            "response: { success: { field: code, equals: 200 } }",
            "`success` is a key of a response",
            "no-success",
        ),
    ] {
        let place = directory(&[("a.yaml", &GOOD.replace(right, wrong))]);
        let out = text(&doorward(&["check"], place.path()).stdout);
        assert!(out.contains(told) && !out.contains(not_told), "{wrong}: {out}");
    }
}

/// One mistake a failed case, whatever follows from it.
#[test]
fn a_failed_case_is_one_mistake() {
    let wrong =
        GOOD.replace("replies: [ { json: { code: 200 } } ]", "replies: [ { json: { code: \"0200\" } } ]").replace(
            "expect: { verdict: accept }",
            "expect: { verdict: accept, subject: u, requests: [ { method: GET }, { method: GET } ] }",
        );
    let page = GOOD
        .replace("field: code, equals: 200", "field: title, equals: Welcome")
        .replace("replies: [ { json: { code: 200 } } ]", "replies: [ { html: \"<html><title>x</title></html>\" } ]")
        .replace("verdict: accept", "verdict: unavailable");
    let place = directory(&[("a.yaml", &wrong), ("b.yaml", &page)]);
    let out = text(&doorward(&["check"], place.path()).stdout);
    assert_eq!(out.matches("error[golden]").count(), 2, "{out}");
    assert!(out.contains("also: 2 requests are expected"), "{out}");
    // Both sides of `equals: 200` against `"0200"`.
    assert!(out.contains("a string of 4 digits, not a number"), "{out}");
    assert!(out.contains("write response.format"), "{out}");
}

#[test]
fn slips_of_keyboards_and_case_are_named() {
    for (wrong, right, told) in [
        ("name:\tlogin", "name: login", "a tab stands behind the colon"),
        ("- name：login", "- name: login", "a full-width colon"),
        ("field: code, equals：200", "field: code, equals: 200", "full-width"),
        ("{{user.userPassword | MD5}}", "{{user.userPassword}}", "did you mean `md5`?"),
        ("{{user.userPassword | Sha256}}", "{{user.userPassword}}", "did you mean `sha256`?"),
    ] {
        let place = directory(&[("a.yaml", &GOOD.replace(right, wrong))]);
        let out = text(&doorward(&["check"], place.path()).stdout);
        assert!(out.contains(told), "{wrong}: {out}");
    }
}

/// A draft loads, and so does a file that nobody reads: both are told.
#[test]
fn what_is_unfinished_or_skipped_is_told() {
    let draft = GOOD.replace("equals: 200", "equals: FILL_IN").replace("code: 200", "code: FILL_IN");
    let place = directory(&[("a.yaml", &format!("# FILL_IN is only a word here\n{draft}")), ("b.yaml", GOOD)]);
    for (name, text) in
        [("sub/c.yaml", GOOD), ("sub/deep/d.json", GOOD), ("other/data.json", "{}"), (".git/e.yaml", GOOD)]
    {
        let file = place.path().join("connectors").join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    let done = doorward(&["check"], place.path());
    let out = text(&done.stdout);
    for part in [
        "warning[fill-in]: 2 places say FILL_IN",
        "--> connectors/a.yaml:",
        "connectors/sub, and 1 more, holds files that look like connectors and is not read",
        "2 connectors, 2 tests: all good, 2 warnings",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert_eq!(done.status.code(), Some(0));
}

/// The running configuration's bound, without the secrets and files that it names.
#[test]
fn an_origin_that_the_configuration_forbids_is_told() {
    let other = GOOD.replace("https://4a.example.com", "https://10.9.8.7:8443");
    let place = directory(&[("a.yaml", GOOD), ("b.yaml", &other)]);
    let config = |egress: &str| {
        let text = format!(
            "listen: 127.0.0.1:0\nconnectors: connectors\ntls: {{ cert_file: none, key_file: none }}\n{egress}\n\
             state: {{ kind: redis, url: {{ env: NOWHERE }}, keys: [ {{ file: none }} ] }}\n"
        );
        std::fs::write(place.path().join("doorward.yaml"), text).unwrap();
        doorward(&["check", "--config", "doorward.yaml"], place.path())
    };
    let done = config("egress: { allow: [ 4a.example.com ] }");
    let out = text(&done.stdout);
    for part in
        ["warning[egress]", "--> connectors/b.yaml:2:", "10.9.8.7", "is not in egress.allow", "all good, 1 warning"]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(!out.contains("a.yaml") && done.status.code() == Some(0), "{out}");
    assert!(text(&config("egress: { deny: [ 10.0.0.0/8 ] }").stdout).contains("is denied by egress.deny"));
    assert!(text(&config("").stdout).ends_with("all good\n"));
    let wrong = config("egress: { allow: [ 10.0.0.0/99 ] }");
    assert_eq!(wrong.status.code(), Some(4));
    assert!(text(&wrong.stderr).contains("doorward.yaml:4:"), "{}", text(&wrong.stderr));
}

/// What a setting takes from the environment is nobody's business but the upstream's: a mistake shows what the file writes.
#[test]
fn no_mistake_shows_what_the_environment_holds() {
    let places = [
        ("request", "method: \"${x}\", url: \"https://h/\""),
        ("request", "url: \"https://h/\", charset: \"${x}\", body: { form: { u: \"{{user.username}}\" } }"),
        ("request", "url: \"https://h/\", headers: { \"${x}\": v }"),
        ("request", "url: \"https://h/\", cookies: { \"${x}\": v }"),
        ("request", "url: \"https://h/\", headers: { X: \"${x}\\u4e2d\" }"),
        ("request", "url: \"https://h/${x}\""),
        ("request", "url: \"https://${x}/\""),
        ("request", "url: \"https://h/\", body: { xml: \"<a>${x}</b>\" }"),
        ("request", "url: \"https://h/\", body: { json: \"{ ${x} \" }"),
        ("request", "url: \"https://h/\", body: { text: \"{{user.username | date('${x}')}}\" }"),
        ("response", "success: { field: code, matches: \"${x}\" }"),
        ("response", "success: { regex: \"${x}\", exists: true }"),
        ("response", "success: { css: \"${x}\", exists: true }"),
        ("response", "success: { field: \"${x}\", exists: true }"),
        ("response", "success: { header: \"${x}\", exists: true }"),
        ("response", "charset: \"${x}\", success: { field: code, equals: 1 }"),
        ("response", "success: { field: code, gt: \"${x}\" }"),
    ];
    for (key, text) in places {
        let (request, response) = match key {
            "request" => (text, "success: { field: code, equals: 1 }"),
            _ => ("url: \"https://h/\", body: { form: { p: \"{{user.userPassword}}\" } }", text),
        };
        let file = format!(
            "version: 1\nsettings: {{ x: {{ env: DOORWARD_PROBE }} }}\nsteps:\n  - name: login\n    request: {{ {request} }}\n    \
             response: {{ {response} }}\n"
        );
        let folder = directory(&[("a.yaml", &file)]);
        let output = Command::new(env!("CARGO_BIN_EXE_doorward"))
            .args(["check", "connectors/a.yaml"])
            .env("DOORWARD_PROBE", "hunter2 [(canary")
            .current_dir(folder.path())
            .output()
            .unwrap();
        let told = text_of(&output);
        assert!(told.contains("connectors/a.yaml:"), "{text}: {told}");
        assert!(!told.contains("hunter2") && !told.contains("canary"), "{text}: {told}");
    }
}

fn text_of(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}
