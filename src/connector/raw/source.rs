//! Sources: where in a reply (or in what is known already) a value is found.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::diagnostic::{Diagnostics, Span};
use crate::yaml::{Node, NodeValue};

use super::read::{FromNode, Keyed, Keys, MapReader, MapSpans, read_keyed, schema_of_keys};
use super::record::{definition, keys};
use super::scalar::{Constant, Text};
use super::shape::NonEmpty;
use super::union::{not_one_source, one_required};

/// A source and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// What it takes.
    pub kind: SourceKind,
    /// Where it stands: the key and value that name it.
    pub span: Span,
}

/// What a source takes.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceKind {
    /// A field of the document.
    Field(Text),
    /// A header of the reply, or one parameter of the query of a URL in it.
    Header {
        /// The header's name.
        name: Text,
        /// The parameter's name.
        query: Option<Text>,
    },
    /// A cookie that the reply sets.
    Cookie(Text),
    /// The first group of a regular expression over the reply's text.
    Regex(Text),
    /// The text of the element that a CSS selector finds, or one of its attributes.
    Css {
        /// The selector.
        selector: Text,
        /// The attribute's name.
        attr: Option<Text>,
    },
    /// A claim of the token that `response.jwt` verified.
    Claim(Text),
    /// A variable.
    Var(Text),
    /// A constant.
    Value(Constant),
    /// The first of these that is there; never empty.
    FirstOf(Vec<Source>),
}

impl SourceKind {
    /// The key that names it.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Field(_) => "field",
            Self::Header { .. } => "header",
            Self::Cookie(_) => "cookie",
            Self::Regex(_) => "regex",
            Self::Css { .. } => "css",
            Self::Claim(_) => "claim",
            Self::Var(_) => "var",
            Self::Value(_) => "value",
            Self::FirstOf(_) => "first_of",
        }
    }
}

impl Source {
    /// A bare string: a field.
    fn field(text: Text) -> Self {
        Self { span: text.span.clone(), kind: SourceKind::Field(text) }
    }

    /// A bare list: the first that is there.
    fn first_of(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let list = NonEmpty::read(node, diagnostics)?;
        Some(Self { kind: SourceKind::FirstOf(list.0), span: node.span.clone() })
    }
}

/// The keys that name the source itself, one of which a source has.
pub const MAIN: [&str; 9] = ["field", "header", "cookie", "regex", "css", "claim", "var", "value", "first_of"];

keys! {
    /// The keys of a source as they are written.
    pub struct SourceKeys as "a source" {
        /// A field of the decoded reply: `code`, `data.token`, `list[0].x`, `a."odd key"`, or a JSONPath (RFC 9535) that can yield
        /// one node only or filters by value: `$.attributes[?@.name=='mail'].value`. Several nodes are unknown, never the first.
        field: Option<Text>,
        /// A header of the reply, by its name.
        header: Option<Text>,
        /// With `header`: the value is a URL, and this parameter of its query is taken.
        query: Option<Text>,
        /// A cookie that the reply sets, by its name.
        cookie: Option<Text>,
        /// A regular expression over the reply's text; the first group is taken.
        regex: Option<Text>,
        /// A CSS selector over an HTML reply; the text of the first element is taken.
        css: Option<Text>,
        /// With `css`: this attribute of the element is taken instead of its text.
        attr: Option<Text>,
        /// A claim of the token that `response.jwt` verified.
        claim: Option<Text>,
        /// A variable, such as `steps.login.token`.
        var: Option<Text>,
        /// A constant.
        value: Option<Constant>,
        /// The first of several sources that is there: present, not null and not "". A list alone means the same. Not in a rule,
        /// which has `any`.
        first_of: Option<NonEmpty<Source>>,
    }
}

impl Keyed for Source {
    const WHAT: &'static str = "a source";

    fn take_keys(map: &mut MapReader<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let before = diagnostics.count();
        let keys = SourceKeys::take_keys(map, diagnostics)?;
        let place = keys.place.clone();
        let written: Vec<&'static str> = MAIN.into_iter().filter(|key| place.written(key).is_some()).collect();
        let [main] = written[..] else {
            // A key with a mistake of its own was meant to be the source.
            if diagnostics.count() == before {
                not_one_source(map, &written, &MAIN, diagnostics);
            }
            return None;
        };
        for (extra, owner) in [("query", "header"), ("attr", "css")] {
            if let Some(span) = place.written(extra).filter(|_| main != owner) {
                let mistake =
                    diagnostics.error_at("misplaced-key", span, format!("`{extra}` goes with `{owner}` only"));
                let mistake = mistake.label(format!("here it stands with `{main}`"));
                diagnostics.add(mistake.help(format!("take it away, or write `{owner}`")));
            }
        }
        let span = place.key(main).clone();
        let kind = match keys {
            SourceKeys { field: Some(field), .. } => SourceKind::Field(field),
            SourceKeys { header: Some(name), query, .. } => SourceKind::Header { name, query },
            SourceKeys { cookie: Some(name), .. } => SourceKind::Cookie(name),
            SourceKeys { regex: Some(pattern), .. } => SourceKind::Regex(pattern),
            SourceKeys { css: Some(selector), attr, .. } => SourceKind::Css { selector, attr },
            SourceKeys { claim: Some(name), .. } => SourceKind::Claim(name),
            SourceKeys { var: Some(name), .. } => SourceKind::Var(name),
            SourceKeys { value: Some(constant), .. } => SourceKind::Value(constant),
            SourceKeys { first_of: Some(list), .. } => SourceKind::FirstOf(list.0),
            _ => return None,
        };
        Some(Self { kind, span })
    }

    fn describe_keys(object: &mut Keys, generator: &mut SchemaGenerator) {
        SourceKeys::describe_keys(object, generator);
        object.more.insert("allOf".into(), json!([one_required(&MAIN)]));
        object.more.insert("dependentRequired".into(), json!({ "query": ["header"], "attr": ["css"] }));
    }
}

impl FromNode for Source {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::Scalar(_) => Text::read(node, diagnostics).map(Self::field),
            NodeValue::List(_) => Self::first_of(node, diagnostics),
            _ => read_keyed(node, diagnostics),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

definition! {
    Source: |generator| string_or::<Source>(
        "Where a value is found. A bare string is a field; of a list the first that is there.", generator,
    )
}

/// The schema of a bare string (a field), a list of sources, or the keys of `T`.
pub fn string_or<T: Keyed>(doc: &str, generator: &mut SchemaGenerator) -> Schema {
    let (keys, list) = (schema_of_keys::<T>("", generator), NonEmpty::<Source>::schema(generator));
    json_schema!({ "description": doc, "anyOf": [{ "type": "string" }, list, keys] })
}

/// What a bare string or a bare list stands for where a source with further keys is meant.
pub fn bare(node: &Node, diagnostics: &mut Diagnostics) -> Option<(MapSpans, Source)> {
    Source::read(node, diagnostics).map(|source| (MapSpans::of(node.span.clone()), source))
}
