//! The load: a number of connections, each with one login on its way at a time, until so many logins are done.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::radius;

/// Where and what to ask.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    /// In turn of the connections.
    paths: Vec<String>,
    /// The header that says who calls; programs that want none ignore it.
    credential: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One call, answered with 200.
    Login,
    /// A call that is answered with a challenge, and the answer to it.
    Challenge,
    /// RADIUS over UDP.
    Radius,
}

impl Target {
    pub fn http(address: SocketAddr, path: &str, token: &str) -> Self {
        Self::paths(address, vec![path.to_owned()], token)
    }

    /// Each connection has its own path.
    pub fn paths(address: SocketAddr, paths: Vec<String>, token: &str) -> Self {
        Self { address, paths, credential: format!("Authorization: Bearer {token}"), kind: Kind::Login }
    }

    /// The caller shows this header and no bearer token.
    pub fn showing(self, credential: String) -> Self {
        Self { credential, ..self }
    }

    pub fn challenge(address: SocketAddr, path: &str, token: &str) -> Self {
        Self { kind: Kind::Challenge, ..Self::http(address, path, token) }
    }

    pub fn radius(address: SocketAddr) -> Self {
        Self { kind: Kind::Radius, ..Self::http(address, "", "") }
    }

    pub fn connect(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect(self.address).context("no connection")?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn request(&self, path: &str, body: &str) -> String {
        format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\n{}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            self.credential,
            body.len()
        )
    }
}

/// Logs `logins` users in over `connections` connections; the time that it took. Every reply must be a yes.
pub fn run(target: &Target, connections: usize, logins: usize) -> Result<Duration> {
    let begun = Instant::now();
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..connections).map(|n| scope.spawn(move || some(target, n, logins / connections))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| anyhow::bail!("the load panicked")))
    })?;
    Ok(begun.elapsed())
}

fn some(target: &Target, number: usize, logins: usize) -> Result<()> {
    if target.kind == Kind::Radius {
        return radius::logins(target.address, number, logins);
    }
    let mut connection = Connection::over(target.connect()?, target, number);
    (0..logins).try_for_each(|_| connection.login())
}

/// One connection with a user of its own, so that no guard sees one user twice at a time.
pub struct Connection<'a> {
    stream: TcpStream,
    target: &'a Target,
    request: String,
    buffer: Vec<u8>,
}

impl<'a> Connection<'a> {
    pub fn over(stream: TcpStream, target: &'a Target, number: usize) -> Self {
        let body = format!(r#"{{"username":"user{number}","password":"123456"}}"#);
        let request = target.request(&target.paths[number % target.paths.len()], &body);
        Self { stream, target, request, buffer: Vec::new() }
    }

    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// One login, to its accept.
    pub fn login(&mut self) -> Result<()> {
        let request = std::mem::take(&mut self.request);
        self.call(&request)?;
        self.request = request;
        if self.target.kind == Kind::Challenge {
            self.expect("401")?;
            let reply = String::from_utf8_lossy(&self.buffer);
            let id =
                reply.split_once("\"id\":\"").and_then(|(_, rest)| rest.split_once('"')).context("no challenge")?.0;
            let body = format!(r#"{{"challenge":"{id}","answers":{{"code":"042042"}}}}"#);
            let answer = self.target.request("/v1/challenges", &body);
            self.call(&answer)?;
        }
        self.expect("200")
    }

    fn call(&mut self, request: &str) -> Result<()> {
        self.stream.write_all(request.as_bytes())?;
        self.buffer.clear();
        let mut chunk = [0; 4096];
        while whole(&self.buffer).is_none() {
            let count = self.stream.read(&mut chunk)?;
            ensure!(count > 0, "the connection was closed after {}", String::from_utf8_lossy(&self.buffer));
            self.buffer.extend_from_slice(&chunk[..count]);
        }
        Ok(())
    }

    fn expect(&self, status: &str) -> Result<()> {
        let got = self.buffer.get(9..12);
        ensure!(got == Some(status.as_bytes()), "{}", String::from_utf8_lossy(&self.buffer));
        Ok(())
    }
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
