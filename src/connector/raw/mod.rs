//! A connector as it was written: every key of the format, nothing judged.
//!
//! One struct a map of the file, made by the macros of `record` together with its reader and its JSON Schema. Whether a
//! feature is supported, whether names exist and whether rules are safe is for `connector::check`, which gets a
//! place in the file for everything. Reading is bounded by `yaml`, never panics and tells all mistakes it can.

pub mod ask;
pub mod condition;
pub mod connector;
pub mod decrypt;
pub mod delivery;
pub mod golden;
pub mod input;
pub mod request;
pub mod response;
pub mod script;
pub mod source;
pub mod step;
pub mod transport;

pub use crate::request::raw::Body;
pub use condition::{Condition, Leaf, Operator, Rule};
pub use connector::Connector;
pub use request::Request;
pub use response::Response;
pub use script::{NamedScript, ScriptUse};
pub use source::{Source, SourceKind};
pub use step::Step;

pub use crate::reading::{
    ByteSize, Constant, Dict, Flat, FromNode, Keyed, Keys, MapReader, MapSpans, NonEmpty, OneOrMany, Parameter,
    Spanned, Text, TimeSpan, Tree, TreeValue, Word, read_keyed, schema_of_keys,
};
use crate::reading::{amount, read, record, scalar, shape, union, word};

#[cfg(test)]
mod tests;
