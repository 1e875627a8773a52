//! The password prompt in a pseudo-terminal: it asks, and shows nothing of what is typed.

use std::process::Command;

use super::upstream::Upstream;
use super::{LOGIN, place};

/// Runs a command in a pseudo-terminal, types a line when the prompt is there, and prints what the screen showed.
/// Python's pty module does it without a crate whose system bindings would make every dependency build anew.
const TERMINAL: &str = r#"
import os, pty, select, sys, termios
prompt, line, argv = sys.argv[1].encode(), sys.argv[2].encode() + b"\n", sys.argv[3:]
pid, screen = pty.fork()
if pid == 0:
    os.execv(argv[0], argv)
seen, typed = b"", False
while select.select([screen], [], [], 60)[0]:
    try:
        data = os.read(screen, 4096)
    except OSError:
        break
    if not data:
        break
    seen += data
    if prompt in seen and not typed:
        typed = True
        # Nobody types before the prompt has switched the echo off.
        while termios.tcgetattr(screen)[3] & termios.ECHO:
            select.select([], [], [], 0.01)
        os.write(screen, line)
os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_prompt_shows_nothing_of_the_password() {
    let upstream = Upstream::start().await;
    let place = place(&LOGIN.replace("BASE", &upstream.origin));
    let directory = place.path().to_owned();
    let screen = tokio::task::spawn_blocking(move || {
        let output = Command::new("python3")
            .args(["-c", TERMINAL, "Password of zhang\\u{7}san: ", "s3cret words", env!("CARGO_BIN_EXE_doorward")])
            .args(["test", "corp", "--username", "zhang\u{7}san"])
            .current_dir(directory)
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    });
    let screen = screen.await.unwrap();
    assert_eq!(upstream.last_json()["password"], "s3cret words");
    assert!(screen.contains("reject  invalid_credentials"), "{screen}");
    assert!(!screen.contains("s3cret") && !screen.contains("words"), "{screen}");
    assert!(!screen.contains('\u{1b}'), "NO_COLOR is respected: {screen}");
}
