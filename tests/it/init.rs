//! `doorward init` and `doorward check` of a configuration, from outside: what is made starts, and every mistake is told.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::daemon::{Home, client};

fn doorward(arguments: &[&str], directory: &Path) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.args(arguments).current_dir(directory).env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn token(said: &str) -> &str {
    said.lines().find_map(|line| line.trim().strip_prefix("token: ")).unwrap()
}

#[test]
fn what_init_makes_checks_clean() {
    let place = tempfile::tempdir().unwrap();
    let (code, said, _) = doorward(&["init", "new/dir"], place.path());
    assert_eq!(code, 0, "{said}");
    let made = place.path().join("new/dir");
    let names: Vec<_> =
        files(&made).iter().map(|path| path.strip_prefix(&made).unwrap().to_str().unwrap().to_owned()).collect();
    let wanted = [
        ".gitignore",
        ".vscode/settings.json",
        "connectors/form.yaml",
        "doorward.yaml",
        "schema/connector.schema.json",
        "schema/doorward.schema.json",
    ];
    assert_eq!(names, wanted);
    // The token is shown and kept nowhere; the configuration is not for everybody.
    let token = token(&said);
    assert!(token.starts_with("dwt_"), "{said}");
    for path in files(&made) {
        assert!(!std::fs::read_to_string(&path).unwrap().contains(token), "{}", path.display());
    }
    let mode = std::fs::metadata(made.join("doorward.yaml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    // What an editor reads is there.
    let settings: Value =
        serde_json::from_str(&std::fs::read_to_string(made.join(".vscode/settings.json")).unwrap()).unwrap();
    for schema in settings["yaml.schemas"].as_object().unwrap().keys() {
        assert!(made.join(schema).is_file(), "{schema}");
    }
    let connector = std::fs::read_to_string(made.join("connectors/form.yaml")).unwrap();
    assert!(connector.starts_with("# yaml-language-server: $schema=../schema/connector.schema.json\n"), "{connector}");
    for arguments in [&["check"][..], &["check", "doorward.yaml", "--strict"], &["check", "."]] {
        let (code, said, told) = doorward(arguments, &made);
        assert_eq!((code, told.as_str()), (0, ""), "{arguments:?}: {said}");
        assert!(said.starts_with("configuration, 1 connector, ") && said.ends_with(": all good\n"), "{said}");
    }
    let (code, said, _) = doorward(&["check", "new/dir"], place.path());
    assert!(code == 0 && said.starts_with("configuration, "), "{said}");
}

/// From a directory to a daemon that answers the token, with no edit but the port, which a test may not choose.
#[tokio::test(flavor = "multi_thread")]
async fn serve_starts_in_it_and_the_token_opens() {
    let home = Home::new("");
    std::fs::remove_file(home.path("doorward.yaml")).unwrap();
    std::fs::remove_dir(home.path("connectors")).unwrap();
    let (code, said, told) = doorward(&["init", "."], &home.path(""));
    assert_eq!(code, 0, "{told}");
    let configuration = std::fs::read_to_string(home.path("doorward.yaml")).unwrap();
    std::fs::write(home.path("doorward.yaml"), configuration.replace("127.0.0.1:8443", "127.0.0.1:0")).unwrap();
    let daemon = home.start();
    let call = |token: &str| {
        let url = format!("{}/v1/connectors/form/authenticate", daemon.base);
        let request = client().post(url).bearer_auth(token.to_owned());
        request.header("Content-Type", "application/json").body(r#"{"username":"zhangsan","password":""}"#).send()
    };
    // Nobody has an empty password, so nothing is sent and the login is a reject.
    assert_eq!(call(token(&said)).await.unwrap().status(), 403);
    assert_eq!(call("test").await.unwrap().status(), 401);
}

#[test]
fn the_first_connector_is_the_one_that_was_asked_for() {
    let place = tempfile::tempdir().unwrap();
    let curl = "curl https://4a.example.com/login -d 'user=zhangsan&password=123456'";
    for (arguments, id) in [
        (&["--connector", "soap"][..], "soap"),
        (&["--connector", "captcha-login.yaml"], "captcha-login"),
        (&["--connector", "foura-json-md5-filter"], "foura-json-md5-filter"),
        (&["--from-curl", curl], "my-4a"),
    ] {
        let (code, said, told) = doorward(&[&["init", id][..], arguments].concat(), place.path());
        assert_eq!(code, 0, "{told}");
        assert!(said.contains(&format!("connectors/{id}.yaml")), "{said}");
        assert!(place.path().join(id).join("connectors").join(format!("{id}.yaml")).is_file());
        let (code, said, _) = doorward(&["check", id], place.path());
        assert_eq!(code, 0, "{id}: {said}");
    }
    assert!(
        place.path().join("captcha-login/connectors/captcha-image.yaml").is_file(),
        "what a console calls before it"
    );
}

/// Every shipped connector, with the scripts that it names, in one directory each.
#[test]
fn every_shipped_connector_can_be_the_first() {
    let place = tempfile::tempdir().unwrap();
    for shipped in doorward::shipped::CONNECTORS {
        let (code, _, told) = doorward(&["init", shipped.id, "--connector", shipped.id], place.path());
        assert_eq!(code, 0, "{}: {told}", shipped.id);
        for script in doorward::shipped::SCRIPTS.iter().filter(|(name, _)| shipped.yaml.contains(name)) {
            assert!(place.path().join(shipped.id).join("scripts").join(script.0).is_file(), "{}", script.0);
        }
    }
}

#[test]
fn init_writes_over_nothing_and_says_what_is_wrong() {
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("old")).unwrap();
    std::fs::write(place.path().join("old/doorward.yaml"), "mine").unwrap();
    std::fs::write(place.path().join("file"), "").unwrap();
    for (arguments, words) in [
        (&["init", "old"][..], "old has doorward.yaml already, and nothing is written over"),
        (&["init", "file"], "cannot be written"),
        (&["init", "x", "--connector", "foura-json"], "Did you mean `foura-json-md5`?"),
        (&["init", "x", "--connector", "../../etc/passwd"], "there is no shipped connector"),
        (&["init", "x", "--from-curl", "wget https://4a.example.com"], "curl"),
        (&["init", "x", "--from-curl", ""], ""),
        (&["init", "x", "--connector", "form", "--from-curl", "curl"], "cannot be used with"),
    ] {
        let (code, said, told) = doorward(arguments, place.path());
        assert_eq!((code, said.as_str()), (64, ""), "{arguments:?}: {told}");
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
    assert_eq!(files(&place.path().join("old")).len(), 1, "nothing beside it either");
    assert_eq!(std::fs::read_to_string(place.path().join("old/doorward.yaml")).unwrap(), "mine");
    assert!(!place.path().join("x").exists());
}

#[test]
fn serve_without_a_configuration_says_init() {
    let place = tempfile::tempdir().unwrap();
    let (code, _, told) = doorward(&["serve"], place.path());
    assert!(code == 4 && told.contains("doorward init DIR"), "{told}");
}

/// A change of what `init` makes, and words of what is told.
#[test]
fn a_configuration_is_checked_with_all_that_it_names() {
    let place = tempfile::tempdir().unwrap();
    doorward(&["init", "."], place.path());
    let path = place.path().join("doorward.yaml");
    let good = std::fs::read_to_string(&path).unwrap();
    std::fs::write(place.path().join("c.pem"), "not PEM").unwrap();
    let with = |added: &str| format!("{good}\n{added}\n");
    for (text, code, words) in [
        (with("limits: { idel: 5s }"), 4, "did you mean `idle`"),
        (with("tls: { cert_file: c.pem, key_file: c.pem }"), 4, "no certificate"),
        (with("audit: { file: c.pem/logins.jsonl }"), 4, "c.pem is no directory"),
        (with("audit: { file: connectors }"), 4, "is a directory"),
        (with("egress: { allow: [ login.example.com ] }"), 4, "4a.example.com"),
        (good.replace("127.0.0.1:8443", "0.0.0.0:8443"), 4, "cross the network in clear"),
        (good.replace("connectors: connectors", "connectors: nowhere"), 4, "nowhere, cannot be read"),
        (good.replace("sha256:", "sha256:PUT-A-HASH-HERE\" #"), 4, "sample-token"),
        (good.replace("    scopes:", "    connectors: [ forms ]\n    scopes:"), 0, "did you mean `form`?"),
    ] {
        std::fs::write(&path, text).unwrap();
        for argument in ["doorward.yaml", "."] {
            let (done, said, told) = doorward(&["check", argument], place.path());
            assert!(done == code && said.contains(words) && told.is_empty(), "{words}: {done} {said}{told}");
        }
    }
    // A secret of a connector may be on another machine, unless the daemon is to start on this one.
    std::fs::write(&path, &good).unwrap();
    let connector = std::fs::read_to_string(place.path().join("connectors/form.yaml")).unwrap();
    let keyed = connector
        .replace("steps:\n", "secrets: { key: { env: INIT_TEST_KEY } }\nsteps:\n")
        .replace("      body:\n", "      headers: { X-Key: \"{{secret.key}}\" }\n      body:\n");
    std::fs::write(place.path().join("connectors/form.yaml"), keyed).unwrap();
    assert_eq!(doorward(&["check"], place.path()).0, 0);
    let (code, said, _) = doorward(&["check", ".", "--strict"], place.path());
    assert!(code == 4 && said.contains("INIT_TEST_KEY") && said.contains("1 connector cannot run"), "{said}");
}

#[test]
fn check_says_what_does_not_go_together() {
    let place = tempfile::tempdir().unwrap();
    doorward(&["init", "."], place.path());
    for (arguments, words) in [
        (&["check", "connectors", "--strict"][..], "--strict is for a configuration"),
        (&["check", "doorward.yaml", "connectors"], "check it alone"),
        (&["check", "doorward.yaml", "--config", "doorward.yaml"], "has its own `egress`"),
        (&["check", "nowhere"], "nowhere"),
    ] {
        let (code, _, told) = doorward(arguments, place.path());
        assert!(code == 64 && told.contains(words), "{arguments:?}: {code} {told}");
    }
    // For tools: one object, whatever is wrong.
    std::fs::write(place.path().join("doorward.yaml"), "clients: 1\n").unwrap();
    let (code, said, _) = doorward(&["check", "--format", "json"], place.path());
    let object: Value = serde_json::from_str(&said).unwrap();
    assert!(code == 4 && object["ok"] == json!(false) && object["errors"].as_u64().unwrap() > 0, "{said}");
}
