//! `doorward demo --once` from outside: no file, flag or network.

use std::io::Write as _;
use std::process::{Command, Stdio};

use doorward::demo::DemoServer;
use doorward::demo::shipped::CONNECTORS;

#[test]
fn once_shows_every_connector_and_ends_well() {
    let elsewhere = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_doorward"))
        .args(["demo", "--once"])
        .current_dir(elsewhere.path())
        .env("TMPDIR", elsewhere.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}\n{errors}");
    assert_eq!(errors, "");
    for shipped in CONNECTORS {
        let line = text.lines().find(|line| line.starts_with(&format!("{} ", shipped.id)));
        let line = line.unwrap_or_else(|| panic!("{} is missing\n{text}", shipped.id));
        for part in ["accept", "reject(invalid_credentials)", &format!("reject({})", shipped.refused)] {
            assert!(line.contains(part), "{line}");
        }
    }
    assert!(text.contains("18 connectors, 54 logins, all as expected."), "{text}");
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "the demo cleans up");
}

#[tokio::test]
async fn the_walk_of_the_first_connector_works() {
    let document = include_str!("../../docs/first-connector.md");
    let yaml = document.split("```yaml\n").find(|block| block.starts_with("version: 1")).unwrap();
    let yaml = yaml.split("```").next().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("my-4a.yaml");
    std::fs::write(&file, yaml).unwrap();
    let server = DemoServer::start().await.unwrap();
    let run = |program: &'static str, arguments: Vec<String>, input: &'static str| {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not ask for a password may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    };
    let doorward = async |arguments: Vec<String>, input: &'static str| {
        let ended = tokio::task::spawn_blocking(move || run(env!("CARGO_BIN_EXE_doorward"), arguments, input));
        let output = ended.await.unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let path = file.display().to_string();
    let (code, said) = doorward(vec!["check".to_owned(), path.clone()], "").await;
    assert_eq!(code, Some(0), "{said}");
    assert!(document.contains(said.trim()), "the document shows another output\n{said}");
    for (username, password, wanted, verdict) in [
        ("zhangsan", "123456", 0, "accept"),
        ("zhangsan", "x", 1, "reject  invalid_credentials"),
        ("wangwu", "x", 1, "reject  account_locked"),
    ] {
        let arguments =
            ["test", &path, "--username", username, "--password-stdin", "--set", &format!("base={}", server.base())];
        let (code, said) = doorward(arguments.map(str::to_owned).to_vec(), password).await;
        assert_eq!(code, Some(wanted), "{said}");
        assert!(said.starts_with(verdict), "{said}");
    }
}

#[test]
fn the_readme_shows_the_table_of_this_binary() {
    let readme = include_str!("../../README.md");
    let output = Command::new(env!("CARGO_BIN_EXE_doorward")).args(["demo", "--once"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, table) = text.split_once("\n\n").unwrap(); // the ports above it differ
    assert!(readme.contains(table.trim_end()), "README.md shows another table\n{text}");
}
