//! Documents: the JSON-like values that replies are decoded to and that scripts, templates and rules use.
//!
//! A type of our own, because numbers must keep the digits that the upstream wrote (19-digit ids) and objects their
//! order. Each text format that more than one layer reads (JSON, JSON5, XML, forms, pairs) has its one reader here.
//! `response` reads whole replies; `template` has the encoders.

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
pub use path::{Lookup, Path, PathError, UnknownCause};
pub use shape::Shape;
pub use xml::{XmlError, from_xml, from_xml_exactly};

use indexmap::IndexMap;

/// Deepest nesting of a value. Every decoder refuses more, because walking and dropping a value recurse and must fit
/// into a stack of 2 MiB.
pub const MAX_DEPTH: usize = 64;

/// Most nodes (scalars, arrays, objects, attributes) of a document. A member of 5 bytes on the wire takes about 250
/// bytes of memory, so this bounds a decoded reply to some 12 MiB. The reply to a login has hundreds, a long list of
/// permissions thousands.
pub const MAX_NODES: usize = 50_000;

/// An object: keys are unique and stay in the order in which they were written.
pub type Object = IndexMap<String, Value>;

/// A JSON value whose numbers are the text as written.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    /// A number, digits untouched.
    Number(Number),
    Text(String),
    Array(Vec<Value>),
    Object(Object),
}

/// Skips what may come before a document and is not part of it: blank lines of the page that writes it, then a BOM.
pub fn is_margin(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

impl Value {
    /// The type of the value as traces show it: `null`, `boolean`, `number`, `string`, `array`, `object`.
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

    /// The text of a scalar: a string itself, the digits of a number, `true`, `false`; `None` for null, arrays,
    /// objects.
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
