//! How a type is read from a node: the traits, and the reader of one map that refuses unknown keys.
//!
//! Everything that is read also describes itself for the JSON Schema, in the same place, so that the two cannot
//! disagree. Reading goes on after a mistake wherever what was meant is clear; `None` means that it is not.

use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, Diagnostics, Span, did_you_mean, shown};
use crate::yaml::{Core, Entry, Node, NodeValue};

/// A type that stands behind a key.
pub trait FromNode: Sized {
    /// Reads it; every mistake is noted, `None` when there is nothing to go on with.
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self>;

    /// The JSON Schema of what [`FromNode::read`] takes.
    fn schema(generator: &mut SchemaGenerator) -> Schema;

    /// What a key left out means; `None` makes the key required.
    fn absent() -> Option<Self> {
        None
    }

    /// Takes it from the map that is read: the value of the key `key`. Only [`super::Flat`] does otherwise.
    fn take(key: &'static str, map: &mut MapReader<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        match map.entry(key) {
            Some(entry) => Self::read(&entry.value, diagnostics),
            None => Self::absent().or_else(|| {
                map.missing(key, diagnostics);
                None
            }),
        }
    }

    /// Describes the key `key` of this type to the schema of its map.
    fn describe(key: &'static str, doc: &str, object: &mut Keys, generator: &mut SchemaGenerator) {
        let mut schema = Self::schema(generator);
        if !doc.is_empty() {
            schema.insert("description".into(), doc.into());
        }
        object.properties.insert(key.into(), schema.to_value());
        if Self::absent().is_none() {
            object.required.push(key.into());
        }
    }
}

/// A type that is a set of keys of a map: all of the map, or some keys among others.
pub trait Keyed: Sized {
    /// What such a map is, for messages: `a step`.
    const WHAT: &'static str;

    /// Takes its keys.
    fn take_keys(map: &mut MapReader<'_>, diagnostics: &mut Diagnostics) -> Option<Self>;

    /// Describes its keys.
    fn describe_keys(object: &mut Keys, generator: &mut SchemaGenerator);
}

/// Reads a map all of whose keys are those of `T`.
pub fn read_keyed<T: Keyed>(node: &Node, diagnostics: &mut Diagnostics) -> Option<T> {
    let mut map = MapReader::open(node, T::WHAT, diagnostics)?;
    let read = T::take_keys(&mut map, diagnostics);
    map.close(diagnostics);
    read
}

/// The schema of a map all of whose keys are those of `T`.
pub fn schema_of_keys<T: Keyed>(doc: &str, generator: &mut SchemaGenerator) -> Schema {
    let mut object = Keys::default();
    T::describe_keys(&mut object, generator);
    let mut schema = schemars::json_schema!({ "title": T::WHAT, "type": "object" });
    if !doc.is_empty() {
        schema.insert("description".into(), doc.into());
    }
    schema.insert("properties".into(), Value::Object(object.properties));
    if !object.required.is_empty() {
        schema.insert("required".into(), Value::Array(object.required));
    }
    for (keyword, value) in object.more {
        schema.insert(keyword, value);
    }
    schema.insert("additionalProperties".into(), false.into());
    schema
}

/// The keys of a map as its JSON Schema lists them.
#[derive(Debug, Default)]
pub struct Keys {
    /// Key to schema.
    pub properties: Map<String, Value>,
    /// Keys that must be there.
    pub required: Vec<Value>,
    /// Further keywords (`oneOf`).
    pub more: Map<String, Value>,
}

/// Where a map and its keys stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapSpans {
    /// The whole map.
    pub span: Span,
    keys: Box<[(String, Span)]>,
}

impl MapSpans {
    /// A place without keys, such as a scalar that stands for a map.
    pub fn of(span: Span) -> Self {
        Self { span, keys: Box::default() }
    }

    /// Where the key `key` stands; the whole map when it was not written.
    pub fn key(&self, key: &str) -> &Span {
        self.written(key).unwrap_or(&self.span)
    }

    /// Where the first key stands, if there is one.
    pub fn first_key(&self) -> Option<&Span> {
        self.keys.first().map(|(_, span)| span)
    }

    /// Where the key `key` stands, if it was written.
    pub fn written(&self, key: &str) -> Option<&Span> {
        self.keys.iter().find(|(name, _)| name == key).map(|(_, span)| span)
    }
}

/// One map while it is read. Knows which keys were asked for, so that the others can be refused.
#[derive(Debug)]
pub struct MapReader<'n> {
    what: &'static str,
    span: &'n Span,
    entries: &'n [Entry],
    known: Vec<&'static str>,
    /// What is missing, and the keys that would mend it.
    lacking: Vec<(Diagnostic, Vec<&'static str>)>,
}

impl<'n> MapReader<'n> {
    /// Begins to read `node`; notes a mistake when it is no map.
    pub fn open(node: &'n Node, what: &'static str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let NodeValue::Map(entries) = &node.value else {
            let fix = "write keys with their values: { key: value }";
            wrong_kind(node, &format!("{what} (a map of keys)"), fix, diagnostics);
            return None;
        };
        Some(Self { what, span: &node.span, entries, known: Vec::new(), lacking: Vec::new() })
    }

    /// These are known keys from now on.
    pub fn knows(&mut self, keys: &[&'static str]) {
        for key in keys {
            if !self.known.contains(key) {
                self.known.push(key);
            }
        }
    }

    /// The entry of `key`, which is a known key from now on.
    pub fn entry(&mut self, key: &'static str) -> Option<&'n Entry> {
        self.knows(&[key]);
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Whether it has an entry of no known key.
    pub fn has_unknown(&self) -> bool {
        self.entries.iter().any(|entry| !self.known.contains(&entry.key.as_str()))
    }

    /// What the map is.
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// Where the map and its keys stand.
    pub fn place(&self) -> MapSpans {
        MapSpans {
            span: self.span.clone(),
            keys: self.entries.iter().map(|entry| (entry.key.clone(), entry.key_span.clone())).collect(),
        }
    }

    /// Notes that the required `key` is not there.
    pub fn missing(&mut self, key: &'static str, diagnostics: &Diagnostics) {
        let message = format!("{} needs the key `{key}`", self.what);
        let mistake = diagnostics.error_at("missing-key", self.head(), message);
        let mistake = mistake.label(format!("`{key}` is missing here")).help(format!("add `{key}:` with its value"));
        self.lack(mistake, &[key]);
    }

    /// Notes that one of `keys` is missing, unless the map has an unknown key that was meant to be one of them.
    pub fn lack(&mut self, mistake: Diagnostic, keys: &[&'static str]) {
        self.lacking.push((mistake, keys.to_vec()));
    }

    /// Where a person looks for the map: its first key.
    pub fn head(&self) -> &'n Span {
        self.entries.first().map_or(self.span, |entry| &entry.key_span)
    }

    /// Reports what is missing, and refuses every key that was not read.
    pub fn close(self, diagnostics: &mut Diagnostics) {
        let mut meant = Vec::new();
        for entry in self.entries.iter().filter(|entry| !self.known.contains(&entry.key.as_str())) {
            if diagnostics.is_full() {
                break;
            }
            let key = shown(&entry.key);
            let mistake = diagnostics
                .error_at("unknown-key", &entry.key_span, format!("{} has no key `{key}`", self.what))
                .label("unknown key");
            let near = did_you_mean(&entry.key, self.known.iter().copied());
            let wide = entry.key.contains('：');
            let mistake = if wide {
                mistake.help("write a plain colon and a space in place of the full-width `：`")
            } else {
                mistake
            };
            diagnostics.add(match &near {
                _ if wide => mistake,
                Some(near) => mistake.help(format!("did you mean `{near}`?")),
                None => self.elsewhere(&entry.key, mistake, diagnostics.owner_of(&entry.key)),
            });
            meant.extend(near);
        }
        for (mistake, keys) in self.lacking {
            if !keys.iter().any(|key| meant.iter().any(|near| near == key)) {
                diagnostics.add(mistake);
            }
        }
    }

    /// Help with a key that is unknown here and resembles none.
    fn elsewhere(&self, key: &str, mistake: Diagnostic, owner: Option<String>) -> Diagnostic {
        let mistake = match owner {
            Some(owner) => mistake.help(format!("`{key}` is a key of {owner}")),
            None => mistake,
        };
        mistake.help(format!("known keys: {}", self.known.join(" ")))
    }
}

/// Notes that `node` is not what was expected: `expected` reads `a list`, `fix` says how that is written.
pub fn wrong_kind(node: &Node, expected: &str, fix: &str, diagnostics: &mut Diagnostics) {
    let mistake = match &node.value {
        NodeValue::Broken => return,
        NodeValue::Scalar(scalar) if scalar.core() == Core::Absent => diagnostics
            .error_at("empty-value", &node.span, format!("expected {expected}, found nothing"))
            .label("no value")
            .help("write the value, or leave the key out"),
        _ => {
            let found = node.describe();
            diagnostics
                .error_at("wrong-kind", &node.span, format!("expected {expected}, found {found}"))
                .label(format!("this is {found}"))
                .help(fix)
        }
    };
    diagnostics.add(mistake);
}
