//! JSON Web Tokens in the compact form (RFC 7519, RFC 7515): taken apart, and put together. What a token claims is for the
//! caller to judge.

use super::encoding::{base64url_decode, base64url_encode};
use super::jws::{Algorithm, SigningKey, VerifyingKey};
use crate::document::{Object, Value, from_json, to_json};

/// Longer texts are no tokens of a login.
pub const MAX_TOKEN: usize = 64 << 10;

/// Headers that would have the token say by which key it is verified, or that must be understood.
const REFUSED: [&str; 4] = ["crit", "jku", "x5u", "jwk"];

/// Why a text is no token, or one that is refused. Quotes nothing of it but the name of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    #[error("it is no JSON Web Token: three parts of base64url with dots between them are wanted")]
    NoToken,
    #[error("it is longer than 64 KiB")]
    TooLong,
    #[error("its header is no JSON object with an `alg`")]
    Header,
    #[error("its header has `{0}`, which is never followed")]
    RefusedHeader(&'static str),
    #[error("its claims are no JSON object")]
    Claims,
    #[error("the key cannot sign by this algorithm")]
    Key,
}

/// A token that was taken apart and not verified.
#[derive(Debug, Clone)]
pub struct Token<'t> {
    pub header: Object,
    /// The header `alg`.
    pub alg: String,
    /// The header `kid`.
    pub kid: Option<String>,
    pub claims: Value,
    signed: &'t str,
    signature: Vec<u8>,
}

impl<'t> Token<'t> {
    /// Takes a token apart.
    pub fn parse(text: &'t str) -> Result<Self, JwtError> {
        if text.len() > MAX_TOKEN {
            return Err(JwtError::TooLong);
        }
        let parts: Vec<&str> = text.split('.').collect();
        let [header, claims, signature] = parts[..] else { return Err(JwtError::NoToken) };
        let decode = |part: &str| strict(part).ok_or(JwtError::NoToken);
        let (header, claims, signature) = (decode(header)?, decode(claims)?, decode(signature)?);
        let Ok(Value::Object(header)) = from_json(&header) else { return Err(JwtError::Header) };
        let Some(Value::Text(alg)) = header.get("alg") else { return Err(JwtError::Header) };
        let alg = alg.clone();
        if let Some(name) = REFUSED.iter().find(|name| header.contains_key(**name)) {
            return Err(JwtError::RefusedHeader(name));
        }
        let kid = match header.get("kid") {
            Some(Value::Text(kid)) => Some(kid.clone()),
            _ => None,
        };
        let claims = from_json(&claims).ok().filter(|claims| matches!(claims, Value::Object(_)));
        let signed = &text[..text.rfind('.').unwrap_or(text.len())];
        Ok(Self { header, alg, kid, claims: claims.ok_or(JwtError::Claims)?, signed, signature })
    }

    /// Whether the key made its signature.
    pub fn is_signed_by(&self, algorithm: Algorithm, key: &VerifyingKey) -> bool {
        key.verifies(algorithm, self.signed.as_bytes(), &self.signature)
    }
}

/// Base64url without padding and nothing else, so that a token has one spelling.
fn strict(part: &str) -> Option<Vec<u8>> {
    base64url_decode(part).ok().filter(|bytes| base64url_encode(bytes) == part)
}

/// A token with these claims. `header` holds further members; `alg` is the name that stands there.
pub fn sign(
    algorithm: Algorithm,
    alg: &str,
    key: &SigningKey,
    header: &Object,
    claims: &Value,
) -> Result<String, JwtError> {
    let Value::Object(_) = claims else { return Err(JwtError::Claims) };
    let mut all = Object::new();
    all.insert("alg".to_owned(), Value::from(alg));
    all.insert("typ".to_owned(), Value::from("JWT"));
    all.extend(header.iter().filter(|(name, _)| *name != "alg").map(|(name, value)| (name.clone(), value.clone())));
    let encoded = |value: &Value| base64url_encode(to_json(value).as_bytes());
    let signed = format!("{}.{}", encoded(&Value::Object(all)), encoded(claims));
    let signature = key.sign(algorithm, signed.as_bytes()).ok_or(JwtError::Key)?;
    Ok(format!("{signed}.{}", base64url_encode(&signature)))
}
