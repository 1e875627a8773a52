//! What arrives on the wire and no HTTP client sends: written by hand, byte by byte.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use doorward::config::Limits;
use doorward::http::listen;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::accept::{Running, login, on, rest, soon, start};
use crate::made_up::MadeUp;
use crate::server::TOKEN;

async fn running() -> Running {
    start(&on("127.0.0.1:0", Limits::default()), MadeUp::new("demo")).await
}

/// Everything that one connection answers to `sent`, after which the caller says no more.
async fn told(running: &Running, sent: &str) -> String {
    let mut stream = running.connect().await;
    stream.write_all(sent.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    rest(&mut stream).await
}

/// RFC 9112 section 3.2.
#[tokio::test]
async fn a_request_names_one_host() {
    let running = running().await;
    let health = |version: &str, hosts: &str| format!("GET /healthz HTTP/{version}\r\n{hosts}\r\n");
    for (version, hosts, status) in [
        ("1.1", "Host: d\r\n", 200),
        ("1.1", "host: [::1]:8080\r\n", 200),
        ("1.1", "Host:\r\n", 200),
        ("1.0", "", 200),
        ("1.1", "", 400),
        ("1.1", "Host: d\r\nHost: d\r\n", 400),
        ("1.1", "Host: d\r\nhost: e\r\n", 400),
        ("1.0", "Host: d\r\nHost: e\r\n", 400),
        ("1.1", "Host: d, e\r\n", 400),
        ("1.1", "Host: d/healthz\r\n", 400),
        ("1.1", "Host: u@d\r\n", 400),
    ] {
        let answer = told(&running, &health(version, hosts)).await;
        assert!(answer.starts_with(&format!("HTTP/{version} {status} ")), "{version} {hosts:?}: {answer}");
        assert_eq!(answer.contains("bad_host"), status == 400, "{answer}");
    }
}

/// RFC 9112 section 6.3: what stands behind a request with both is nobody's to tell.
#[tokio::test]
async fn a_request_whose_end_is_in_doubt_is_the_last_one() {
    let running = running().await;
    let next = "GET /healthz HTTP/1.1\r\nHost: d\r\n\r\n";
    let (length, chunked) = ("Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n");
    for (framing, answers) in [
        (chunked.to_owned(), 2),
        (format!("{length}{chunked}"), 1),
        (format!("{chunked}{length}"), 1),
        (format!("Transfer-Encoding: identity\r\n{length}"), 1),
        (format!("Content-Length: 6\r\n{length}"), 1),
        (format!("{chunked}{chunked}"), 1),
        ("Transfer-Encoding: gzip, chunked\r\n".to_owned(), 1),
        ("Transfer-Encoding: chunked, chunked\r\n".to_owned(), 1),
    ] {
        let head = format!("POST /v1/reload HTTP/1.1\r\nHost: d\r\nAuthorization: Bearer {TOKEN}\r\n{framing}\r\n");
        let answer = told(&running, &format!("{head}0\r\n\r\n{next}")).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), answers, "{framing:?}: {answer}");
    }
}

/// Lines may end in a bare LF (RFC 9112 section 2.2 lets a recipient take it); docs/api.md says so.
#[tokio::test]
async fn a_bare_line_feed_ends_a_line() {
    let answer = told(&running().await, "GET /healthz HTTP/1.1\nHost: d\n\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, 0], payload].concat()
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frames that ask for nothing, for ever.
#[tokio::test]
async fn http_2_floods_end() {
    for (what, flood) in [
        ("SETTINGS", frame(4, 0, &[])),
        ("PING", frame(6, 0, &[0; 8])),
        ("WINDOW_UPDATE", frame(8, 0, &[0, 0, 0, 1])),
        ("an unknown frame", frame(99, 0, b"?")),
    ] {
        let running = running().await;
        let (mut read, mut write) = running.connect().await.into_split();
        let ended = tokio::spawn(async move { rest(&mut read).await });
        write.write_all(&[PREFACE, &frame(4, 0, &[])].concat()).await.unwrap();
        // Until the connection is reset: the daemon ends it long before its own deadlines.
        while write.write_all(&flood.repeat(100)).await.is_ok() {}
        soon(ended).await.unwrap();
        let line = "doorward_connections_closed_total{cause=\"flood\"} 1";
        assert!(running.counted(line), "{what}: {}", running.metrics.text());
    }
}

/// At no moment is a socket there that others may use.
#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_is_born_with_its_mode() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("d.sock");
    let (done, seen) = (Arc::new(AtomicBool::new(false)), path.clone());
    let watching = Arc::clone(&done);
    let modes = std::thread::spawn(move || {
        let mut modes = std::collections::BTreeSet::new();
        while !watching.load(Ordering::Relaxed) {
            modes.extend(std::fs::symlink_metadata(&seen).map(|it| it.permissions().mode() & 0o777));
        }
        modes
    });
    let config = on(&format!("unix:{}", path.display()), Limits::default());
    for _ in 0..300 {
        drop(listen::open(&config).await.unwrap());
    }
    let kept = listen::open(&config).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    done.store(true, Ordering::Relaxed);
    assert!(modes.join().unwrap().is_subset(&[0o660].into()), "another mode was seen");
    drop(kept);
    // What the process makes later has its own mode again.
    std::fs::write(directory.path().join("file"), "").unwrap();
    let other = std::fs::metadata(directory.path().join("file")).unwrap().permissions().mode() & 0o777;
    std::fs::remove_file(directory.path().join("file")).unwrap();
    std::fs::create_dir(directory.path().join("made")).unwrap();
    let made = std::fs::metadata(directory.path().join("made")).unwrap().permissions().mode();
    assert!(made & 0o100 != 0 && other & 0o600 == 0o600, "{made:o} {other:o}");
}

#[tokio::test]
async fn a_login_by_hand_is_answered() {
    let running = running().await;
    let mut stream = running.connect().await;
    for _ in 0..2 {
        stream.write_all(login("accept").as_bytes()).await.unwrap();
        let mut start = [0; 15];
        soon(stream.read_exact(&mut start)).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 200 OK");
        drop(std::mem::replace(&mut stream, running.connect().await));
    }
}
