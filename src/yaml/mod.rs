//! A YAML (or JSON) file as one tree of nodes that know where and how they were written.
//!
//! A tree of our own instead of serde, because a connector's reader must tell `0000` from `"0000"`, point at every
//! key and value, and report all mistakes at once. Anchors, aliases, tags and second documents are refused; size, depth
//! and number of nodes are bounded. It knows no connector.

mod build;
mod core;
mod limits;
mod parse;
mod pieces;
mod syntax;

pub use core::Core;
pub use limits::{MAX_BYTES, MAX_DEPTH, MAX_NODES};
pub use parse::parse;
pub use pieces::Pieces;

use crate::diagnostic::Span;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it stands in the file, quotes and brackets included.
    pub span: Span,
    /// What it is.
    pub value: NodeValue,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeValue {
    /// A scalar: a text, number, boolean or null, decided by the reader of the key.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file, without duplicate keys.
    Map(Vec<Entry>),
    /// A value whose mistake is reported already; readers skip it.
    Broken,
}

/// One key of a map with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key as text, whatever its style.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

/// A scalar as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// The decoded text.
    pub text: String,
    /// How it was written.
    pub style: Style,
    /// Where each part of the decoded text stands in the file.
    pub pieces: Pieces,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'…'` or `"…"`.
    Quoted,
    /// `|` or `>`.
    Block,
}

impl Node {
    /// What it is, in words for a message: `a list`, `the number 5`, `nothing`.
    pub fn describe(&self) -> String {
        match &self.value {
            NodeValue::List(_) => "a list".into(),
            NodeValue::Map(_) => "a map of keys".into(),
            NodeValue::Broken => "something unreadable".into(),
            NodeValue::Scalar(scalar) => match scalar.core() {
                Core::Absent => "nothing".into(),
                Core::Null => "null".into(),
                Core::Bool(flag) => format!("the boolean {flag}"),
                Core::Number(_) | Core::OddNumber if scalar.text.len() <= 40 => format!("the number {}", scalar.text),
                Core::Number(_) | Core::OddNumber => "a long number".into(),
                Core::Text => "text".into(),
            },
        }
    }
}

#[cfg(test)]
mod tests;
