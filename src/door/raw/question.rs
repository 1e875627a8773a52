//! What a side question asks: a condition over the console's request.

use crate::diagnostic::Diagnostics;
use crate::reading::record::{keys, whole_map};
use crate::reading::{Constant, Flat, Keyed, Keys, MapReader, MapSpans, NonEmpty, Text};
use schemars::SchemaGenerator;

use super::source::RawRequestSource;

/// A condition over the request.
#[derive(Debug, Clone, PartialEq)]
pub enum RawQuestion {
    /// Every one holds.
    All(Vec<RawQuestion>),
    /// One value is one of these.
    OneOf(RawRequestSource, Vec<Constant>),
    /// One value begins with this.
    StartsWith(RawRequestSource, Text),
}

keys! {
    /// One comparison as it is written.
    pub struct ComparisonKeys as "a question" {
        /// What is compared.
        source: Flat<RawRequestSource>,
        /// The value is this.
        equals: Option<Constant>,
        /// The value is one of these.
        r#in: Option<NonEmpty<Constant>>,
        /// The value begins with this.
        starts_with: Option<Text>,
    }
}

keys! {
    /// Several questions as they are written.
    pub struct AllKeys as "a question" {
        /// Every one of these holds.
        all: Option<NonEmpty<RawQuestion>>,
    }
}

impl Keyed for RawQuestion {
    const WHAT: &'static str = "a question";

    fn take_keys(map: &mut MapReader<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        if map.place().written("all").is_some() {
            return AllKeys::take_keys(map, diagnostics)?.all.map(|list| Self::All(list.0));
        }
        map.knows(&["all"]);
        let place: MapSpans = map.place();
        let keys = ComparisonKeys::take_keys(map, diagnostics)?;
        let source = keys.source.0;
        match (keys.equals, keys.r#in, keys.starts_with) {
            (Some(value), None, None) => Some(Self::OneOf(source, vec![value])),
            (None, Some(list), None) => Some(Self::OneOf(source, list.0)),
            (None, None, Some(text)) => Some(Self::StartsWith(source, text)),
            _ => {
                let message = "a question takes one of `equals`, `in` and `starts_with`";
                let mistake = diagnostics.error_at("missing-operator", &place.span, message);
                diagnostics.add(mistake.help("write one: { field: vhost, equals: \"/\" }"));
                None
            }
        }
    }

    fn describe_keys(object: &mut Keys, generator: &mut SchemaGenerator) {
        ComparisonKeys::describe_keys(object, generator);
        AllKeys::describe_keys(object, generator);
        object.required.clear();
        // One comparison has a source, a list of questions has none.
        object.more.clear();
    }
}

impl RawQuestion {
    fn doc() -> String {
        "A condition over the request: one comparison, or all of several.".to_owned()
    }
}

whole_map! { RawQuestion }
