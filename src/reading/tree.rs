//! A JSON value written in a connector, whose strings may hold holes.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::diagnostic::{Diagnostics, Span};
use crate::document::{Number, Value};
use crate::yaml::{Core, Node, NodeValue};

use super::read::{FromNode, wrong_kind};
use super::record::definition;
use super::scalar::{Constant, Spanned};

/// A JSON value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The value.
    pub value: TreeValue,
    /// Where it stands.
    pub span: Span,
}

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeValue {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, digits as written.
    Number(Number),
    /// A string.
    Text(super::Text),
    /// A list.
    List(Vec<Tree>),
    /// An object, in the order of the file.
    Object(Vec<(Spanned<String>, Tree)>),
}

impl Tree {
    /// The value without places; strings as they are, holes not filled.
    pub fn to_value(&self) -> Value {
        // At most `yaml::MAX_DEPTH` deep, less than `document::MAX_DEPTH`.
        match &self.value {
            TreeValue::Null => Value::Null,
            TreeValue::Bool(flag) => Value::Bool(*flag),
            TreeValue::Number(number) => Value::Number(number.clone()),
            TreeValue::Text(text) => Value::Text(text.text.clone()),
            TreeValue::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            TreeValue::Object(members) => {
                members.iter().map(|(name, value)| (name.value.clone(), value.to_value())).collect()
            }
        }
    }
}

impl FromNode for Tree {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let value = match &node.value {
            NodeValue::Broken => return None,
            NodeValue::Scalar(scalar) if scalar.core() == Core::Absent => {
                wrong_kind(node, "a JSON value (null and \"\" are written out)", "", diagnostics);
                return None;
            }
            NodeValue::Scalar(_) => match Constant::read(node, diagnostics)? {
                Constant::Null(_) => TreeValue::Null,
                Constant::Bool(flag) => TreeValue::Bool(flag.value),
                Constant::Number(number) => TreeValue::Number(number.value),
                Constant::Text(text) => TreeValue::Text(text),
            },
            NodeValue::List(items) => {
                let read: Vec<Option<Self>> = items.iter().map(|item| Self::read(item, diagnostics)).collect();
                TreeValue::List(read.into_iter().collect::<Option<_>>()?)
            }
            NodeValue::Map(entries) => {
                let read: Vec<Option<_>> = entries
                    .iter()
                    .map(|entry| {
                        let name = Spanned { value: entry.key.clone(), span: entry.key_span.clone() };
                        Self::read(&entry.value, diagnostics).map(|value| (name, value))
                    })
                    .collect();
                TreeValue::Object(read.into_iter().collect::<Option<_>>()?)
            }
        };
        Some(Self { value, span: node.span.clone() })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

definition! {
    Tree: |generator| {
        let _ = generator;
        json_schema!({ "description": "Any JSON value; its strings may hold holes, its keys may not." })
    }
}
