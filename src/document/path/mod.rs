//! Field paths: which one node of a document a rule, a capture or a mapping means.
//!
//! A path names at most one node. What could name more (`*`, slices, filters, `..`) is refused when it is
//! parsed, because a login must not rest on "one of them" (docs/security.md, failure 27). Two spellings, one meaning:
//! `data.list[0]."odd key"` and the singular queries of RFC 9535 section 2.3.5.1, `$['data'].list[0]`.

mod parse;

pub use parse::PathError;

use std::fmt;

use super::{Shape, Value};

/// One step down a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Segment {
    /// A member of an object.
    Name(String),
    /// An item of an array; negative counts from the end.
    Index(i64),
}

/// A path that yields at most one node. Comparing two compares what they mean, not how they are written.
#[derive(Debug, Clone)]
pub struct Path {
    written: String,
    segments: Vec<Segment>,
}

/// What a path came upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'v> {
    /// The one node.
    Node(&'v Value),
    /// The document has no such node.
    Absent,
    /// XML only: an element on the way is repeated and the path does not say which is meant.
    Ambiguous,
}

impl Path {
    /// Reads a path: a bare one (`code`, `list[0].x`, `a."odd key"`) or, when it starts with `$`, an RFC 9535 query
    /// that can yield one node only.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        Ok(Self { written: text.to_owned(), segments: parse::segments(text)? })
    }

    /// The node in a document whose shape is JSON's own; `None` when there is none.
    pub fn get<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        match self.look_up(document, Shape::Plain) {
            Lookup::Node(node) => Some(node),
            Lookup::Absent | Lookup::Ambiguous => None,
        }
    }

    /// The node in a document of `shape`. In XML `x[0]` of an element that is not repeated is the element itself, and
    /// `x.y` of a repeated `x` is ambiguous rather than absent: a rule must not read "no" out of "two".
    pub fn look_up<'v>(&self, document: &'v Value, shape: Shape) -> Lookup<'v> {
        let mut node = document;
        let mut below_name = false;
        for segment in &self.segments {
            node = match (segment, node) {
                (Segment::Name(name), Value::Object(object)) => match object.get(name) {
                    Some(child) => child,
                    None => return Lookup::Absent,
                },
                (Segment::Name(_), Value::Array(_)) if shape == Shape::Xml => return Lookup::Ambiguous,
                (Segment::Index(index), Value::Array(items)) => match item(items, *index) {
                    Some(child) => child,
                    None => return Lookup::Absent,
                },
                (Segment::Index(0 | -1), single) if shape == Shape::Xml && below_name => single,
                _ => return Lookup::Absent,
            };
            below_name = matches!(segment, Segment::Name(_));
        }
        Lookup::Node(node)
    }

    /// Whether it names the node that `other` names, or one in it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.segments.starts_with(&other.segments)
    }
}

/// RFC 9535 section 2.3.3.2: `-1` is the last.
fn item(items: &[Value], index: i64) -> Option<&Value> {
    let at = match usize::try_from(index) {
        Ok(at) => at,
        Err(_) => items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
    };
    items.get(at)
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.segments == other.segments
    }
}

impl Eq for Path {}

impl std::hash::Hash for Path {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.segments.hash(state);
    }
}

impl fmt::Display for Path {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests;
