//! Tries what a worker must not be able to do, so that a test can check the sandbox of this machine.
//!
//! It runs only on request, in a worker that serves no logins.

use std::fs::File;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;

/// Each attempt, and whether it succeeded.
pub(super) fn attempts() -> Vec<(String, bool)> {
    let named = |name: &str, succeeded: bool| (name.to_owned(), succeeded);
    vec![
        named("read a file", File::open("/etc/passwd").is_ok()),
        named("read its own memory map", File::open("/proc/self/maps").is_ok()),
        named("list a directory", std::fs::read_dir("/").is_ok()),
        named("create a file", File::create("/tmp/doorward-script-worker-probe").is_ok()),
        named("open a TCP connection", TcpStream::connect(("127.0.0.1", 9)).is_ok()),
        named("listen on a TCP port", TcpListener::bind(("127.0.0.1", 0)).is_ok()),
        named("open a UDP socket", UdpSocket::bind(("127.0.0.1", 0)).is_ok()),
        named("start a process", Command::new("/bin/true").status().is_ok()),
        named("start a thread", std::thread::Builder::new().spawn(|| {}).is_ok()),
    ]
}
