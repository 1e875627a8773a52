//! The password prompt in a pseudo-terminal: it asks, and shows nothing of what is typed.

use std::process::Command;

use rexpect::session::spawn_command;

use super::upstream::Upstream;
use super::{LOGIN, place};

/// Until a line of the command comes, in ms: far beyond what it needs, so that a broken prompt ends the test.
const PATIENCE: u64 = 60_000;

#[tokio::test(flavor = "multi_thread")]
async fn the_prompt_shows_nothing_of_the_password() {
    let upstream = Upstream::start().await;
    let place = place(&LOGIN.replace("BASE", &upstream.origin));
    let directory = place.path().to_owned();
    let screen = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.args(["test", "corp", "--username", "zhang\u{7}san"]).current_dir(directory).env("NO_COLOR", "1");
        let mut session = spawn_command(command, Some(PATIENCE)).unwrap();
        let mut screen = session.exp_string("Password of zhang\u{fffd}san: ").unwrap();
        session.send_line("s3cret words").unwrap();
        screen.push_str(&session.exp_eof().unwrap());
        screen
    });
    let screen = screen.await.unwrap();
    assert_eq!(upstream.last_json()["password"], "s3cret words");
    assert!(screen.contains("reject  invalid_credentials"), "{screen}");
    assert!(!screen.contains("s3cret") && !screen.contains("words"), "{screen}");
    assert!(!screen.contains('\u{1b}'), "NO_COLOR is respected: {screen}");
}
