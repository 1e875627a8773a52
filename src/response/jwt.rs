//! `response.jwt` of a step as it runs: where its token is, by which rules it is believed, and where the keys come from.

use std::sync::Arc;

use crate::context::Variable;
use crate::document::Path;
use crate::request::RequestPlan;
use crate::template::{Hole, Line};

use super::jwks::JwksCaches;
use super::token::TokenRules;

/// How a token is verified.
#[derive(Debug, Clone)]
pub struct JwtPlan {
    pub place: TokenPlace,
    pub rules: TokenRules,
    pub keys: KeySource,
    /// What its claim `nonce` must be.
    pub nonce: Option<Line>,
}

/// Where the token is.
#[derive(Debug, Clone)]
pub enum TokenPlace {
    /// A field of the reply.
    Field(Path),
    /// An answer that a redirect brought back; its name.
    Answer(String),
}

/// Where the keys come from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A text of secrets and of what earlier replies gave: a PEM, or the secret of HS256.
    Template(Line),
    Jwks(Box<JwksPlan>),
}

/// A JWK Set of the server.
#[derive(Debug, Clone)]
pub struct JwksPlan {
    pub request: RequestPlan,
    /// Of this revision of the connector.
    pub caches: Arc<JwksCaches>,
}

impl JwtPlan {
    /// Every variable that key and nonce read.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        let line = match &self.keys {
            KeySource::Template(line) => Some(line),
            KeySource::Jwks(_) => None,
        };
        line.into_iter().chain(&self.nonce).flat_map(Line::holes).flat_map(Hole::variables)
    }

    /// The request for the keys.
    pub fn request(&self) -> Option<&RequestPlan> {
        match &self.keys {
            KeySource::Jwks(jwks) => Some(&jwks.request),
            KeySource::Template(_) => None,
        }
    }
}
