//! `doorward demo --once` from outside: no file, flag or network.

use std::process::Command;

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
