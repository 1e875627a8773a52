//! Where a value stands in a console's request.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::diagnostic::{Diagnostics, Span};
use crate::reading::record::{definition, keys, words};
use crate::reading::union::{not_one_source, one_required};
use crate::reading::{FromNode, Keyed, Keys, MapReader, OneOrMany, Spanned, Text, read_keyed, schema_of_keys};
use crate::yaml::{Node, NodeValue};

/// A part of the request and what is undone before it is a value.
#[derive(Debug, Clone, PartialEq)]
pub struct RawRequestSource {
    /// Which part.
    pub part: RawPart,
    /// Undone in this order.
    pub decode: Vec<Spanned<Undo>>,
    /// Which item of a list, from the right, beginning with 1.
    pub hop: Option<Spanned<u32>>,
    /// How an address is written.
    pub form: Option<Spanned<AddressForm>>,
    /// Where it stands.
    pub span: Span,
}

/// A part of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum RawPart {
    /// A field of the body.
    Field(Text),
    /// A parameter of the query.
    Query(Text),
    /// A header.
    Header(Text),
    /// A cookie.
    Cookie(Text),
    /// A half of HTTP Basic (RFC 7617).
    Basic(Spanned<BasicHalf>),
}

words! {
    /// A half of HTTP Basic.
    pub enum BasicHalf as "a half of Basic" {
        /// Before the first colon.
        Username = "username",
        /// Behind it.
        Password = "password",
    }
}

words! {
    /// An encoding that a console applies.
    pub enum Undo as "a decoding" {
        /// RFC 3986 section 2.1; `+` stays `+`.
        Percent = "percent",
        /// RFC 4648 section 4, padded.
        Base64 = "base64",
        /// Hexadecimal.
        Hex = "hex",
        /// Hexadecimal behind `0x`.
        ZeroX = "0x",
        /// UTF-8 of which each byte was written as a character of its own.
        Latin1Utf8 = "latin1_utf8",
    }
}

words! {
    /// How an address is written.
    pub enum AddressForm as "a form of an address" {
        /// `192.0.2.1:4711`, `[2001:db8::1]:4711`
        HostPort = "host_port",
    }
}

const PARTS: [&str; 5] = ["field", "query", "header", "cookie", "basic"];

keys! {
    /// The keys of a source of the request as they are written.
    pub struct RequestSourceKeys as "a source of the request" {
        /// A field of the body: a path of JSON, the name of a form's field.
        field: Option<Text>,
        /// A parameter of the query.
        query: Option<Text>,
        /// A header. `-` and `_` differ.
        header: Option<Text>,
        /// A cookie.
        cookie: Option<Text>,
        /// `username` or `password` of HTTP Basic.
        basic: Option<Spanned<BasicHalf>>,
        /// What is undone, in this order.
        decode: Option<OneOrMany<Spanned<Undo>>>,
        /// Of a list with commas this item, counted from the right: 1 is the one that the nearest proxy wrote.
        hop: Option<Spanned<u32>>,
        /// How an address is written.
        r#as: Option<Spanned<AddressForm>>,
    }
}

impl Keyed for RawRequestSource {
    const WHAT: &'static str = "a source of the request";

    fn take_keys(map: &mut MapReader<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let keys = RequestSourceKeys::take_keys(map, diagnostics)?;
        let place = keys.place.clone();
        let written: Vec<&str> = PARTS.into_iter().filter(|key| place.written(key).is_some()).collect();
        let [main] = written[..] else {
            not_one_source(map, &written, &PARTS, diagnostics);
            return None;
        };
        let span = place.key(main).clone();
        let part = match (keys.field, keys.query, keys.header, keys.cookie, keys.basic) {
            (Some(field), ..) => RawPart::Field(field),
            (_, Some(name), ..) => RawPart::Query(name),
            (_, _, Some(name), ..) => RawPart::Header(name),
            (_, _, _, Some(name), _) => RawPart::Cookie(name),
            (.., Some(half)) => RawPart::Basic(half),
            _ => return None,
        };
        let decode = keys.decode.map(|list| list.0).unwrap_or_default();
        Some(Self { part, decode, hop: keys.hop, form: keys.r#as, span })
    }

    fn describe_keys(object: &mut Keys, generator: &mut SchemaGenerator) {
        RequestSourceKeys::describe_keys(object, generator);
        object.more.insert("allOf".into(), json!([one_required(&PARTS)]));
    }
}

impl FromNode for RawRequestSource {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        if matches!(node.value, NodeValue::Map(_)) {
            return read_keyed(node, diagnostics);
        }
        let text = Text::read(node, diagnostics)?;
        let span = text.span.clone();
        Some(Self { part: RawPart::Field(text), decode: Vec::new(), hop: None, form: None, span })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

definition! {
    RawRequestSource: |generator| {
        let keys = schema_of_keys::<RawRequestSource>("", generator);
        json_schema!({
            "description": "Where a value stands in the request. A bare string is a field of the body.",
            "anyOf": [{ "type": "string" }, keys]
        })
    }
}
