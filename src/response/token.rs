//! Tokens that a reply or an answer holds (RFC 7519): which are believed, and what they claim.
//!
//! Pure: the keys come by argument. A token is believed when its signature, its algorithm, its times, its issuer and its audience are
//! right; else it claims nothing, and the line that says why quotes nothing of it.

use subtle::ConstantTimeEq as _;

use crate::crypto::jws::{Algorithm, VerifyingKey};
use crate::crypto::jwt::{JwtError, Token};
use crate::document::{Path, Value};

use super::jwks::Jwk;

/// Keys of one identifier, or without one, that are tried at most.
const MAX_TRIED: usize = 8;

/// What a token must be like.
#[derive(Debug, Clone)]
pub struct TokenRules {
    /// The algorithms, each by the name that the header `alg` has for it.
    pub algorithms: Vec<AllowedAlgorithm>,
    pub issuer: Option<String>,
    /// Of these one must be in `aud`; none asks for none.
    pub audience: Vec<String>,
    /// Seconds that clocks may differ.
    pub leeway: f64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedAlgorithm {
    pub alg: String,
    pub algorithm: Algorithm,
}

/// Why a token is not believed. Completes "the token …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] JwtError),
    #[error("is no text")]
    NoText,
    #[error("is signed by an algorithm that `algorithms` does not name")]
    Algorithm,
    #[error("names a key that is not there")]
    UnknownKey,
    #[error("finds no key for its algorithm")]
    NoKey,
    #[error("has a signature that is not right")]
    Signature,
    #[error("has no `exp`, so it would be good for ever")]
    NoExpiry,
    #[error("has a time that is no number of seconds")]
    NoTime,
    #[error("has expired")]
    Expired,
    #[error("is not valid yet: its `nbf` or `iat` is in the future")]
    NotYet,
    #[error("has another issuer")]
    Issuer,
    #[error("is for another audience")]
    Audience,
    #[error("is of another login: its `nonce` is not the one that this login sent")]
    Nonce,
}

/// Keys that may have signed.
#[derive(Debug, Clone, Copy)]
pub enum Keys<'k> {
    /// The one of the connector.
    One(&'k VerifyingKey),
    /// Those of a JWK Set.
    Set(&'k [Jwk]),
}

/// The token in a field of a document; `None` where the reply has none.
pub fn find_token<'d>(field: &Path, document: &'d Value) -> Option<Result<&'d str, TokenError>> {
    match field.get(document)? {
        Value::Null => None,
        Value::Text(text) if text.is_empty() => None,
        Value::Text(text) => Some(Ok(text)),
        _ => Some(Err(TokenError::NoText)),
    }
}

/// Whether a verified token is of the login that drew this nonce (OpenID Connect Core 1.0 section 3.2.2.11).
pub fn is_of_login(claims: &Value, nonce: &[u8]) -> Result<(), TokenError> {
    match claims.get("nonce") {
        Some(Value::Text(said)) if bool::from(said.as_bytes().ct_eq(nonce)) => Ok(()),
        _ => Err(TokenError::Nonce),
    }
}

impl TokenRules {
    /// The algorithm of a token, if it is one of the allowed.
    pub fn algorithm(&self, token: &Token<'_>) -> Result<Algorithm, TokenError> {
        let allowed = self.algorithms.iter().find(|allowed| allowed.alg == token.alg);
        allowed.map(|allowed| allowed.algorithm).ok_or(TokenError::Algorithm)
    }

    /// What the token claims, at `now` (seconds since 1970).
    pub fn verify(&self, token: &Token<'_>, keys: Keys<'_>, now: u64) -> Result<Value, TokenError> {
        let algorithm = self.algorithm(token)?;
        let signed = match keys {
            Keys::One(key) => token.is_signed_by(algorithm, key),
            Keys::Set(keys) => {
                let named = |key: &&Jwk| token.kid.is_none() || key.kid == token.kid;
                let mut named = keys.iter().filter(named).peekable();
                if named.peek().is_none() {
                    return Err(TokenError::UnknownKey);
                }
                let mut fit = named.filter(|key| key.is_for(&token.alg, algorithm)).take(MAX_TRIED).peekable();
                if fit.peek().is_none() {
                    return Err(TokenError::NoKey);
                }
                fit.any(|key| token.is_signed_by(algorithm, &key.key))
            }
        };
        if !signed {
            return Err(TokenError::Signature);
        }
        self.believes(&token.claims, now)?;
        Ok(token.claims.clone())
    }

    /// RFC 7519 section 4.1.
    fn believes(&self, claims: &Value, now: u64) -> Result<(), TokenError> {
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 stay below 2^53")]
        let now = now as f64;
        let time = |name: &str| match claims.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => {
                let seconds = number.as_str().parse::<f64>().ok().filter(|seconds| seconds.is_finite());
                seconds.map(Some).ok_or(TokenError::NoTime)
            }
            Some(_) => Err(TokenError::NoTime),
        };
        let expires = time("exp")?.ok_or(TokenError::NoExpiry)?;
        if expires + self.leeway <= now {
            return Err(TokenError::Expired);
        }
        for begins in [time("nbf")?, time("iat")?].into_iter().flatten() {
            if begins - self.leeway > now {
                return Err(TokenError::NotYet);
            }
        }
        if let Some(issuer) = &self.issuer
            && !matches!(claims.get("iss"), Some(Value::Text(iss)) if iss == issuer)
        {
            return Err(TokenError::Issuer);
        }
        let is_ours = |value: &Value| matches!(value, Value::Text(text) if self.audience.contains(text));
        let for_us = match claims.get("aud") {
            _ if self.audience.is_empty() => true,
            Some(Value::Array(list)) => list.iter().any(is_ours),
            Some(one) => is_ours(one),
            None => false,
        };
        if for_us { Ok(()) } else { Err(TokenError::Audience) }
    }
}

#[cfg(test)]
mod tests;
