//! From hyper's response to ours: its framing is checked once more, its body read under the cap.
//!
//! hyper follows RFC 9112 where the RFC lets a client be lenient (Content-Length beside Transfer-Encoding, equal
//! repeats); two parsers that differ there are how replies of two users get swapped, so here it is a doubt.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http::{Response, StatusCode, Version};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::coding::{CodingError, Decoding, append};
use super::fault::{self, Fault, Part, Progress, Stage};
use crate::budget::Share;
use crate::verdict::Cause;

/// What the server said.
#[derive(Clone)]
pub struct Reply {
    /// 200 to 599 (or what else the server made up); never 1xx.
    pub status: u16,
    /// As they came; `content-encoding` and `content-length` describe the body on the wire.
    pub headers: HeaderMap,
    /// After content decoding, at most `max_response` bytes.
    pub body: Bytes,
    /// How long it took.
    pub timings: Timings,
}

impl fmt::Debug for Reply {
    /// Sizes only: a reply holds tokens and cookies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ‹{} headers, {} bytes›", self.status, self.headers.len(), self.body.len())
    }
}

/// Where the time of one exchange went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Name, TCP, proxy and TLS; `None` on a kept connection.
    pub connected: Option<Duration>,
    /// From the start of `send` to the end of the reply's headers.
    pub head: Duration,
    /// From the start of `send` to the end of the body.
    pub total: Duration,
}

/// Refuses a head whose framing leaves a doubt. Returns whether the connection may carry another request.
pub(super) fn check_framing(response: &Response<Incoming>, cap: usize) -> Result<bool, Fault> {
    let headers = response.headers();
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Fault::doubt("the server switched protocols (101) without being asked to"));
    }
    if response.status().is_informational() {
        return Err(Fault::doubt("the server's only reply is an interim one (1xx)"));
    }
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next();
    if lengths.next().is_some() || length.is_some_and(|value| !value.as_bytes().iter().all(u8::is_ascii_digit)) {
        return Err(Fault::doubt("the reply has more than one Content-Length, or one that is no number"));
    }
    let mut transfers = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(transfer) = transfers.next() {
        if length.is_some() {
            return Err(Fault::doubt("the reply has both Content-Length and Transfer-Encoding"));
        }
        if transfers.next().is_some() || !transfer.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Err(Fault::doubt("the reply has a Transfer-Encoding other than \"chunked\""));
        }
    }
    if response.body().size_hint().lower() > cap as u64 {
        return Err(too_large(cap));
    }
    let framed = response.body().size_hint().exact().is_some() || headers.contains_key(TRANSFER_ENCODING);
    let closes = headers.get_all(CONNECTION).iter().any(|value| has_token(value.as_bytes(), b"close"));
    Ok(match response.version() {
        Version::HTTP_11 => framed && !closes,
        Version::HTTP_2 => true,
        _ => false,
    })
}

/// How long a server keeps an idle connection, by its `Keep-Alive: timeout=5`, less a second for the way: a request that meets
/// a closing connection is lost, because it is not sent again.
pub(super) fn kept_by_server(headers: &HeaderMap) -> Option<Duration> {
    let hint = headers.get("keep-alive")?.to_str().ok()?;
    let timeout = hint.split(',').find_map(|item| item.trim().strip_prefix("timeout="))?;
    Some(Duration::from_secs(timeout.parse::<u64>().ok()?.saturating_sub(1)))
}

fn has_token(list: &[u8], token: &[u8]) -> bool {
    list.split(|byte| *byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token))
}

/// Reads the body to its end, decoded, within `cap` bytes. While it is read it counts as what it may take: what has come, and the room
/// that was made for more.
pub(super) async fn read_body(
    headers: &HeaderMap,
    mut body: Incoming,
    (cap, mut share): (usize, Share),
    progress: &mut Progress,
) -> Result<Bytes, Fault> {
    // A reply to HEAD, 204 and 304 may name a coding and have no body.
    let empty = body.is_end_stream();
    let mut decoding = if empty { None } else { Decoding::of(headers, cap).map_err(|error| uncodable(error, cap))? };
    let mut gathered = Gathered::Nothing;
    let mut wire = 0;
    progress.stage = Stage::Body { received: 0 };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| fault::exchange(&error, Part::Body(wire)))?;
        let Ok(piece) = frame.into_data() else { continue };
        wire += piece.len();
        progress.stage = Stage::Body { received: wire };
        // Encoded bytes too: compression that makes a body larger is no compression.
        if wire > cap {
            return Err(too_large(cap));
        }
        match &mut decoding {
            Some(decoding) => decoding.feed(&piece).await.map_err(|error| uncodable(error, cap))?,
            None => gathered = gathered.and(piece, body.size_hint().lower(), cap),
        }
        let read = decoding.as_ref().map_or(wire, |decoding| wire + decoding.produced());
        share.hold(read).map_err(|_| used_up())?;
    }
    match decoding {
        Some(decoding) => decoding.finish().await.map(Bytes::from).map_err(|error| uncodable(error, cap)),
        None => Ok(gathered.into_bytes()),
    }
}

/// A body without needless copies: most replies are one piece, and that piece is the body.
enum Gathered {
    Nothing,
    One(Bytes),
    Many(Vec<u8>),
}

impl Gathered {
    fn and(self, piece: Bytes, rest: u64, cap: usize) -> Self {
        let mut all = match self {
            Self::Nothing => return Self::One(piece),
            Self::One(first) => {
                let expected = usize::try_from(rest).unwrap_or(0).saturating_add(first.len() + piece.len());
                let mut all = Vec::with_capacity(expected.min(cap));
                all.extend_from_slice(&first);
                all
            }
            Self::Many(all) => all,
        };
        append(&mut all, &piece, cap);
        Self::Many(all)
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(piece) => piece,
            Self::Many(all) => all.into(),
        }
    }
}

fn too_large(cap: usize) -> Fault {
    Fault::new(Cause::ResponseTooLarge, format!("the reply is larger than transport.max_response ({cap} bytes)"))
}

fn used_up() -> Fault {
    Fault::new(Cause::Overloaded, "the replies that logins hold take as much memory as limits.reply_memory allows")
}

fn uncodable(error: CodingError, cap: usize) -> Fault {
    let explain = match error {
        CodingError::TooLarge => return too_large(cap),
        CodingError::Unknown(word) => {
            let explain = format!("the reply has the Content-Encoding \"{word}\", which was not asked for");
            return Fault { word: Some(word), ..Fault::new(Cause::UnexpectedReply, explain) };
        }
        CodingError::Stacked => "the reply has more than one Content-Encoding".to_owned(),
        CodingError::Broken => "the reply's body is not what its Content-Encoding says, or is cut off".to_owned(),
    };
    Fault::new(Cause::UnexpectedReply, explain)
}
