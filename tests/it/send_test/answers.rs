//! A send test that is asked for a code at the terminal, and once more after a wrong one.

use std::process::Command;

use super::{place, send_test};
use crate::challenges::connectors;
use crate::challenges::upstream::{CODE, Upstream};

/// Runs a command in a pseudo-terminal and types a line whenever its prompt is there: `prompt TAB line` each.
const TERMINAL: &str = r#"
import os, pty, select, sys
script = [pair.split("\t") for pair in sys.argv[1].split("\n")]
argv = sys.argv[2:]
pid, screen = pty.fork()
if pid == 0:
    os.execv(argv[0], argv)
seen, fresh = b"", b""
while select.select([screen], [], [], 60)[0]:
    try:
        data = os.read(screen, 4096)
    except OSError:
        break
    if not data:
        break
    seen += data
    fresh += data
    if script and script[0][0].encode() in fresh:
        os.write(screen, script.pop(0)[1].encode() + b"\n")
        fresh = b""
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(status))
"#;

fn typed(place: &std::path::Path, script: &[(&str, &str)], arguments: &[&str]) -> (i32, String) {
    let script: Vec<String> = script.iter().map(|(prompt, line)| format!("{prompt}\t{line}")).collect();
    let output = Command::new("python3")
        .args(["-c", TERMINAL, &script.join("\n"), env!("CARGO_BIN_EXE_doorward")])
        .args(["test", "corp", "--username", "zhangsan"])
        .args(arguments)
        .current_dir(place)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_is_asked_for_the_code() {
    let upstream = Upstream::start().await;
    let place = place(&connectors::sms(&upstream.base));
    let directory = place.path().to_owned();
    let run = tokio::task::spawn_blocking(move || {
        typed(&directory, &[("Password of", "right"), ("Code:", "000000"), ("Code:", CODE)], &[])
    });
    let (code, screen) = run.await.unwrap();
    assert_eq!(code, 0, "{screen}");
    for line in ["challenge: sms", "sent to 138****0000", "3 attempts", "not yet: mfa_failed wrong code", "2 attempts"]
    {
        assert!(screen.contains(line), "no `{line}` in {screen}");
    }
    // One report of all its parts, what was typed hidden.
    for line in ["accept", "login  factor, more", "verify  factor, asked", "verify  factor, success", "‹secret›"] {
        assert!(screen.contains(line), "no `{line}` in {screen}");
    }
    let report = &screen[screen.find("accept").unwrap()..];
    assert!(!report.contains(CODE) && !report.contains("right\""), "{report}");
    assert_eq!((upstream.asked("/login"), upstream.asked("/verify")), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_the_challenge_stays_open() {
    let upstream = Upstream::start().await;
    let place = place(&connectors::sms(&upstream.base));
    let arguments = ["corp", "--username", "zhangsan", "--password-stdin", "--json"];
    let done = send_test(place.path(), &arguments, "right\n").await;
    assert_eq!(done.code, Some(2), "{done:?}");
    let printed = done.json();
    let challenge = &printed["verdict"]["challenge"];
    assert_eq!((&printed["verdict"]["verdict"], &challenge["type"]), (&"challenge".into(), &"sms".into()));
    // Who reads a trace over a shoulder must not be able to go on with the login, or read whose number it is.
    assert_eq!((&challenge["id"], &challenge["message"]), (&"‹secret›".into(), &"‹secret›".into()));
    assert_eq!(printed["trace"][2]["ask"]["fields"], serde_json::json!(["code"]));
    assert_eq!(upstream.asked("/verify"), 0);
}

/// No terminal, and nobody is asked: each given answer serves once, a wrong one first.
#[tokio::test(flavor = "multi_thread")]
async fn answers_can_be_given_beforehand() {
    let upstream = Upstream::start().await;
    let place = place(&connectors::sms(&upstream.base));
    let right = format!("code={CODE}");
    let login = ["corp", "--username", "zhangsan", "--password-stdin"];
    let with = |more: &[&'static str]| login.into_iter().chain(more.iter().copied()).collect::<Vec<_>>();

    let given = [&login[..], &["--answer", "code=000000", "--answer", &right]].concat();
    let done = send_test(place.path(), &given, "right").await;
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{done:?}");
    assert!(!done.out.contains(CODE) && !done.out.contains("000000"), "{done:?}");

    let done = send_test(place.path(), &with(&["--answers-stdin"]), &format!("right\ncode=000000\n{right}\n")).await;
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{done:?}");

    let done = send_test(place.path(), &with(&["--answer", "code=000000"]), "right").await;
    assert_eq!(done.code, Some(2), "the challenge stays open when no answer is left: {done:?}");

    let done = send_test(place.path(), &[&login[..], &["--answer", &right]].concat(), "wrong").await;
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.contains("the answer code was not asked for"), "{done:?}");

    let sent = upstream.asked("/login");
    for (more, told) in
        [(&["--answer", "cod=1"][..], "asks for no cod; did you mean code?"), (&["--answer", "code"], "NAME=VALUE")]
    {
        let done = send_test(place.path(), &with(more), "right").await;
        assert_eq!(done.code, Some(64), "{done:?}");
        assert!(done.err.contains(told), "{done:?}");
    }
    let done = send_test(place.path(), &["corp", "--username", "zhangsan", "--answers-stdin"], "right\n").await;
    assert_eq!(done.code, Some(64), "{done:?}");
    assert_eq!(upstream.asked("/login"), sent, "nothing was sent");
}
