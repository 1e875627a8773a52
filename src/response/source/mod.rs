//! Sources: where a rule, a capture or a mapping finds its one value in a reply.
//!
//! A source never guesses. It distinguishes what the reply lacks (`Absent`) from what is not known (`Unknown`): only
//! the first may ever make a rule false. `claim`, `var` and `value` are no parts of a reply and not here.

mod cookie;
mod css;
mod header;
mod regex;

pub use css::{Css, CssError};
pub use regex::{CapturePattern, CapturePatternError};

use std::borrow::Cow;

use http::HeaderName;
use http::header::HeaderMap;

use super::{BodyKind, Decoded};
use crate::context::Work;
use crate::document::{Lookup, Path, Shape, Value};

/// What a step of a filter costs beside a byte that a pattern reads.
const UNITS_A_STEP: u64 = 16;

/// A part of a reply.
#[derive(Debug, Clone)]
pub enum Source {
    /// `field`: a node of the document.
    Field(Path),
    /// `header`: a header, or with `query` one parameter of the query of the URL in it.
    Header {
        /// Its name.
        name: HeaderName,
        /// The parameter.
        query: Option<String>,
    },
    /// `cookie`: what the reply sets a cookie of this name to.
    Cookie(String),
    /// `regex`: the group of the first match in the text of the body.
    Regex(CapturePattern),
    /// `css`: the text or an attribute of the elements of a page.
    Css(Css),
}

/// A reply as sources see it. Lives while one reply is judged.
#[derive(Debug, Clone, Copy)]
pub struct ReplyView<'a> {
    /// The HTTP status.
    pub status: u16,
    /// All header fields.
    pub headers: &'a HeaderMap,
    /// The body.
    pub decoded: &'a Decoded,
    /// Seconds since 1970, for cookies that are over.
    pub now: i64,
    /// The host that answered, for cookies of others; `None` when it is not known.
    pub host: Option<&'a str>,
}

impl<'a> ReplyView<'a> {
    /// Looks at a reply at `now`, seconds since 1970.
    pub fn new(status: u16, headers: &'a HeaderMap, decoded: &'a Decoded, now: i64) -> Self {
        Self { status, headers, decoded, now, host: None }
    }

    /// The same reply, from `host` as a URL has it.
    #[must_use]
    pub fn from_host(self, host: Option<&'a str>) -> Self {
        Self { host, ..self }
    }
}

/// What a source came upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceValue<'a> {
    /// The value.
    Value(Cow<'a, Value>),
    /// A cookie that is set to nothing that counts. It compares like a value against a login, and never for one.
    Void(Cow<'a, Value>, Void),
    /// The reply was understood and lacks it.
    Absent,
    /// Its value is unknown; why, quoting nothing of the reply.
    Unknown(Cow<'static, str>),
}

/// Why a cookie that the reply sets is worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Void {
    /// This very reply ends it.
    Deleted,
    /// Its value is empty.
    Empty,
    /// It is for a domain that the host which answered is not in: no browser would keep it.
    Foreign,
}

impl Void {
    /// What the reply does to `source`, as `explain` writes it.
    pub fn of(self, source: &impl std::fmt::Display) -> String {
        match self {
            Self::Deleted => format!("deletes the {source}"),
            Self::Empty => format!("leaves the {source} empty"),
            Self::Foreign => format!("sets the {source} for another domain than its own"),
        }
    }
}

impl<'a> SourceValue<'a> {
    /// The value, for code that passes it on and proves nothing by it: a cookie of another domain is a value then, one that
    /// the reply deletes is not.
    pub fn into_value(self) -> Option<Cow<'a, Value>> {
        match self {
            Self::Value(value) | Self::Void(value, Void::Empty | Void::Foreign) => Some(value),
            Self::Void(_, Void::Deleted) | Self::Absent | Self::Unknown(_) => None,
        }
    }

    /// The same with another reading of the value.
    #[must_use]
    pub fn map(self, read: impl FnOnce(Cow<'a, Value>) -> Cow<'a, Value>) -> Self {
        match self {
            Self::Value(value) => Self::Value(read(value)),
            other => other,
        }
    }

    /// What `path` names in `document`; what its filters look at is charged to `work`.
    pub fn at(path: &Path, document: &'a Value, shape: Shape, work: &Work) -> Self {
        let (found, steps) = path.look_up_counted(document, shape);
        if steps > 0 && !work.spend(steps * UNITS_A_STEP) {
            return Self::unknown(
                "the filters and patterns of this connector have read as much as they may in one call",
            );
        }
        match found {
            Lookup::Node(node) => Self::Value(Cow::Borrowed(node)),
            Lookup::Absent => Self::Absent,
            Lookup::Unknown(why) => Self::Unknown(why.to_string().into()),
        }
    }

    fn text(text: impl Into<String>) -> Self {
        Self::Value(Cow::Owned(Value::Text(text.into())))
    }

    pub(super) fn unknown(why: &'static str) -> Self {
        Self::Unknown(Cow::Borrowed(why))
    }
}

impl Source {
    /// A `css` source.
    pub fn css(selector: &str, attr: Option<&str>) -> Result<Self, CssError> {
        Css::parse(selector, attr).map(Self::Css)
    }

    /// Reads it; what a pattern reads is charged to `work`.
    pub fn read<'a>(&self, reply: &ReplyView<'a>, work: &Work) -> SourceValue<'a> {
        match self {
            Self::Field(path) => match &reply.decoded.document {
                Ok(document) => SourceValue::at(path, document, reply.decoded.shape, work),
                Err(_) => undecodable(reply.decoded),
            },
            Self::Header { name, query: None } => header::whole(reply.headers, name),
            Self::Header { name, query: Some(parameter) } => header::parameter(reply.headers, name, parameter),
            Self::Cookie(name) => cookie::read(reply, name),
            Self::Regex(pattern) => match &reply.decoded.text {
                // What is not what it should be (half a JSON text) is not to be searched for good news, either.
                Some(text) if reply.decoded.document.is_ok() => match pattern.first(text, work) {
                    Ok(group) => group.map_or(SourceValue::Absent, SourceValue::text),
                    Err(spent) => SourceValue::Unknown(Cow::Owned(spent.to_string())),
                },
                _ => undecodable(reply.decoded),
            },
            Self::Css(css) => match (&reply.decoded.document, reply.decoded.kind) {
                (Err(_), _) => undecodable(reply.decoded),
                (Ok(_), BodyKind::Html) => reply.decoded.page.of_css(css),
                // JSON, say, is understood, and has no elements.
                (Ok(_), _) => SourceValue::Absent,
            },
        }
    }
}

fn undecodable(decoded: &Decoded) -> SourceValue<'static> {
    match &decoded.document {
        Err(why) => SourceValue::Unknown(Cow::Owned(why.clone())),
        Ok(_) => SourceValue::unknown("the body is no text in its charset"),
    }
}

#[cfg(test)]
mod tests;

/// As `explain` and a trace write it: `field "code"`.
impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Field(path) => write!(f, "field \"{path}\""),
            Self::Header { name, query: None } => write!(f, "header {name}"),
            Self::Header { name, query: Some(query) } => write!(f, "header {name} query {query}"),
            Self::Cookie(name) => write!(f, "cookie {name}"),
            Self::Regex(pattern) => write!(f, "regex /{}/", pattern.as_str()),
            Self::Css(css) => write!(f, "css \"{}\"", css.as_str()),
        }
    }
}
