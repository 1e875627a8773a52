//! A request as it was written: the keys of `request` but `auth`, which is of `signing`, a layer above.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::diagnostic::Diagnostics;
use crate::reading::record::{definition, keys, one_of, record, words};
use crate::reading::{
    Dict, Flat, FromNode, MapSpans, OneOrMany, Parameter, Spanned, Text, Tree, read_keyed, schema_of_keys,
};
use crate::yaml::{Node, NodeValue};

keys! {
    /// What is sent.
    pub struct Request as "a request" {
        /// The method; POST with a body and GET without one when left out.
        method: Option<Spanned<Method>>,
        /// The URL, written out up to and including `scheme://authority/`; settings may stand there, holes only behind it.
        url: Url,
        /// Parameters added to the query of the URL; a list repeats the name.
        query: Dict<OneOrMany<Parameter>>,
        /// Headers.
        headers: Dict<Parameter>,
        /// Cookies.
        cookies: Dict<Parameter>,
        /// The body.
        body: Option<NestedBody>,
        /// The charset of query, form, text, xml and json: utf-8 (when left out), gbk, gb18030, big5 and others.
        charset: Option<Text>,
    }
}

impl Request {
    /// A GET of this URL and nothing else.
    pub fn get(url: Text) -> Self {
        let place = MapSpans::of(url.span.clone());
        let (query, headers, cookies) = (Dict(Vec::new()), Dict(Vec::new()), Dict(Vec::new()));
        Self { place, method: None, url: Url::Template(url), query, headers, cookies, body: None, charset: None }
    }
}

words! {
    /// A method (RFC 9110 section 9).
    pub enum Method as "a method" {
        /// Reads.
        Get = "GET",
        /// Sends.
        Post = "POST",
        /// Replaces.
        Put = "PUT",
        /// Changes (RFC 5789).
        Patch = "PATCH",
        /// Removes.
        Delete = "DELETE",
        /// Reads headers only.
        Head = "HEAD",
        /// Asks what is possible.
        Options = "OPTIONS",
    }
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Url {
    /// A template.
    Template(Text),
    /// `{ from: steps.page.action }`: a capture, resolved as a browser does.
    From(Text),
}

impl Url {
    /// What is written: the template, or the capture's name.
    pub fn text(&self) -> &Text {
        match self {
            Self::Template(text) | Self::From(text) => text,
        }
    }
}

record! {
    /// A URL that an earlier reply gave.
    pub struct UrlFrom as "a URL" {
        /// A capture such as `steps.page.action`, resolved as a browser does; its origin must be one written in this file.
        from: Text,
    }
}

impl FromNode for Url {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::Map(_) => UrlFrom::read(node, diagnostics).map(|url| Self::From(url.from)),
            _ => Text::read(node, diagnostics).map(Self::Template),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (template, from) = (Text::schema(generator), UrlFrom::schema(generator));
        json_schema!({ "anyOf": [template, from] })
    }
}

record! {
    /// A body of one kind, and a text that its holes may name.
    pub struct NestedBody as "a body" {
        /// A text that is made first: `{{body.inner | aes(…)}}` in this request is that text, encrypted.
        inner: Option<InnerBody>,
        /// What is sent.
        content: Flat<Body>,
    }
}

one_of! {
    /// A text inside a body.
    pub enum InnerBody as "an inner body" {
        /// JSON: a tree whose strings may hold holes, or JSON text.
        json: Json(Tree),
        /// `a=1&b=2`, percent-encoded; a list repeats the name.
        form: Form(Dict<OneOrMany<Parameter>>),
        /// XML text: holes are escaped by the place they stand in.
        xml: Xml(Text),
        /// Any text: a hole refuses the characters beside it, or ends in an encoding filter.
        text: Text(Text),
    }
}

impl InnerBody {
    /// The body that is made the same way.
    pub fn as_body(&self) -> Body {
        let text =
            |text: &Text| TextBody { place: MapSpans::of(text.span.clone()), value: text.clone(), content_type: None };
        match self {
            Self::Json(tree) => Body::Json(tree.clone()),
            Self::Form(fields) => Body::Form(fields.clone()),
            Self::Xml(xml) => Body::Xml(text(xml)),
            Self::Text(plain) => Body::Text(text(plain)),
        }
    }
}

one_of! {
    /// A body of one kind.
    pub enum Body as "a body" {
        /// JSON: a tree whose strings may hold holes, or JSON text.
        json: Json(Tree),
        /// application/x-www-form-urlencoded; a list repeats the name.
        form: Form(Dict<OneOrMany<Parameter>>),
        /// All fields of a form of an earlier HTML reply, some of them set.
        form_from: FormFrom(FormFrom),
        /// multipart/form-data; a list repeats the name.
        multipart: Multipart(Dict<OneOrMany<Part>>),
        /// XML text: holes are escaped by the place they stand in.
        xml: Xml(TextBody),
        /// Any text: a hole refuses the characters beside it, or ends in an encoding filter.
        text: Text(TextBody),
    }
}

record! {
    /// All fields of a form of an earlier HTML reply, some of them set.
    pub struct FormFrom as "a form_from" {
        /// The step whose reply holds the form.
        step: Text,
        /// A CSS selector that finds the form.
        css: Text,
        /// Fields to set.
        set: Dict<OneOrMany<Parameter>>,
    }
}

/// A body that is one text.
#[derive(Debug, Clone, PartialEq)]
pub struct TextBody {
    /// Where it and its keys stand.
    pub place: MapSpans,
    /// The text.
    pub value: Text,
    /// The Content-Type, without charset.
    pub content_type: Option<Text>,
}

keys! {
    /// A text with its type.
    pub struct TextBodyKeys as "a text body" {
        /// The text.
        value: Text,
        /// The Content-Type; text/plain or application/xml when left out.
        content_type: Option<Text>,
    }
}

impl FromNode for TextBody {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        if matches!(node.value, NodeValue::Map(_)) {
            let keys: TextBodyKeys = read_keyed(node, diagnostics)?;
            return Some(Self { place: keys.place, value: keys.value, content_type: keys.content_type });
        }
        let value = Text::read(node, diagnostics)?;
        Some(Self { place: MapSpans::of(node.span.clone()), value, content_type: None })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

definition! {
    TextBody: |generator| {
        let keys = schema_of_keys::<TextBodyKeys>("", generator);
        json_schema!({ "description": "A text, or a text with its type.", "anyOf": [{ "type": "string" }, keys] })
    }
}

/// A part of a multipart body.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Where it and its keys stand.
    pub place: MapSpans,
    /// The content.
    pub value: Parameter,
    /// The file name; with it the part is a file.
    pub filename: Option<Text>,
    /// The Content-Type of the part.
    pub content_type: Option<Text>,
}

keys! {
    /// A part with its details.
    pub struct PartKeys as "a part" {
        /// The content.
        value: Parameter,
        /// The file name; with it the part is a file.
        filename: Option<Text>,
        /// The Content-Type of the part.
        content_type: Option<Text>,
    }
}

impl FromNode for Part {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        if matches!(node.value, NodeValue::Map(_)) {
            let PartKeys { place, value, filename, content_type } = read_keyed(node, diagnostics)?;
            return Some(Self { place, value, filename, content_type });
        }
        let value = Parameter::read(node, diagnostics)?;
        Some(Self { place: MapSpans::of(node.span.clone()), value, filename: None, content_type: None })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

definition! {
    Part: |generator| {
        let (value, keys) = (Parameter::schema(generator), schema_of_keys::<PartKeys>("", generator));
        json_schema!({ "description": "A part of a multipart body.", "anyOf": [value, keys] })
    }
}
