//! A worker that was taken over: whatever it sends, the calls in it get a verdict and the daemon goes on.

use std::time::Duration;

use doorward::script::{Budget, CallOutcome, Limits, Pool, Worker};

use crate::support::script::{call, limits, numbered, variables};

/// A shell that takes the scripts, says that it is ready, waits for a call and then does something else than answer it.
/// Its first call has the number 0.
fn hostile(does: &str) -> Worker {
    let text = format!(
        r#"length() {{ head -c 4 | od -An -tu4 | tr -d ' '; }}
        skip() {{ head -c "$1" >/dev/null; }}
        skip $(($(length) + 5))
        printf '\002\0\0\0\020\0\0\0\0{{}}'
        skip $(($(length) + 5))
        {does}"#
    );
    // The environment is empty, so the shell looks where POSIX systems have these.
    let args = ["-c".into(), format!("PATH=/usr/bin:/bin\n{text}").into()];
    Worker { program: "/bin/sh".into(), args: args.into() }
}

/// One frame as `printf` of the shell takes it: the payload's length, a kind and a number, each in octal, and the payload.
fn frame(kind: u8, number: u8, payload: &str, length: u32) -> String {
    let bytes: Vec<u8> = length.to_le_bytes().into_iter().chain([kind, number, 0, 0, 0]).collect();
    let header = bytes.iter().fold(String::new(), |text, byte| format!("{text}\\{byte:03o}"));
    format!("printf '{header}{payload}'")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_sends_anything_ends_and_its_calls_have_a_verdict() {
    let waits = "; cat >/dev/null";
    let table = [
        ("a length beyond all limits", frame(20, 0, "", u32::MAX) + waits, Budget::Crash),
        ("a kind that nobody knows", frame(99, 0, "{}", 2) + waits, Budget::Crash),
        ("a frame that only the daemon sends", frame(2, 0, "{}", 2) + waits, Budget::Crash),
        ("READY once more", frame(16, 0, "{}", 2) + waits, Budget::Crash),
        ("an answer to another call", frame(20, 7, "{}", 2) + waits, Budget::Crash),
        ("text that is not UTF-8", frame(20, 0, "\\377\\376", 2) + waits, Budget::Crash),
        ("a rejection that is not UTF-8", frame(21, 0, "\\377", 1) + waits, Budget::Crash),
        ("an exception without its place", frame(22, 0, "ab", 2) + waits, Budget::Crash),
        (
            "a value beyond the caps",
            frame(20, 0, "", 2 * 1024 * 1024) + "; head -c 2097152 /dev/zero" + waits,
            Budget::Crash,
        ),
        ("half a frame and no more", frame(20, 0, "{", 2) + waits, Budget::Wall),
        ("complaints without end", "while :; do echo complaint; done >&2".to_owned(), Budget::Crash),
        ("nothing, with its streams closed", "exec >&- 2>&-".to_owned() + waits, Budget::Crash),
        ("its end", "exit 0".to_owned(), Budget::Crash),
    ];
    for (what, does, by) in table {
        // Short only where nothing else ends the call.
        let wall = if by == Budget::Wall { Duration::from_millis(300) } else { limits().wall };
        let limits = Limits { workers: 1, wall, cpu: Duration::from_mins(1), ..limits() };
        let pool = Pool::start(hostile(&does), limits, numbered(vec![variables("")])).await.unwrap();
        assert_eq!(call(&pool, 0, "{}").await, CallOutcome::Killed { by }, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_twice_ends_the_worker_and_counts_once() {
    let twice = frame(20, 0, "{}", 2) + "; " + &frame(20, 0, "[]", 2) + "; cat >/dev/null";
    let limits = Limits { workers: 1, ..limits() };
    let pool = Pool::start(hostile(&twice), limits, numbered(vec![variables("")])).await.unwrap();
    // Each worker is good for one call and gone with its second answer; the next call finds the next worker.
    for _ in 0..3 {
        assert_eq!(call(&pool, 0, "{}").await, CallOutcome::Value("{}".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_none_is_told_at_the_start() {
    let table = [
        ("printf '\\001\\0\\0\\0\\143\\0\\0\\0\\0x'; cat >/dev/null", "not a script worker of this version"),
        ("exit 3", "it ended"),
        ("printf '\\377\\377\\377\\377\\0\\0\\0\\0\\0'", "it ended"),
    ];
    for (does, message) in table {
        let worker = Worker { program: "/bin/sh".into(), args: ["-c".into(), does.into()].into() };
        let error = Pool::start(worker, limits(), numbered(vec![variables("")])).await.unwrap_err();
        let error = error.to_string();
        // A pipe that broke while the scripts were written says so in the system's words.
        assert!(error.contains(message) || error.contains("Broken pipe"), "{does}: {error}");
    }
}
