//! The load: a number of connections, each with one login on its way at a time, until so many logins are done.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

/// Where and what to ask.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    pub path: String,
    /// The header that says who calls.
    pub credential: String,
}

/// Logs `logins` users in over `connections` connections; the time that it took. Every reply must be a yes.
pub fn run(target: &Target, connections: usize, logins: usize) -> Result<Duration> {
    let begun = Instant::now();
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..connections).map(|n| scope.spawn(move || connection(target, n, logins / connections))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| anyhow::bail!("the load panicked")))
    })?;
    Ok(begun.elapsed())
}

/// One connection with a user of its own, so that no guard sees one user twice at a time.
fn connection(target: &Target, number: usize, logins: usize) -> Result<()> {
    let mut stream = TcpStream::connect(target.address).context("no connection")?;
    stream.set_nodelay(true)?;
    let body = format!(r#"{{"username":"user{number}","password":"123456"}}"#);
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\n{}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        target.path,
        target.address,
        target.credential,
        body.len()
    );
    let mut buffer = Vec::new();
    let mut chunk = [0; 4096];
    for _ in 0..logins {
        stream.write_all(request.as_bytes())?;
        buffer.clear();
        while whole(&buffer).is_none() {
            let count = stream.read(&mut chunk)?;
            ensure!(count > 0, "the connection was closed after {}", String::from_utf8_lossy(&buffer));
            buffer.extend_from_slice(&chunk[..count]);
        }
        ensure!(buffer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&buffer));
    }
    Ok(())
}

/// The length of the message that `buffer` begins with, once it is whole. Both sides of the bench send `Content-Length`.
pub fn whole(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = head + length.unwrap_or(0);
    (buffer.len() >= length).then_some(length)
}
