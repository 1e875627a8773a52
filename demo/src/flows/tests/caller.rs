//! The client of these tests: bare sockets, and a clock that can be turned.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::DemoServer;
use crate::clock::Clock;

/// A clock that a test sets, in milliseconds.
struct Turned(AtomicU64);

impl Clock for Turned {
    fn unix_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) struct Demo {
    pub server: DemoServer,
    clock: Arc<Turned>,
}

/// A reply, read roughly.
pub(super) struct Reply {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}\n{}", self.head, self.text()))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn header(&self, name: &str) -> Vec<String> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).collect()
    }

    /// `name=value` of a cookie.
    pub(super) fn cookie(&self, name: &str) -> String {
        let cookies = self.header("set-cookie");
        let set = cookies.iter().find(|cookie| cookie.starts_with(&format!("{name}=")));
        set.unwrap_or_else(|| panic!("no {name} in {}", self.head)).split(';').next().unwrap().to_owned()
    }

    /// What stands in the page between two texts.
    pub(super) fn between(&self, before: &str, after: &str) -> String {
        let text = self.text();
        let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
        rest.split_once(after).unwrap().0.to_owned()
    }
}

impl Demo {
    pub(super) async fn start() -> Self {
        let clock = Arc::new(Turned(AtomicU64::new(1_767_323_045_000)));
        let server = DemoServer::start_at(Arc::clone(&clock) as Arc<dyn Clock>).await.unwrap();
        Self { server, clock }
    }

    pub(super) fn seconds_later(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    pub(super) async fn send(&self, line: &str, headers: &str, body: &str) -> Reply {
        let mut stream = TcpStream::connect(self.server.address).await.unwrap();
        let length = body.len();
        let head =
            format!("{line} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}");
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await.unwrap();
        let at = reply.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(reply[..at].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head, body: reply[at + 4..].to_vec() }
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.send(&format!("GET {path}"), "", "").await
    }

    pub(super) async fn json(&self, path: &str, body: Value) -> Value {
        self.send(&format!("POST {path}"), "Content-Type: application/json\r\n", &body.to_string()).await.json()
    }

    pub(super) async fn form(&self, path: &str, headers: &str, body: &str) -> Reply {
        let headers = format!("Content-Type: application/x-www-form-urlencoded\r\n{headers}");
        self.send(&format!("POST {path}"), &headers, body).await
    }
}
