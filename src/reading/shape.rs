//! Lists, maps with free names, optional values, and "one or a list".

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::diagnostic::Diagnostics;
use crate::yaml::{Node, NodeValue};

use super::read::{FromNode, Keyed, Keys, MapReader, wrong_kind};
use super::scalar::Spanned;

impl<T: FromNode> FromNode for Option<T> {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        T::read(node, diagnostics).map(Some)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: FromNode> FromNode for Box<T> {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        T::read(node, diagnostics).map(Box::new)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

/// A list; a key left out is an empty list.
impl<T: FromNode> FromNode for Vec<T> {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let NodeValue::List(items) = &node.value else {
            wrong_kind(node, "a list", "write [ … ], or a line for each item that begins with -", diagnostics);
            return None;
        };
        // Every item is read before the list is given up, so that all mistakes are reported.
        let read: Vec<Option<T>> = items.iter().map(|item| T::read(item, diagnostics)).collect();
        read.into_iter().collect()
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let items = T::schema(generator);
        json_schema!({ "type": "array", "items": items })
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

/// A list of at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonEmpty<T>(pub Vec<T>);

impl<T> std::ops::Deref for NonEmpty<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: FromNode> FromNode for NonEmpty<T> {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let items = Vec::read(node, diagnostics)?;
        if items.is_empty() {
            let mistake = diagnostics.error_at("empty-list", &node.span, "the list is empty").label("nothing in it");
            diagnostics.add(mistake.help("write at least one item"));
            return None;
        }
        Some(Self(items))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let items = T::schema(generator);
        json_schema!({ "type": "array", "items": items, "minItems": 1 })
    }
}

/// One value, or a list of at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T> std::ops::Deref for OneOrMany<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: FromNode> FromNode for OneOrMany<T> {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::List(_) => NonEmpty::read(node, diagnostics).map(|list| Self(list.0)),
            _ => T::read(node, diagnostics).map(|one| Self(vec![one])),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let one = T::schema(generator);
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

/// A map with names that the author chooses, in the order of the file; a key left out is an empty map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dict<T>(pub Vec<(Spanned<String>, T)>);

impl<T> Dict<T> {
    /// Name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Spanned<String>, &T)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.iter().find(|(known, _)| known.value == name).map(|(_, value)| value)
    }
}

impl<T: FromNode> FromNode for Dict<T> {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let NodeValue::Map(entries) = &node.value else {
            wrong_kind(node, "a map of names", "write names with their values: { name: value }", diagnostics);
            return None;
        };
        let read: Vec<Option<(Spanned<String>, T)>> = entries
            .iter()
            .map(|entry| {
                let name = Spanned { value: entry.key.clone(), span: entry.key_span.clone() };
                T::read(&entry.value, diagnostics).map(|value| (name, value))
            })
            .collect();
        read.into_iter().collect::<Option<_>>().map(Self)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let value = T::schema(generator);
        json_schema!({ "type": "object", "additionalProperties": value })
    }

    fn absent() -> Option<Self> {
        Some(Self(Vec::new()))
    }
}

/// Keys of another type among the keys of this map.
#[derive(Debug, Clone, PartialEq)]
pub struct Flat<T>(pub T);

impl<T> std::ops::Deref for Flat<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Keyed> FromNode for Flat<T> {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        super::read::read_keyed(node, diagnostics).map(Self)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        super::read::schema_of_keys::<T>("", generator)
    }

    fn take(_: &'static str, map: &mut MapReader<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        T::take_keys(map, diagnostics).map(Self)
    }

    fn describe(_: &'static str, _: &str, object: &mut Keys, generator: &mut SchemaGenerator) {
        T::describe_keys(object, generator);
    }
}
