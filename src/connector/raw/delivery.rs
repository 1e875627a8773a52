//! Handing the upstream's cookies to the user's browser.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::diagnostic::{Diagnostics, Span};
use crate::verdict::SameSite;
use crate::yaml::{Node, NodeValue};

use super::read::{FromNode, MapSpans, read_keyed, schema_of_keys};
use super::record::{definition, keys, read_as_word, record, words};
use super::scalar::{Spanned, Text};
use super::shape::{NonEmpty, OneOrMany};

record! {
    /// Handing the upstream's cookies to the user's browser.
    pub struct CookieDelivery as "a cookie delivery" {
        /// The domains under which the browser gets them, such as `.corp.example.com`.
        domains: OneOrMany<Text>,
        /// The cookies, by name; or `all` that the upstream set, but for the console's own (`reserved_cookies`).
        cookies: DeliveredCookies,
    }
}

/// Which cookies are handed over.
#[derive(Debug, Clone, PartialEq)]
pub enum DeliveredCookies {
    /// Every one that the upstream set; where the word stands.
    All(Span),
    /// These.
    Named(NonEmpty<DeliveredCookie>),
}

impl DeliveredCookies {
    /// Those that are named.
    pub fn named(&self) -> impl Iterator<Item = &DeliveredCookie> {
        let named = match self {
            Self::All(_) => None,
            Self::Named(list) => Some(list),
        };
        named.into_iter().flat_map(|list| list.iter())
    }
}

words! {
    /// In place of a list of cookies.
    pub enum EveryCookie as "a list of cookies, or all" {
        /// Every one that the upstream set.
        All = "all",
    }
}

impl FromNode for DeliveredCookies {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::Scalar(_) => EveryCookie::read(node, diagnostics).map(|_| Self::All(node.span.clone())),
            _ => NonEmpty::read(node, diagnostics).map(Self::Named),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (all, named) = (EveryCookie::schema(generator), NonEmpty::<DeliveredCookie>::schema(generator));
        json_schema!({ "anyOf": [all, named] })
    }
}

/// A cookie that is handed over.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveredCookie {
    /// Where it and its keys stand.
    pub place: MapSpans,
    /// Its name at the upstream.
    pub name: Text,
    /// Its name in the browser; the same when left out.
    pub r#as: Option<Text>,
    /// Hidden from scripts; true when left out.
    pub http_only: Option<Spanned<bool>>,
    /// Sent over TLS only; true when left out.
    pub secure: Option<Spanned<bool>>,
    /// Sent with requests from other sites; `lax` when left out.
    pub same_site: Option<Spanned<SameSite>>,
}

keys! {
    /// A cookie with its details.
    pub struct DeliveredCookieKeys as "a cookie" {
        /// Its name at the upstream.
        name: Text,
        /// Its name in the browser; the same when left out.
        r#as: Option<Text>,
        /// Whether it is hidden from scripts; true when left out.
        http_only: Option<Spanned<bool>>,
        /// Whether it is sent over TLS only; true when left out.
        secure: Option<Spanned<bool>>,
        /// Whether it is sent with requests from other sites.
        same_site: Option<Spanned<SameSite>>,
    }
}

read_as_word! { SameSite as "a value of same_site" }

impl FromNode for DeliveredCookie {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        if matches!(node.value, NodeValue::Scalar(_)) {
            let name = Text::read(node, diagnostics)?;
            let place = MapSpans::of(node.span.clone());
            return Some(Self { place, name, r#as: None, http_only: None, secure: None, same_site: None });
        }
        let DeliveredCookieKeys { place, name, r#as, http_only, secure, same_site } = read_keyed(node, diagnostics)?;
        Some(Self { place, name, r#as, http_only, secure, same_site })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

definition! {
    DeliveredCookie: |generator| {
        let keys = schema_of_keys::<DeliveredCookieKeys>("", generator);
        json_schema!({ "description": "A cookie by its name, or with details.", "anyOf": [{ "type": "string" }, keys] })
    }
}
