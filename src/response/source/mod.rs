//! Sources: where a rule, a capture or a mapping finds its one value in a reply.
//!
//! A source never guesses. It tells apart what the reply lacks (`Absent`) from what cannot be told (`Unknown`): only
//! the first may ever make a rule false.

use std::borrow::Cow;

use http::HeaderName;
use http::header::HeaderMap;

use super::Decoded;
use crate::document::{Lookup, Path, Value};

/// A part of a reply.
#[derive(Debug, Clone)]
pub enum Source {
    /// A node of the document.
    Field(Path),
    /// A header, or one parameter of the query of the URL in it.
    Header {
        /// Its name.
        name: HeaderName,
        /// The parameter.
        query: Option<String>,
    },
}

/// A reply as sources see it.
#[derive(Debug)]
pub struct ReplyView<'a> {
    /// The HTTP status.
    pub status: u16,
    /// All header fields.
    pub headers: &'a HeaderMap,
    /// The body.
    pub decoded: &'a Decoded,
}

/// What a source came upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<'a> {
    /// The value.
    Value(Cow<'a, Value>),
    /// The reply was understood and lacks it.
    Absent,
    /// It cannot be told; why, quoting nothing of the reply.
    Unknown(Cow<'static, str>),
}

impl Source {
    /// Reads it.
    pub fn read<'a>(&self, reply: &ReplyView<'a>) -> Found<'a> {
        match self {
            Self::Field(path) => match &reply.decoded.document {
                Err(why) => Found::Unknown(Cow::Owned(why.clone())),
                Ok(document) => match path.look_up(document, reply.decoded.shape()) {
                    Lookup::Node(node) => Found::Value(Cow::Borrowed(node)),
                    Lookup::Absent => Found::Absent,
                    Lookup::Ambiguous => Found::Unknown("an element on the way is repeated".into()),
                },
            },
            Self::Header { name, query: None } => match header(reply.headers, name) {
                Ok(Some(text)) => Found::Value(Cow::Owned(Value::from(text))),
                Ok(None) => Found::Absent,
                Err(why) => Found::Unknown(why.into()),
            },
            Self::Header { .. } => Found::Unknown("not built yet".into()),
        }
    }
}

/// The one value of a header; an error when it occurs twice or is not UTF-8.
fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, &'static str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => std::str::from_utf8(value.as_bytes()).map(Some).map_err(|_| "the header is not text"),
        (Some(_), Some(_)) => Err("the header occurs more than once"),
    }
}
