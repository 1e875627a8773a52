//! How a console asks the user for more, as it was written.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::source::RawRequestSource;
use crate::diagnostic::Diagnostics;
use crate::reading::record::{one_of, record, words};
use crate::reading::{FromNode, Spanned, Text, TimeSpan, read_keyed, schema_of_keys};
use crate::yaml::{Node, NodeValue};

record! {
    /// How more is asked of the user through this console.
    pub struct RawChallenge as "the key `challenge`" {
        /// Where the challenge's id comes back, which the reply for `challenge` holds: the State of RADIUS.
        id: Option<RawRequestSource>,
        /// Where the console's own id of the conversation stands, which is the same in all of its rounds.
        conversation: Option<RawRequestSource>,
        /// Where the user's answer stands; with `id` or `conversation`.
        answer: Option<RawRequestSource>,
        /// With `conversation`: the question for the password, where the first round has none.
        first_ask: Option<Text>,
        /// An answer that comes with the login, and is used when one field is asked for.
        inline: Option<RawInline>,
        /// A challenge of several fields is asked field by field.
        one_by_one: Option<bool>,
        /// A confirmation on another device is waited for.
        push: Option<RawPush>,
    }
}

record! {
    /// Waiting for a confirmation on another device while the console waits.
    pub struct RawPush as "the key `push`" {
        /// How long.
        wait: Spanned<TimeSpan>,
    }
}

words! {
    /// An envelope of password and answer.
    pub enum Envelope as "an envelope" {
        /// `SCRV1:` and password and answer in Base64, as OpenVPN's static challenge writes them.
        Scrv1 = "scrv1",
    }
}

one_of! {
    /// Where an answer stands that comes with the login.
    pub enum RawInlineKeys as "an inline answer" {
        /// Behind the last of these texts in the password. No length: a code of another length would be a part of the password.
        separator: Separator(Text),
        /// In a place of its own.
        from: From(RawRequestSource),
    }
}

/// An answer that comes with the login.
#[derive(Debug, Clone, PartialEq)]
pub enum RawInline {
    /// In an envelope with the password.
    Envelope(Spanned<Envelope>),
    /// As the keys say.
    Keys(Box<RawInlineKeys>),
}

impl FromNode for RawInline {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::Map(_) => read_keyed::<RawInlineKeys>(node, diagnostics).map(|keys| Self::Keys(Box::new(keys))),
            _ => Spanned::<Envelope>::read(node, diagnostics).map(Self::Envelope),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (word, keys) = (Spanned::<Envelope>::schema(generator), schema_of_keys::<RawInlineKeys>("", generator));
        json_schema!({ "anyOf": [word, keys] })
    }
}
