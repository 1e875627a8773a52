//! What a worker process cannot do, tried from inside it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use crate::support::script::{limits, pool_with, variables};

/// Sends one `PROBE` frame to a worker and returns its answer: each attempt, and whether it succeeded.
fn attempts() -> Vec<(String, bool)> {
    let mut worker = Command::new(env!("CARGO_BIN_EXE_doorward"))
        .arg("script-worker")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = worker.stdin.take().unwrap();
    stdin.write_all(&[0, 0, 0, 0, 4, 0, 0, 0, 0]).unwrap();
    drop(stdin);
    let mut answer = Vec::new();
    worker.stdout.take().unwrap().read_to_end(&mut answer).unwrap();
    assert!(worker.wait().unwrap().success());
    serde_json::from_slice(&answer[9..]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_opens_no_file_no_socket_and_no_process() {
    let sandbox = pool_with(limits(), vec![variables("")]).await.sandbox();
    println!("this kernel: {sandbox}");
    assert!(sandbox.limits, "resource limits exist everywhere");
    for (attempt, succeeded) in attempts() {
        println!("{attempt}: {}", if succeeded { "possible" } else { "denied" });
        let network = attempt.contains("TCP") || attempt.contains("UDP");
        let denied = sandbox.seccomp || (sandbox.landlock && !network && !attempt.contains("start"));
        assert!(!(denied && succeeded), "{attempt}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_has_no_environment_and_low_limits() {
    let pool = pool_with(limits(), vec![variables("")]).await;
    let pid = pool.pids()[0];
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    assert!(environment.is_empty(), "{}", String::from_utf8_lossy(&environment));
    let text = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let limit = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(limit("Max core file size"), "0");
    assert_eq!(limit("Max open files"), "8");
    assert_eq!(limit("Max file size"), "0");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let size: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
    let room = limit("Max address space").parse::<u64>().unwrap() / 1024 - size;
    assert!((60 * 1024..=64 * 1024).contains(&room), "{room} KiB");
}

#[test]
fn a_worker_in_a_loop_ends_when_its_daemon_is_gone() {
    // The shell starts a worker, hands it a looping script and dies; the worker's number is all that is left of it.
    let load = serde_json::json!({"scripts": [["Variables", "for (;;) {}"]], "memory": 1 << 26, "env_bytes": 9, "result_bytes": 9});
    let load = load.to_string();
    let mut frames = Vec::new();
    frames.extend_from_slice(&u32::try_from(load.len()).unwrap().to_le_bytes());
    frames.extend_from_slice(&[1, 0, 0, 0, 0]);
    frames.extend_from_slice(load.as_bytes());
    frames.extend_from_slice(&[6, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, b'{', b'}']);
    let directory = tempfile::tempdir().unwrap();
    let (input, output) = (directory.path().join("input"), directory.path().join("output"));
    std::fs::write(&input, frames).unwrap();
    let script = r#"mkfifo "$2" && { "$0" script-worker <"$1" >"$2" & echo $!; head -c 1 <"$2" >/dev/null; }"#;
    let shell = Command::new("/bin/sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_doorward")])
        .args([&input, &output])
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let pid = String::from_utf8(shell.stdout).unwrap();
    let process = format!("/proc/{}/stat", pid.trim());
    // A process that ended but was not collected by the init process of a container still has an entry, as a zombie.
    let lives = || std::fs::read_to_string(&process).is_ok_and(|stat| !stat.contains(") Z "));
    let given_up = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while lives() {
        assert!(std::time::Instant::now() < given_up, "the worker outlived its daemon");
        std::thread::yield_now();
    }
}
