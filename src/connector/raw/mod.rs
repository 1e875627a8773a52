//! A connector as it was written: every key of the format, nothing judged.
//!
//! One struct a map of the file, made by the macros of `record` together with its reader and its JSON Schema. Whether a
//! feature is supported, whether names exist and whether rules are safe is for `connector::check`, which gets a
//! place in the file for everything. Reading is bounded by `yaml`, never panics and tells all mistakes it can.

pub mod ask;
pub mod auth;
pub mod condition;
pub mod connector;
pub mod delivery;
pub mod golden;
mod homes;
pub mod input;
pub mod request;
pub mod response;
pub mod script;
pub mod source;
pub mod step;
pub mod transport;
mod tree;

pub use condition::{Condition, Leaf, Operator, Rule};
pub use connector::Connector;
pub use request::{Body, Request};
pub use response::Response;
pub use script::{NamedScript, ScriptUse};
pub use source::{Source, SourceKind};
pub use step::Step;
pub use tree::{Tree, TreeValue};

use std::sync::Arc;

pub use crate::reading::{
    ByteSize, Constant, Dict, Flat, FromNode, Keyed, Keys, MapReader, NonEmpty, OneOrMany, Parameter, Place, Spanned,
    Text, TimeSpan, Word, read_keyed, schema_of_keys,
};
use crate::reading::{amount, read, record, scalar, shape, union, word};

use crate::diagnostic::{Diagnostic, Mistakes, SourceFile};

/// Reads a connector file. Gives the connector when what was meant is clear enough to check it further, and every
/// mistake found, in the order of the file; with an error among them the connector must not run.
pub fn parse(file: Arc<SourceFile>) -> (Option<Connector>, Vec<Diagnostic>) {
    let (connector, mistakes) = read(file);
    (connector, mistakes.into_diagnostics())
}

/// The same for whoever goes on checking: the one way into a connector file.
pub fn read(file: Arc<SourceFile>) -> (Option<Connector>, Mistakes) {
    let mut mistakes = Mistakes::new(file).with_homes(homes::of);
    let node = crate::yaml::parse(&mut mistakes);
    let connector = node.and_then(|node| Connector::read(&node, &mut mistakes));
    (connector, mistakes)
}

#[cfg(test)]
mod tests;
