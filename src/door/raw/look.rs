//! A reading as it was written: what a console looks at, and what it takes it for.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::diagnostic::Diagnostics;
use crate::reading::record::{record, words};
use crate::reading::{Constant, FromNode, NonEmpty, OneOrMany, Spanned, Text, TimeSpan, wrong_kind};
use crate::yaml::{Node, NodeValue};

record! {
    /// What a console makes of a reply. Its conditions look at the whole reply; what it does not say is not there.
    pub struct RawReading as "a reading" {
        /// Whose name the console uses after an accept.
        who: Spanned<NameInUse>,
        /// How long the console waits; 10s when left out.
        timeout: Option<Spanned<TimeSpan>>,
        /// How the console reads the body: `json` (when left out) or `text`.
        body: Option<Spanned<BodyLook>>,
        /// It lets the user in.
        accepts: RawLook,
        /// It refuses the user.
        refuses: RawLook,
        /// It asks the user for more.
        asks: Option<RawLook>,
        /// It takes the authentication server for broken.
        trouble: Option<RawLook>,
        /// What it does then: `refuses` (when left out), `passes_on` to another authenticator, `lets_in`.
        on_trouble: Option<Spanned<OnTrouble>>,
        /// Headers, fields and `text` that give rights: they hold literal text or a table, nothing that anybody sent.
        literal_or_table: Vec<Text>,
        /// Where this is seen: a line of the product's source, or its documentation.
        source: Option<Text>,
        /// `product version` that was asked for real; `source only` when left out.
        shown: Option<Text>,
    }
}

words! {
    /// Whose name a console uses after an accept.
    pub enum NameInUse as "whose name the console uses" {
        /// The one that the user typed.
        Typed = "typed",
        /// The one that the reply brings.
        Returned = "returned",
    }
}

words! {
    /// How a console reads a body.
    pub enum BodyLook as "a way to read a body" {
        /// As JSON.
        Json = "json",
        /// As one text, the field `text`.
        Text = "text",
    }
}

words! {
    /// What a console does when the authentication server is broken.
    pub enum OnTrouble as "what a console does then" {
        /// It refuses.
        Refuses = "refuses",
        /// It asks another authenticator.
        PassesOn = "passes_on",
        /// It lets the request through.
        LetsIn = "lets_in",
    }
}

record! {
    /// A condition over a reply: a tree, a status, or a part of the reply with one operator.
    pub struct RawLook as "a look" {
        /// Every one of these holds.
        all: Option<NonEmpty<RawLook>>,
        /// At least one of these holds.
        any: Option<NonEmpty<RawLook>>,
        /// This does not hold.
        not: Option<Box<RawLook>>,
        /// The status is this, one of these, or of a class: `2xx`.
        status: Option<OneOrMany<Spanned<StatusClass>>>,
        /// Whether the body is empty.
        empty: Option<bool>,
        /// A header.
        header: Option<Text>,
        /// A field of the body; of a text, `text`.
        field: Option<Text>,
        /// It is this.
        equals: Option<Constant>,
        /// It is one of these.
        r#in: Option<NonEmpty<Constant>>,
        /// It begins with this.
        starts_with: Option<Text>,
        /// This is a part of it.
        contains: Option<Text>,
        /// Whether it is there: present, not null, not "".
        exists: Option<bool>,
        /// Letters of ASCII are compared without their case.
        ignore_case: Option<bool>,
    }
}

/// A status, or a class of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusClass {
    /// The first.
    pub from: u16,
    /// The last.
    pub to: u16,
}

impl FromNode for StatusClass {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let text = match &node.value {
            NodeValue::Scalar(scalar) => scalar.text.as_str(),
            _ => "",
        };
        let class =
            text.strip_suffix("xx").and_then(|digit| digit.parse::<u16>().ok()).filter(|it| (2..=5).contains(it));
        let one = text.parse::<u16>().ok().filter(|status| (200..=599).contains(status));
        let read = match (class, one) {
            (Some(class), _) => Some(Self { from: class * 100, to: class * 100 + 99 }),
            (_, Some(status)) => Some(Self { from: status, to: status }),
            _ => None,
        };
        if read.is_none() {
            wrong_kind(node, "a status", "write a number from 200 to 599, or 2xx, 3xx, 4xx, 5xx", diagnostics);
        }
        read
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 200, "maximum": 599 },
            { "enum": ["2xx", "3xx", "4xx", "5xx"] }
        ] })
    }
}
