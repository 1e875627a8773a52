//! `response.jwt` of a step as it runs: the rules of its tokens, and where their keys come from.

use std::sync::Arc;

use crate::context::Variable;
use crate::request::RequestPlan;
use crate::template::{Hole, Line};

use super::jwks::JwksCaches;
use super::token::TokenRules;

/// How a token of a reply is verified.
#[derive(Debug, Clone)]
pub struct JwtPlan {
    pub rules: TokenRules,
    pub keys: KeySource,
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
    /// Every variable that the key reads.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        let line = match &self.keys {
            KeySource::Template(line) => Some(line),
            KeySource::Jwks(_) => None,
        };
        line.into_iter().flat_map(Line::holes).flat_map(Hole::variables)
    }

    /// The request for the keys.
    pub fn request(&self) -> Option<&RequestPlan> {
        match &self.keys {
            KeySource::Jwks(jwks) => Some(&jwks.request),
            KeySource::Template(_) => None,
        }
    }
}
