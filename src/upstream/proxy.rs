//! An HTTP proxy: `CONNECT` for https origins (RFC 9110 9.3.6); http origins are asked for in absolute form.
//!
//! Only one that the operator lists. Its user and password are the proxy's, never sent to an origin.

use base64::Engine as _;
use http::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use super::fault::Fault;
use super::origin::{Origin, OriginError};
use crate::percent;
use crate::verdict::Cause;

/// The longest answer to CONNECT: a status line and some headers.
const MAX_ANSWER: usize = 8 * 1024;

/// A proxy and how to log in to it.
pub(super) struct Proxy {
    pub(super) origin: Origin,
    /// `Proxy-Authorization`.
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxy {
    pub(super) fn new(url: &Url) -> Result<Self, OriginError> {
        let origin = Origin::of(url)?;
        if origin.scheme() != super::Scheme::Http {
            return Err(OriginError::Scheme { scheme: "https (of a proxy)".to_owned() });
        }
        let decoded = |part: &str| percent::decode_leniently(part.as_bytes());
        let authorization = (!url.username().is_empty()).then(|| {
            let pair = [&decoded(url.username())[..], b":", &decoded(url.password().unwrap_or_default())].concat();
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
        });
        let authorization = authorization.and_then(|text| HeaderValue::try_from(text).ok()).map(|mut value| {
            value.set_sensitive(true);
            value
        });
        Ok(Self { origin, authorization })
    }

    /// Asks for a tunnel to `origin` and reads the answer, not a byte more.
    pub(super) async fn tunnel(&self, tcp: &mut TcpStream, origin: &Origin) -> Result<(), Fault> {
        let target = format!("{}:{}", origin.host(), origin.port());
        let mut ask = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
        if let Some(authorization) = &self.authorization {
            ask.extend_from_slice(b"Proxy-Authorization: ");
            ask.extend_from_slice(authorization.as_bytes());
            ask.extend_from_slice(b"\r\n");
        }
        ask.extend_from_slice(b"\r\n");
        tcp.write_all(&ask).await.map_err(|error| self.broke(&error))?;
        let status = self.answer(tcp).await?;
        match status {
            200..=299 => Ok(()),
            407 => Err(self.fault("wants a user and a password (407)")),
            403 => Err(self.fault(&format!("forbids {target} (403)"))),
            other => Err(self.fault(&format!("opened no tunnel to {target} (status {other})"))),
        }
    }

    async fn answer(&self, tcp: &mut TcpStream) -> Result<u16, Fault> {
        let mut answer = Vec::with_capacity(256);
        loop {
            // A TLS server waits for the client's first byte, so nothing may follow the proxy's own answer.
            if let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
                let status = status_of(&answer).filter(|_| end + 4 == answer.len());
                return status.ok_or_else(|| self.fault("did not answer CONNECT in HTTP/1.1"));
            }
            if answer.len() >= MAX_ANSWER {
                return Err(self.fault("answered CONNECT with more than 8 KiB of headers"));
            }
            let read = tcp.read_buf(&mut answer).await.map_err(|error| self.broke(&error))?;
            if read == 0 {
                return Err(self.fault("closed the connection instead of opening a tunnel"));
            }
        }
    }

    fn fault(&self, what: &str) -> Fault {
        Fault::new(Cause::Connect, format!("the proxy {} {what}", self.origin))
    }

    fn broke(&self, error: &std::io::Error) -> Fault {
        self.fault(&format!("broke the connection: {error}"))
    }
}

/// The status of `HTTP/1.x NNN ...`.
fn status_of(answer: &[u8]) -> Option<u16> {
    let line = answer.strip_prefix(b"HTTP/1.1 ").or_else(|| answer.strip_prefix(b"HTTP/1.0 "))?;
    let digits = line.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
