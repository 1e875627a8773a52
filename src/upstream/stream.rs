//! The bytes of one connection: TCP in clear or under TLS, and a meter that counts them.
//!
//! The meter tells an explanation how far a reply came, and ends a reply that is all wrapping: interim replies,
//! chunk headers and empty compressed blocks never reach the cap on the decoded body.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::chain::cause;
use super::spelled::Respelled;
use crate::request::Spellings;

/// A connected stream.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    #[cfg(feature = "legacy-tls")]
    Legacy(Box<tokio_openssl::SslStream<TcpStream>>),
}

/// Before the final reply's headers end, this much may arrive: 64 KiB of headers, the beginning of the body that
/// came with them, and what is left is room for interim replies.
const HEAD_BUDGET: u64 = 256 * 1024;

/// Counts what arrived and how much more may.
#[derive(Debug)]
pub(super) struct Meter {
    read: AtomicU64,
    /// `read` when the request was sent.
    since: AtomicU64,
    limit: AtomicU64,
    tls_failure: OnceLock<rustls::Error>,
    /// How the names of the next head are spelled; taken when it is written.
    spellings: Mutex<Spellings>,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            read: AtomicU64::new(0),
            since: AtomicU64::new(0),
            limit: AtomicU64::new(u64::MAX),
            tls_failure: OnceLock::new(),
            spellings: Mutex::default(),
        }
    }
}

impl Meter {
    /// A request is about to be sent: counts from here. HTTP/2 has many replies on one connection and its own limits.
    pub(super) fn expect_head(&self, limited: bool) {
        let read = self.read.load(Ordering::Relaxed);
        self.since.store(read, Ordering::Relaxed);
        if limited {
            self.limit.store(read + HEAD_BUDGET, Ordering::Relaxed);
        }
    }

    /// The next bytes that are written are a head whose names are spelled so. HTTP/2 has small letters only.
    pub(super) fn spell(&self, spellings: &Spellings) {
        *self.spellings.lock().unwrap_or_else(PoisonError::into_inner) = spellings.clone();
    }

    fn take_spellings(&self) -> Option<Spellings> {
        let spellings = std::mem::take(&mut *self.spellings.lock().unwrap_or_else(PoisonError::into_inner));
        (!spellings.is_empty()).then_some(spellings)
    }

    /// What ended TLS on this connection, an alert for example.
    pub(super) fn tls_failure(&self) -> Option<&rustls::Error> {
        self.tls_failure.get()
    }

    fn note(&self, error: &io::Error) {
        if let Some(error) = cause::<rustls::Error>(error) {
            let _ = self.tls_failure.set(error.clone());
        }
    }

    /// The headers are there; a body of `cap` bytes may follow. One-byte chunks cost six bytes each, and nobody
    /// sends much shorter ones, so eight times the cap is generous.
    pub(super) fn expect_body(&self, cap: usize) {
        let read = self.read.load(Ordering::Relaxed);
        self.limit.store(read + HEAD_BUDGET + 8 * cap as u64, Ordering::Relaxed);
    }

    /// Bytes that arrived since the request was sent.
    pub(super) fn arrived(&self) -> u64 {
        self.read.load(Ordering::Relaxed) - self.since.load(Ordering::Relaxed)
    }

    fn count(&self, bytes: usize) -> io::Result<()> {
        let read = self.read.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        if read > self.limit.load(Ordering::Relaxed) { Err(io::Error::other(Overrun)) } else { Ok(()) }
    }
}

/// The peer sends more than any reply needs.
#[derive(Debug, thiserror::Error)]
#[error("more bytes than a reply needs")]
pub(super) struct Overrun;

/// A stream with its meter.
pub(super) struct Metered {
    stream: Stream,
    meter: Arc<Meter>,
    respelled: Respelled,
}

impl Metered {
    pub(super) fn new(stream: Stream, meter: Arc<Meter>) -> Self {
        Self { stream, meter, respelled: Respelled::default() }
    }

    /// Writes a head whose names were restored, and in the same call `body`, which stands behind it.
    fn write_respelled(&mut self, cx: &mut Context<'_>, body: &[u8]) -> Option<Poll<io::Result<usize>>> {
        let head = self.respelled.left()?;
        let both = [io::IoSlice::new(head), io::IoSlice::new(body)];
        let written = self.stream.write(cx, if body.is_empty() { &both[..1] } else { &both });
        if let Poll::Ready(Ok(count)) = &written {
            self.respelled.advance(*count);
        }
        Some(written)
    }
}

impl Stream {
    fn write(&mut self, cx: &mut Context<'_>, buffers: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, buffers),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, buffers),
            #[cfg(feature = "legacy-tls")]
            Self::Legacy(tls) => Pin::new(tls).poll_write_vectored(cx, buffers),
        }
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(match &mut self.stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Stream::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
            #[cfg(feature = "legacy-tls")]
            Stream::Legacy(tls) => Pin::new(tls).poll_read(cx, buf),
        });
        read.inspect_err(|error| self.meter.note(error))?;
        Poll::Ready(self.meter.count(buf.filled().len() - before))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut filled = bufs.iter().filter(|buffer| !buffer.is_empty());
        let first = filled.next().map_or(&[][..], |buffer| buffer);
        if let Some(spellings) = self.meter.take_spellings() {
            self.respelled.begin(first, &spellings);
        }
        let body = filled.next().map_or(&[][..], |buffer| buffer);
        match self.write_respelled(cx, body) {
            Some(written) => written,
            None => self.stream.write(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(tcp) => tcp.is_write_vectored(),
            Stream::Tls(tls) => tls.is_write_vectored(),
            #[cfg(feature = "legacy-tls")]
            Stream::Legacy(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_flush(cx),
            #[cfg(feature = "legacy-tls")]
            Stream::Legacy(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
            #[cfg(feature = "legacy-tls")]
            Stream::Legacy(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
