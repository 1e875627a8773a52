//! What the console sends: attributes, and fields that an SDK packs into user name and password.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::diagnostic::Diagnostics;
use crate::document::PairsSpec;
use crate::yaml::{Node, NodeValue};

use super::read::{FromNode, MapSpans, read_keyed, schema_of_keys};
use super::record::{definition, keys, record, words};
use super::scalar::{Spanned, Text};
use super::shape::Dict;

record! {
    /// What the console sends beside user name and password.
    pub struct Input as "an input" {
        /// Further values of a login, by name: the only `user.*` beyond the built-in ones.
        attributes: Dict<Attribute>,
        /// An SDK packs several fields in the password; they become `user.fields.*`.
        password_fields: Option<PackedFields>,
        /// The same for the user name; the field `user` is then the name that identity and guard use.
        username_fields: Option<PackedFields>,
        /// `none` for a login without a password, whose first factor is a code: the user name alone is sent to the API.
        password: Option<Spanned<PasswordUse>>,
        /// Whether an empty user name or password may be sent; false when left out, because many servers take an empty
        /// password for an anonymous login.
        allow_empty_password: Option<Spanned<bool>>,
    }
}

words! {
    /// Whether a login brings a password.
    pub enum PasswordUse as "a value of password" {
        /// It does not.
        None = "none",
    }
}

record! {
    /// One further value of a login.
    pub struct Attribute as "an attribute" {
        /// Whether a login without it is refused; false when left out.
        required: Option<Spanned<bool>>,
        /// The most characters it may have.
        max: Option<Spanned<u32>>,
    }
}

/// How several fields are packed in one text.
#[derive(Debug, Clone, PartialEq)]
pub struct PackedFields {
    /// Where it stands.
    pub place: MapSpans,
    /// The way of packing.
    pub format: PackedFormat,
    /// With `false`, a text that cannot be read is the field `password` as a whole.
    pub required: Option<Spanned<bool>>,
}

/// A way of packing.
#[derive(Debug, Clone, PartialEq)]
pub enum PackedFormat {
    /// An object as JSON5 writes it.
    Json5,
    /// `a=1&b=2`
    Form,
    /// `a:1,b:2`
    Pairs(Box<Pairs>),
}

words! {
    /// The ways of packing that need no details.
    pub enum PackedWord as "a format of fields" {
        /// An object as JSON5 writes it.
        Json5 = "json5",
        /// `a=1&b=2`
        Form = "form",
    }
}

record! {
    /// Names and values in a line.
    pub struct Pairs as "pairs" {
        /// What stands between two pairs.
        between: Text,
        /// What stands between a name and its value.
        after_key: Text,
        /// The name whose value is all the rest, separators included.
        last: Option<Text>,
    }
}

impl Pairs {
    /// As a reader of such text takes it.
    pub(crate) fn spec(&self) -> PairsSpec {
        PairsSpec {
            between: self.between.text.clone(),
            after_key: self.after_key.text.clone(),
            last: self.last.as_ref().map(|last| last.text.clone()),
        }
    }
}

record! {
    /// Pairs as a format.
    pub struct PairsFormat as "a format of fields" {
        /// Names and values in a line.
        pairs: Pairs,
    }
}

keys! {
    /// A way of packing with `required`.
    pub struct PackedKeys as "a format of fields" {
        /// The way of packing.
        format: PackedFormat,
        /// With `false`, a text that cannot be read is the field `password` as a whole; true when left out.
        required: Option<Spanned<bool>>,
    }
}

impl FromNode for PackedFormat {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        if matches!(node.value, NodeValue::Map(_)) {
            return PairsFormat::read(node, diagnostics).map(|format| Self::Pairs(Box::new(format.pairs)));
        }
        PackedWord::read(node, diagnostics).map(|word| match word {
            PackedWord::Json5 => Self::Json5,
            PackedWord::Form => Self::Form,
        })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (word, pairs) = (PackedWord::schema(generator), PairsFormat::schema(generator));
        json_schema!({ "anyOf": [word, pairs] })
    }
}

impl FromNode for PackedFields {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::Map(entries) if !entries.iter().any(|entry| entry.key == "pairs") => {
                let keys: PackedKeys = read_keyed(node, diagnostics)?;
                Some(Self { place: keys.place, format: keys.format, required: keys.required })
            }
            _ => {
                let format = PackedFormat::read(node, diagnostics)?;
                Some(Self { place: MapSpans::of(node.span.clone()), format, required: None })
            }
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

definition! {
    PackedFields: |generator| {
        let (format, keys) = (PackedFormat::schema(generator), schema_of_keys::<PackedKeys>("", generator));
        json_schema!({ "description": "How several fields are packed in one text.", "anyOf": [format, keys] })
    }
}
