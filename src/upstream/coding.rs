//! Content decoding (RFC 9110 8.4): gzip, deflate, br, zstd, in chunks, with the cap on what comes out.
//!
//! The encoded body is never held, and no decoder gives out more than the cap plus its own window, so a bomb costs
//! what an ordinary reply costs. One coding, not several: no honest server stacks them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_compression::tokio::write::{BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use encoding_rs::Encoding;
use http::header::{CONTENT_ENCODING, HeaderMap};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// What we ask for, in the order in which servers prefer them anyway.
pub(super) const ACCEPTED: &str = "gzip, deflate, br, zstd";

/// RFC 9659: a zstd window over HTTP is at most 8 MiB.
const ZSTD_WINDOW_LOG: u32 = 23;

/// A longer word in an explanation is cut. The longest registered coding has 15 letters.
const MAX_WORD_CHARACTERS: usize = 40;

/// Why a body cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CodingError {
    /// A coding that was not asked for; its name as an explanation shows it.
    Unknown(String),
    /// More than one.
    Stacked,
    /// Not what it says, cut off, or followed by something else.
    Broken,
    /// More than the cap comes out.
    TooLarge,
}

/// A decoder in the middle of a body.
pub(super) enum Decoding {
    Gzip(GzipDecoder<Capped>),
    Br(BrotliDecoder<Capped>),
    Zstd(ZstdDecoder<Capped>),
    Zlib(ZlibDecoder<Capped>),
    Raw(DeflateDecoder<Capped>),
    /// `deflate` means zlib (RFC 9110 8.4.1.2), but some servers send it bare; the first bytes tell.
    Deflate(Vec<u8>, Capped),
}

impl Decoding {
    /// The decoder that the headers ask for; `None` for a body as it is.
    pub(super) fn of(headers: &HeaderMap, cap: usize) -> Result<Option<Self>, CodingError> {
        let mut found = None;
        for value in headers.get_all(CONTENT_ENCODING) {
            let value = value.to_str().map_err(|_| CodingError::Unknown("(no word)".to_owned()))?;
            for coding in value.split(',').map(str::trim) {
                if coding.is_empty() || is_no_coding(coding) {
                    continue;
                }
                if found.is_some() {
                    return Err(CodingError::Stacked);
                }
                let unknown = || CodingError::Unknown(shown(coding));
                found = Some(Self::named(&coding.to_ascii_lowercase(), cap).ok_or_else(unknown)?);
            }
        }
        Ok(found)
    }

    fn named(coding: &str, cap: usize) -> Option<Self> {
        let out = Capped { bytes: Vec::new(), cap, over: false };
        Some(match coding {
            "gzip" | "x-gzip" => Self::Gzip(GzipDecoder::new(out)),
            "br" => Self::Br(BrotliDecoder::new(out)),
            "zstd" => Self::Zstd(ZstdDecoder::with_params(out, &[DParameter::window_log_max(ZSTD_WINDOW_LOG)])),
            "deflate" => Self::Deflate(Vec::new(), out),
            _ => return None,
        })
    }

    /// Decodes the next piece of the body.
    pub(super) async fn feed(&mut self, piece: &[u8]) -> Result<(), CodingError> {
        if let Self::Deflate(first, _) = self {
            first.extend_from_slice(piece);
            if first.len() < 2 {
                return Ok(());
            }
            let first = std::mem::take(first);
            self.decide(&first);
            return self.write(&first).await;
        }
        self.write(piece).await
    }

    /// What the bytes that came out so far take.
    pub(super) fn produced(&self) -> usize {
        self.out().bytes.capacity()
    }

    /// Ends the body and yields it; a body that is cut off is broken.
    pub(super) async fn finish(mut self) -> Result<Vec<u8>, CodingError> {
        if let Self::Deflate(first, out) = self {
            return if first.is_empty() { Ok(out.bytes) } else { Err(CodingError::Broken) };
        }
        let ended = match &mut self {
            Self::Gzip(d) => d.shutdown().await,
            Self::Br(d) => d.shutdown().await,
            Self::Zstd(d) => d.shutdown().await,
            Self::Zlib(d) => d.shutdown().await,
            Self::Raw(d) => d.shutdown().await,
            Self::Deflate(..) => Ok(()),
        };
        self.judge(&ended)?;
        Ok(match self {
            Self::Gzip(d) => d.into_inner().bytes,
            Self::Br(d) => d.into_inner().bytes,
            Self::Zstd(d) => d.into_inner().bytes,
            Self::Zlib(d) => d.into_inner().bytes,
            Self::Raw(d) => d.into_inner().bytes,
            Self::Deflate(_, out) => out.bytes,
        })
    }

    /// zlib by its first two bytes (RFC 1950 2.2: method 8, a multiple of 31), else bare deflate.
    fn decide(&mut self, first: &[u8]) {
        let Self::Deflate(_, out) = self else { return };
        let out = std::mem::replace(out, Capped { bytes: Vec::new(), cap: 0, over: false });
        let zlib = first[0] & 0x0f == 8 && (u16::from(first[0]) << 8 | u16::from(first[1])).is_multiple_of(31);
        *self = if zlib { Self::Zlib(ZlibDecoder::new(out)) } else { Self::Raw(DeflateDecoder::new(out)) };
    }

    async fn write(&mut self, piece: &[u8]) -> Result<(), CodingError> {
        let written = match self {
            Self::Gzip(d) => d.write_all(piece).await,
            Self::Br(d) => d.write_all(piece).await,
            Self::Zstd(d) => d.write_all(piece).await,
            Self::Zlib(d) => d.write_all(piece).await,
            Self::Raw(d) => d.write_all(piece).await,
            Self::Deflate(..) => Ok(()),
        };
        self.judge(&written)
    }

    fn judge(&self, done: &io::Result<()>) -> Result<(), CodingError> {
        match done {
            Ok(()) => Ok(()),
            Err(_) if self.out().over => Err(CodingError::TooLarge),
            Err(_) => Err(CodingError::Broken),
        }
    }

    fn out(&self) -> &Capped {
        match self {
            Self::Gzip(d) => d.get_ref(),
            Self::Br(d) => d.get_ref(),
            Self::Zstd(d) => d.get_ref(),
            Self::Zlib(d) => d.get_ref(),
            Self::Raw(d) => d.get_ref(),
            Self::Deflate(_, out) => out,
        }
    }
}

/// Whether a word under `Content-Encoding` says that nothing was encoded. Servers put there what belongs elsewhere: a charset,
/// `none`, or a transfer encoding of MIME that changes nothing (RFC 2045 6.2).
fn is_no_coding(word: &str) -> bool {
    const NONE: [&str; 5] = ["identity", "none", "7bit", "8bit", "binary"];
    NONE.iter().any(|none| word.eq_ignore_ascii_case(none)) || Encoding::for_label(word.as_bytes()).is_some()
}

/// A word of a reply for one line of explanation.
fn shown(word: &str) -> String {
    let mut shown: String = word.chars().filter(|c| !c.is_control()).take(MAX_WORD_CHARACTERS).collect();
    if word.len() > shown.len() {
        shown.push('…');
    }
    shown
}

/// Collects what a decoder gives out, up to a cap.
pub(super) struct Capped {
    bytes: Vec<u8>,
    cap: usize,
    over: bool,
}

impl AsyncWrite for Capped {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, piece: &[u8]) -> Poll<io::Result<usize>> {
        if piece.len() > self.cap - self.bytes.len() {
            self.over = true;
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        let cap = self.cap;
        append(&mut self.bytes, piece, cap);
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Appends, and grows by doubling up to the cap and not beyond it, so that memory stays within twice the cap.
pub(super) fn append(all: &mut Vec<u8>, piece: &[u8], cap: usize) {
    let needed = all.len() + piece.len();
    if needed > all.capacity() {
        let goal = (all.capacity() * 2).clamp(needed, cap.max(needed));
        all.reserve_exact(goal - all.len());
    }
    all.extend_from_slice(piece);
}
