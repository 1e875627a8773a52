//! Reads the values of a console's request: once, exactly, and only those that the door names.
//!
//! A name that comes twice in its place, bytes that are no UTF-8 and a bad escape are malformed: two readers might not agree on
//! them, and one of the two decided who the user is.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, header};

use super::raw::AskBody;
use super::raw::source::{BasicHalf, Undo};
use crate::document::{Path, Value, from_json, from_xml_exactly};
use crate::percent;

/// Where a value stands.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestSource {
    /// Which part of the request.
    pub part: RequestPart,
    /// Undone in this order.
    pub undo: Vec<Undo>,
    /// Which item of a list, from the right, beginning with 1.
    pub hop: Option<usize>,
    /// The value is an address with a port.
    pub host_port: bool,
}

/// A part of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestPart {
    /// A node of a body that is a document.
    Document(Path),
    /// A field of a form body.
    Form(String),
    /// A parameter of the query.
    Query(String),
    /// A header.
    Header(HeaderName),
    /// A cookie.
    Cookie(String),
    /// A half of HTTP Basic.
    Basic(BasicHalf),
}

/// A request whose caller is authenticated.
pub struct AskedRequest<'a> {
    /// Behind the `?`.
    pub query: Option<&'a str>,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: AskedContent<'a>,
}

/// The body of a request as the door declares it.
pub enum AskedContent<'a> {
    /// It is not read.
    None,
    /// JSON, XML, or a text and its lines.
    Document(Value),
    /// Pairs, not decoded yet.
    Form(&'a [u8]),
}

impl fmt::Display for RequestPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(path) => write!(f, "field {path}"),
            Self::Form(name) => write!(f, "field {name}"),
            Self::Query(name) => write!(f, "query {name}"),
            Self::Header(name) => write!(f, "header {name}"),
            Self::Cookie(name) => write!(f, "cookie {name}"),
            Self::Basic(half) => write!(f, "basic {half}"),
        }
    }
}

/// Why a request cannot be read without doubt; quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

impl<'a> AskedContent<'a> {
    /// `bytes` as `form` says.
    pub fn read(form: AskBody, bytes: &'a [u8]) -> Result<Self, Malformed> {
        let text = || str::from_utf8(bytes).map_err(|_| Malformed("the body is no UTF-8"));
        Ok(match form {
            AskBody::None => Self::None,
            AskBody::Form => Self::Form(bytes),
            AskBody::Json => {
                Self::Document(from_json(bytes).map_err(|_| Malformed("the body is no JSON, or has a key twice"))?)
            }
            AskBody::Xml => Self::Document(from_xml_exactly(text()?).map_err(|_| Malformed("the body is no XML"))?),
            AskBody::Text => {
                let text = text()?;
                let line = |line: &str| Value::from(line.strip_suffix('\r').unwrap_or(line));
                let lines = Value::Array(text.split('\n').map(line).collect());
                Self::Document(Value::from_iter([("text".to_owned(), text.into()), ("lines".to_owned(), lines)]))
            }
        })
    }
}

const TWICE: Malformed = Malformed("a value stands there twice");
const NO_TEXT: Malformed = Malformed("a value is no UTF-8");
const BAD_ESCAPE: Malformed = Malformed("a value is not encoded as the door says");

impl RequestSource {
    /// The value; `None` when the request has none.
    pub fn read(&self, request: &AskedRequest<'_>) -> Result<Option<String>, Malformed> {
        let Some(mut text) = self.written(request)? else { return Ok(None) };
        if let Some(hop) = self.hop {
            let items: Vec<&str> = text.split(',').map(str::trim).collect();
            let Some(item) = items.len().checked_sub(hop).map(|at| items[at].to_owned()) else { return Ok(None) };
            text = item;
        }
        for undo in &self.undo {
            text = undone(*undo, &text)?;
        }
        Ok(Some(text))
    }

    /// The address at this source; one that is none (a MAC) is left out.
    pub fn address(&self, request: &AskedRequest<'_>) -> Result<Option<IpAddr>, Malformed> {
        let text = self.read(request)?.unwrap_or_default();
        let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
        let plain = text.parse::<IpAddr>().ok();
        Ok(if self.host_port { with_port().or(plain) } else { plain })
    }

    fn written(&self, request: &AskedRequest<'_>) -> Result<Option<String>, Malformed> {
        match (&self.part, &request.body) {
            (RequestPart::Document(path), AskedContent::Document(document)) => match path.get(document) {
                None | Some(Value::Null) => Ok(None),
                Some(value) => match value.scalar_text() {
                    Some(text) => Ok(Some(text.to_owned())),
                    None => Err(Malformed("a list or an object stands where a text should")),
                },
            },
            (RequestPart::Form(name), AskedContent::Form(body)) => pair(body, name),
            (RequestPart::Document(_) | RequestPart::Form(_), _) => Ok(None),
            (RequestPart::Query(name), _) => pair(request.query.unwrap_or_default().as_bytes(), name),
            (RequestPart::Header(name), _) => self.header(name, request.headers),
            (RequestPart::Cookie(name), _) => cookie(request.headers, name),
            (RequestPart::Basic(half), _) => basic(request.headers, *half),
        }
    }

    /// A list may be spread over several fields (RFC 9110 section 5.3); anything else stands once.
    fn header(&self, name: &HeaderName, headers: &HeaderMap) -> Result<Option<String>, Malformed> {
        if self.hop.is_none() {
            return one_header(headers, name);
        }
        let mut all: Vec<&str> = Vec::new();
        for value in headers.get_all(name) {
            all.push(str::from_utf8(value.as_bytes()).map_err(|_| NO_TEXT)?);
        }
        Ok((!all.is_empty()).then(|| all.join(",")))
    }
}

fn one_header(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Malformed> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(TWICE);
    }
    // Some consoles send names as raw UTF-8 (nginx mail).
    str::from_utf8(value.as_bytes()).map(|text| Some(text.to_owned())).map_err(|_| NO_TEXT)
}

/// The value of `name` in `application/x-www-form-urlencoded` text. All names are decoded, to find one that comes twice in two
/// spellings.
fn pair(text: &[u8], name: &str) -> Result<Option<String>, Malformed> {
    let mut found = None;
    for piece in text.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
        let at = piece.iter().position(|byte| *byte == b'=').unwrap_or(piece.len());
        if form_text(&piece[..at])? != name {
            continue;
        }
        if found.is_some() {
            return Err(TWICE);
        }
        found = Some(form_text(piece.get(at + 1..).unwrap_or_default())?);
    }
    Ok(found)
}

fn form_text(component: &[u8]) -> Result<String, Malformed> {
    let spaced: Vec<u8> = component.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let bytes = percent::decode(&spaced).ok_or(BAD_ESCAPE)?;
    String::from_utf8(bytes).map_err(|_| NO_TEXT)
}

fn cookie(headers: &HeaderMap, name: &str) -> Result<Option<String>, Malformed> {
    let mut found = None;
    for value in headers.get_all(header::COOKIE) {
        let text = str::from_utf8(value.as_bytes()).map_err(|_| NO_TEXT)?;
        for one in text.split(';') {
            let (known, value) = one.trim().split_once('=').unwrap_or((one.trim(), ""));
            if known != name {
                continue;
            }
            if found.is_some() {
                return Err(TWICE);
            }
            found = Some(value.to_owned());
        }
    }
    Ok(found)
}

/// RFC 7617. Another scheme brings no name and no password.
fn basic(headers: &HeaderMap, half: BasicHalf) -> Result<Option<String>, Malformed> {
    let Some(text) = one_header(headers, &header::AUTHORIZATION)? else { return Ok(None) };
    let Some((scheme, token)) = text.split_once(' ') else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let bytes = STANDARD.decode(token.trim_start_matches(' ')).map_err(|_| BAD_ESCAPE)?;
    let pair = String::from_utf8(bytes).map_err(|_| NO_TEXT)?;
    let (username, password) = pair.split_once(':').ok_or(BAD_ESCAPE)?;
    Ok(Some(if half == BasicHalf::Username { username } else { password }.to_owned()))
}

fn undone(undo: Undo, text: &str) -> Result<String, Malformed> {
    let bytes = match undo {
        Undo::Percent => percent::decode(text.as_bytes()).ok_or(BAD_ESCAPE)?,
        Undo::Base64 => STANDARD.decode(text).map_err(|_| BAD_ESCAPE)?,
        Undo::Hex => hex::decode(text).map_err(|_| BAD_ESCAPE)?,
        Undo::ZeroX => hex::decode(text.strip_prefix("0x").ok_or(BAD_ESCAPE)?).map_err(|_| BAD_ESCAPE)?,
        Undo::Latin1Utf8 => {
            text.chars().map(|c| u8::try_from(u32::from(c))).collect::<Result<_, _>>().map_err(|_| BAD_ESCAPE)?
        }
    };
    String::from_utf8(bytes).map_err(|_| NO_TEXT)
}

#[cfg(test)]
mod tests;
