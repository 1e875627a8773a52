//! Readers of the small formats that SDKs and servers put into text: JSON5, form, pairs, XML.
//!
//! They serve `code_util.parse…` and run inside a worker. They build the crate's own [`Value`], keep the digits of
//! numbers, refuse duplicates, have caps on depth and size, and never quote the text in an error: it may be a password.

mod json5;
mod pairs;
mod xml;

pub use json5::parse_json5;
pub use pairs::{parse_form, parse_pairs};
pub use xml::parse_xml;

#[cfg(doc)]
use crate::document::Value;

/// Why a text could not be read: a sentence without the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FormatError(pub(crate) &'static str);
