//! What can go wrong between a rendered request and its reply: a cause, whether anything was written, and one line.
//!
//! The line is for an administrator without a packet capture: addresses, names, times and sizes, never a path, a
//! query, a header or a body. Errors are matched by type, never by text.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::chain::cause;
use super::origin::Origin;
use super::stream::{Meter, Overrun};
use super::tls_error;
use crate::verdict::Cause;

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendFault {
    /// The cause of the verdict `unavailable`.
    pub cause: Cause,
    /// Whether bytes of the request may have reached the server. False: another node may be asked, and the same
    /// answer of a user may be sent again.
    pub written: bool,
    /// One line for an administrator, without secrets.
    pub explain: String,
    /// What stands in that line as the reply says it.
    pub word: Option<String>,
}

impl fmt::Display for SendFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause, self.explain)
    }
}

impl std::error::Error for SendFault {}

/// A fault before the exchange knows whether anything was written.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) cause: Cause,
    pub(super) explain: String,
    pub(super) word: Option<String>,
    /// The framing of this connector's connections cannot be trusted any more.
    pub(super) doubt: bool,
}

impl Fault {
    pub(super) fn new(cause: Cause, explain: impl Into<String>) -> Self {
        Self { cause, explain: explain.into(), word: None, doubt: false }
    }

    /// A reply whose beginning or end is uncertain.
    pub(super) fn doubt(explain: impl Into<String>) -> Self {
        Self { doubt: true, ..Self::new(Cause::UnexpectedReply, explain) }
    }

    /// TLS ended the connection.
    pub(super) fn tls(error: &rustls::Error) -> Self {
        Self::new(Cause::Tls, tls_error::explain(error))
    }

    /// The same, or what TLS had to say about it: HTTP/2 hides why its stream broke.
    pub(super) fn explained(self, meter: &Meter) -> Self {
        match meter.tls_failure() {
            Some(error) if !self.doubt => Self::tls(error),
            _ => self,
        }
    }
}

/// Where an exchange stands. Kept outside the exchange, so that it is there when the deadline ends it.
pub(super) struct Progress {
    pub(super) started: Instant,
    pub(super) stage: Stage,
    pub(super) written: bool,
    /// When the connection stood, if a new one was made.
    pub(super) connected: Option<Duration>,
    /// What the connection in use has counted; also its identity in the pool.
    pub(super) meter: Option<Arc<Meter>>,
}

/// What is being waited for.
#[derive(Clone, Copy)]
pub(super) enum Stage {
    Queue,
    Resolve,
    Connect(SocketAddr),
    Tunnel,
    Handshake,
    /// `kept`: the connection served another request before.
    Head {
        kept: bool,
    },
    Body {
        received: usize,
    },
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), stage: Stage::Queue, written: false, connected: None, meter: None }
    }

    pub(super) fn fail(&self, fault: Fault) -> SendFault {
        SendFault { cause: fault.cause, written: self.written, explain: fault.explain, word: fault.word }
    }

    /// The deadline passed at this stage; `within` is the time that was given.
    pub(super) fn too_late(&self, origin: &Origin, within: Duration) -> SendFault {
        self.fail(Fault::new(Cause::Timeout, self.explain_too_late(origin, within)))
    }

    /// Connecting took longer than `connect_timeout`.
    pub(super) fn connect_too_late(&self, origin: &Origin, within: Duration) -> Fault {
        let cause = match self.stage {
            Stage::Resolve => Cause::Dns,
            Stage::Handshake => Cause::Tls,
            _ => Cause::Connect,
        };
        Fault::new(cause, self.explain_too_late(origin, within))
    }

    fn explain_too_late(&self, origin: &Origin, within: Duration) -> String {
        let within = Span(within);
        let arrived = self.meter.as_ref().map_or(0, |meter| meter.arrived());
        match self.stage {
            Stage::Queue => format!("no free place among the connector's requests in flight within {within}"),
            Stage::Resolve => {
                format!("the name {} was not resolved within {within}: no DNS server answered", origin.host())
            }
            Stage::Connect(addr) => format!(
                "connecting to {addr} got no answer within {within}: the host is down or a firewall drops the packets"
            ),
            Stage::Tunnel => format!("the proxy opened no tunnel to {} within {within}", origin.authority()),
            Stage::Handshake => {
                format!("the TLS handshake with {origin} did not finish within {within}: the server sent no more data")
            }
            Stage::Head { kept } => match (arrived, kept) {
                (0, false) => {
                    format!("no reply within {within} (the request was sent; the server did not respond)")
                }
                (0, true) => format!(
                    "no reply within {within} (the request was sent on a kept connection; the server did not respond, or had closed the idle connection)"
                ),
                (some, _) => format!("the reply's headers did not end within {within} ({some} bytes of a reply came)"),
            },
            Stage::Body { received } => {
                format!("the reply's body did not end within {within} ({received} bytes of it came)")
            }
        }
    }
}

/// A duration as people write it: `8 s`, `1.5 s`, `250 ms`.
pub(super) struct Span(pub(super) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = (self.0.as_micros() + 500) / 1000;
        match ms {
            0..1000 => write!(f, "{ms} ms"),
            _ if ms.is_multiple_of(1000) => write!(f, "{} s", ms / 1000),
            _ => write!(f, "{}.{} s", ms / 1000, ms % 1000 / 100),
        }
    }
}

/// Dialling `addr` failed.
pub(super) fn connecting(addr: SocketAddr, error: &io::Error) -> Fault {
    let why = match error.kind() {
        io::ErrorKind::ConnectionRefused => "was refused: nothing listens there".to_owned(),
        io::ErrorKind::ConnectionReset => "was reset by the other side".to_owned(),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            "failed: there is no route to it".to_owned()
        }
        io::ErrorKind::TimedOut => "got no answer: the host is down or a firewall drops the packets".to_owned(),
        io::ErrorKind::PermissionDenied => "was forbidden by this machine".to_owned(),
        io::ErrorKind::AddrNotAvailable => "failed: this machine has no free port or address left".to_owned(),
        // The operating system's own text; nothing of the request is in it.
        _ => format!("failed: {error}"),
    };
    Fault::new(Cause::Connect, format!("connecting to {addr} {why}"))
}

/// The TLS handshake failed.
pub(super) fn handshake(origin: &Origin, error: &io::Error) -> Fault {
    let why = match (cause::<rustls::Error>(error), error.kind()) {
        (Some(error), _) => tls_error::explain(error),
        (None, io::ErrorKind::UnexpectedEof) => "the server closed the connection during the handshake".to_owned(),
        (None, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            "the server reset the connection during the handshake".to_owned()
        }
        (None, _) => format!("the connection broke during the handshake: {error}"),
    };
    Fault::new(Cause::Tls, format!("TLS with {origin}: {why}"))
}

/// Which part of the reply was awaited when hyper gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Head,
    /// So many bytes of the body had come.
    Body(usize),
}

/// hyper gave up on an exchange whose request may be written.
pub(super) fn exchange(error: &hyper::Error, part: Part) -> Fault {
    if cause::<Overrun>(error).is_some() {
        return Fault::doubt(match part {
            Part::Head => "the server sends interim replies without end, and no final one",
            Part::Body(_) => "the reply's body is almost nothing but chunk headers",
        });
    }
    if error.is_parse_too_large() {
        let mut fault = Fault::doubt("the reply's headers are over 64 KiB or more than 100");
        fault.cause = Cause::ResponseTooLarge;
        return fault;
    }
    if error.is_parse() {
        return Fault::doubt(if error.is_parse_version_h2() {
            "the server answered HTTP/1.1 with HTTP/2"
        } else {
            "the reply is not well-formed HTTP/1.1: its status line, a header or its length cannot be trusted"
        });
    }
    match (part, cause::<io::Error>(error).map(io::Error::kind)) {
        (Part::Body(_), Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)) => {
            Fault::doubt("the reply's chunked framing is broken")
        }
        (Part::Head, Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)) => {
            Fault::new(Cause::Connect, "the server reset the connection after the request was sent, before it replied")
        }
        (Part::Head, _) if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => {
            Fault::new(Cause::Connect, "the server closed the connection after the request was sent, before it replied")
        }
        (Part::Head, _) => {
            Fault::new(Cause::Connect, "the connection broke after the request was sent, before a reply")
        }
        (Part::Body(received), _) => Fault::new(
            Cause::Connect,
            format!("the connection broke in the reply's body, after {received} bytes of it"),
        ),
    }
}

/// Whether a connection that ended with this error said something that it should not have.
pub(super) fn is_doubt(error: &hyper::Error) -> bool {
    let broke = cause::<io::Error>(error).is_some_and(|io| cause::<Overrun>(io).is_none());
    let ended = error.is_incomplete_message() || error.is_closed() || error.is_canceled() || error.is_shutdown();
    !broke && !ended && !error.is_user()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What only other machines and networks can make the system say; docs/transport.md has the lines.
    #[test]
    fn what_dialling_says() {
        let addr = "10.1.2.3:443".parse().unwrap();
        for (kind, why) in [
            (io::ErrorKind::ConnectionRefused, "was refused: nothing listens there"),
            (io::ErrorKind::ConnectionReset, "was reset by the other side"),
            (io::ErrorKind::HostUnreachable, "failed: there is no route to it"),
            (io::ErrorKind::NetworkUnreachable, "failed: there is no route to it"),
            (io::ErrorKind::TimedOut, "got no answer: the host is down or a firewall drops the packets"),
            (io::ErrorKind::PermissionDenied, "was forbidden by this machine"),
            (io::ErrorKind::AddrNotAvailable, "failed: this machine has no free port or address left"),
        ] {
            let fault = connecting(addr, &kind.into());
            assert_eq!((fault.cause, fault.doubt), (Cause::Connect, false));
            assert_eq!(fault.explain, format!("connecting to 10.1.2.3:443 {why}"));
        }
    }
}
