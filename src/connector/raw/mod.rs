//! A connector as it was written: every key of the format, nothing judged.
//!
//! One struct a map of the file, made by the macros of `record` together with its reader and its JSON Schema. Whether a
//! feature is supported, whether names exist and whether rules are safe is for `connector::check`, which gets a
//! place in the file for everything. Reading is bounded by `yaml`, never panics and tells all mistakes it can.

mod amount;
pub mod ask;
pub mod auth;
pub mod condition;
pub mod connector;
pub mod delivery;
pub mod golden;
mod homes;
pub mod input;
mod read;
mod record;
pub mod request;
pub mod response;
mod scalar;
mod shape;
pub mod source;
pub mod step;
pub mod transport;
mod tree;
mod union;
mod word;

pub use amount::{ByteSize, TimeSpan};
pub use condition::{Condition, Leaf, Operator, Rule};
pub use connector::Connector;
pub use read::{FromNode, Keyed, Keys, MapReader, Place, read_keyed, schema_of_keys};
pub use request::{Body, Request};
pub use response::Response;
pub use scalar::{Constant, Parameter, Spanned, Text};
pub use shape::{Dict, Flat, NonEmpty, OneOrMany};
pub use source::{Source, SourceKind};
pub use step::Step;
pub use tree::{Tree, TreeValue};
pub use word::Word;

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Mistakes, SourceFile};

/// Reads a connector file. Gives the connector when what was meant is clear enough to check it further, and every
/// mistake found, in the order of the file; with an error among them the connector must not run.
pub fn parse(file: Arc<SourceFile>) -> (Option<Connector>, Vec<Diagnostic>) {
    let mut mistakes = Mistakes::new(file);
    let node = crate::yaml::parse(&mut mistakes);
    let connector = node.and_then(|node| Connector::read(&node, &mut mistakes));
    (connector, mistakes.into_diagnostics())
}

#[cfg(test)]
mod tests;
