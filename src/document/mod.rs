//! The decoded reply as one JSON-like value, and everything else that scripts, templates and rules pass around.
//!
//! A type of our own, because numbers must keep the digits that the upstream wrote (19-digit ids) and objects
//! their order. The texts that more than one layer reads (JSON, JSON5, XML, forms, pairs) are read here, each by one reader;
//! whole replies are `response`'s, and encoders are `template`'s.

mod bytes;
mod form;
mod json;
mod json5;
mod number;
mod pairs;
mod path;
mod shape;
mod xml;

pub use bytes::object_bytes;
pub use form::{Gaps, from_form};
pub use json::{JsonError, from_json, from_json_within, to_json};
pub use json5::{Json5, from_json5};
pub use number::{Decimal, Number};
pub use pairs::{MembersError, PairsSpec, from_pairs};
pub use path::{Lookup, Path, PathError, Untold};
pub use shape::Shape;
pub use xml::{XmlError, from_xml};

use indexmap::IndexMap;

/// How deep a value may nest. Every decoder refuses more, so that walking and dropping a value, which recurse,
/// stay far from the end of a 2 MiB stack.
pub const MAX_DEPTH: usize = 64;

/// How many nodes (scalars, arrays, objects, attributes) a document may have. A member costs about 250 bytes in
/// memory whatever its 5 bytes on the wire, so this bounds a decoded reply to some 12 MiB; a login's reply has
/// hundreds, a long list of permissions thousands.
pub const MAX_NODES: usize = 50_000;

/// An object: keys are unique and stay in the order in which they were written.
pub type Object = IndexMap<String, Value>;

/// A JSON value whose numbers are the text as written.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Value {
    /// JSON `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, digits untouched.
    Number(Number),
    /// A string.
    Text(String),
    /// A list.
    Array(Vec<Value>),
    /// A map from name to value.
    Object(Object),
}

/// What may stand before a document and is no part of it: blank lines of the page that writes it, a BOM behind them.
pub fn is_margin(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

impl Value {
    /// What kind of value this is, in the words of a trace: `null`, `boolean`, `number`, `string`, `array`, `object`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// The text of a scalar: a string itself, the digits of a number, `true`, `false`; `None` for null, arrays, objects.
    pub fn scalar_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(number) => Some(number.as_str()),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Null | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The member `name` of an object.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Object(object) => object.get(name),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(Number::from(number))
    }
}

impl FromIterator<(String, Value)> for Value {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(members: I) -> Self {
        Self::Object(members.into_iter().collect())
    }
}
