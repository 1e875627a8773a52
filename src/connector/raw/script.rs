//! Scripts as they are written: in the step, or once under `scripts:` for several steps.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::diagnostic::Diagnostics;
use crate::yaml::{Node, NodeValue};

use super::read::FromNode;
use super::record::record;
use super::scalar::Text;

/// A script of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum ScriptUse {
    /// The text itself.
    Inline(Text),
    /// One of `scripts:`, by name.
    Shared(SharedScript),
}

record! {
    /// A script that stands under `scripts:`.
    pub struct SharedScript as "a script" {
        /// Its name there.
        script: Text,
    }
}

/// One of `scripts:`.
#[derive(Debug, Clone, PartialEq)]
pub enum NamedScript {
    /// The text itself.
    Inline(Text),
    /// A file.
    File(ScriptFile),
}

record! {
    /// A script in a file of its own.
    pub struct ScriptFile as "a script of `scripts`" {
        /// The file, relative to the connector.
        file: Text,
    }
}

impl FromNode for ScriptUse {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::Map(_) => SharedScript::read(node, diagnostics).map(Self::Shared),
            _ => Text::read(node, diagnostics).map(Self::Inline),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (inline, shared) = (Text::schema(generator), SharedScript::schema(generator));
        json_schema!({ "anyOf": [inline, shared] })
    }
}

impl FromNode for NamedScript {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::Map(_) => ScriptFile::read(node, diagnostics).map(Self::File),
            _ => Text::read(node, diagnostics).map(Self::Inline),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (inline, file) = (Text::schema(generator), ScriptFile::schema(generator));
        json_schema!({ "anyOf": [inline, file] })
    }
}
