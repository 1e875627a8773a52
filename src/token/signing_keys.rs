//! The keys that sign tokens, and the JWK Set (RFC 7517) by which anybody verifies them.
//!
//! A key is exchanged in three steps, so that a verifier which read the set an hour ago still knows the key of every token: it is
//! published first (`next`), then signs (`sign`), then is published until the last of its tokens has ended (`old`).

use ring::signature::KeyPair as _;

use super::key_file::KeyAlgorithm;
use crate::crypto::digest::{Algorithm as Digest, digest};
use crate::crypto::encoding::base64url_encode;
use crate::crypto::jws::{Algorithm, SigningKey, VerifyingKey};
use crate::crypto::jwt::{self, Token};
use crate::document::{Object, Value, to_json};
use crate::secret::Secret;
use crate::words::words;

words! {
    /// What a key of the configuration is for.
    pub enum KeyUse {
        /// Published and nothing else: the next one that signs.
        Next = "next",
        /// Published, and signs: one for each algorithm.
        Sign = "sign",
        /// Published until its tokens have ended; signs nothing.
        Old = "old",
    }
}

/// A key as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenKey {
    /// The text of its file: a private key in PEM, not encrypted.
    pub pem: Secret,
    pub key_use: KeyUse,
    /// From then on an old key is not published, in milliseconds since 1970; `None`: for as long as it stands there.
    pub until_ms: Option<u64>,
}

/// Why the keys cannot be used. `at` is the place in the list, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    #[error(
        "key {at} is no RSA key of 2048 to 8192 bits and none on P-256, in PEM and not encrypted: `doorward key new` makes one"
    )]
    NoKey { at: usize },
    #[error("key {at} stands there twice")]
    Twice { at: usize },
    #[error("key {at} is a second one that signs by {}: one of them is `next` or `old`", .algorithm.as_str())]
    TwoSign { at: usize, algorithm: KeyAlgorithm },
    #[error("key {at} has `until`, which only an `old` key has")]
    UntilOfAnother { at: usize },
    #[error("no key signs: one with `use: sign` is wanted")]
    NoneSigns,
}

/// Why a token is not one of ours that is good now. Quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("it is no token that was made here")]
    Foreign,
    #[error("it has ended")]
    Ended,
    #[error("it is not good yet")]
    NotYet,
}

struct Key {
    key_use: KeyUse,
    until_ms: Option<u64>,
    algorithm: KeyAlgorithm,
    kid: String,
    jwk: Object,
    signing: SigningKey,
    verifying: VerifyingKey,
}

impl Key {
    fn is_published(&self, now_ms: u64) -> bool {
        self.until_ms.is_none_or(|until| now_ms < until)
    }
}

/// The configured keys.
pub struct SigningKeys(Vec<Key>);

/// Names and uses only.
impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| (&key.kid, key.key_use.as_str()))).finish()
    }
}

impl SigningKeys {
    /// Reads the keys of the configuration, in its order.
    pub fn read(written: &[WrittenKey]) -> Result<Self, SigningKeyError> {
        let mut keys: Vec<Key> = Vec::with_capacity(written.len());
        for (at, one) in written.iter().enumerate() {
            let key = read(one).ok_or(SigningKeyError::NoKey { at })?;
            if keys.iter().any(|known| known.kid == key.kid) {
                return Err(SigningKeyError::Twice { at });
            }
            if key.until_ms.is_some() && key.key_use != KeyUse::Old {
                return Err(SigningKeyError::UntilOfAnother { at });
            }
            let signs = |it: &Key| it.key_use == KeyUse::Sign && it.algorithm == key.algorithm;
            if signs(&key) && keys.iter().any(signs) {
                return Err(SigningKeyError::TwoSign { at, algorithm: key.algorithm });
            }
            keys.push(key);
        }
        if !keys.iter().any(|key| key.key_use == KeyUse::Sign) {
            return Err(SigningKeyError::NoneSigns);
        }
        Ok(Self(keys))
    }

    /// The algorithms by which tokens can be signed.
    pub fn algorithms(&self) -> Vec<KeyAlgorithm> {
        self.0.iter().filter(|key| key.key_use == KeyUse::Sign).map(|key| key.algorithm).collect()
    }

    /// The name (`kid`) of the key that signs by `algorithm`: its thumbprint (RFC 7638), so that it is the same on every node.
    pub fn signing_kid(&self, algorithm: KeyAlgorithm) -> Option<&str> {
        self.signing(algorithm).map(|key| key.kid.as_str())
    }

    /// A token with these claims. `typ` says what it is for, and a verifier compares it: an access token (`at+jwt`, RFC 9068) is
    /// never taken for another kind. `None` when no key signs by `algorithm`.
    pub fn sign(&self, algorithm: KeyAlgorithm, typ: &str, claims: &Value) -> Option<String> {
        let key = self.signing(algorithm)?;
        let header = Object::from_iter([
            ("typ".to_owned(), Value::from(typ)),
            ("kid".to_owned(), Value::from(key.kid.as_str())),
        ]);
        jwt::sign(jws(algorithm), algorithm.as_str(), &key.signing, &header, claims).ok()
    }

    /// The claims of a token that was signed here, by a key that is still published, and that has not ended.
    pub fn verify(&self, typ: &str, text: &str, now_ms: u64) -> Result<Value, TokenError> {
        let token = Token::parse(text).map_err(|_| TokenError::Foreign)?;
        let kid = token.kid.as_deref();
        let key = self.0.iter().find(|key| Some(key.kid.as_str()) == kid && key.is_published(now_ms));
        let key = key.filter(|key| token.alg == key.algorithm.as_str()).ok_or(TokenError::Foreign)?;
        let is_typ = token.header.get("typ").is_some_and(|it| *it == Value::from(typ));
        if !is_typ || !token.is_signed_by(jws(key.algorithm), &key.verifying) {
            return Err(TokenError::Foreign);
        }
        let seconds = |name: &str| match token.claims.get(name) {
            Some(Value::Number(number)) => number.as_str().parse::<u64>().ok(),
            _ => None,
        };
        match (seconds("iat"), seconds("exp")) {
            (Some(issued), Some(_)) if issued.saturating_mul(1000) > now_ms + super::opaque::CLOCK_SLACK_MS => {
                Err(TokenError::NotYet)
            }
            (Some(_), Some(end)) if now_ms < end.saturating_mul(1000) => Ok(token.claims),
            (Some(_), Some(_)) => Err(TokenError::Ended),
            _ => Err(TokenError::Foreign),
        }
    }

    /// The JWK Set: every key that is published now, without its private part.
    pub fn jwks(&self, now_ms: u64) -> String {
        let keys = self.0.iter().filter(|key| key.is_published(now_ms));
        let keys = Value::Array(keys.map(|key| Value::Object(key.jwk.clone())).collect());
        to_json(&Value::Object(Object::from_iter([("keys".to_owned(), keys)])))
    }

    fn signing(&self, algorithm: KeyAlgorithm) -> Option<&Key> {
        self.0.iter().find(|key| key.key_use == KeyUse::Sign && key.algorithm == algorithm)
    }
}

const fn jws(algorithm: KeyAlgorithm) -> Algorithm {
    match algorithm {
        KeyAlgorithm::Rs256 => Algorithm::Rs256,
        KeyAlgorithm::Es256 => Algorithm::Es256,
    }
}

/// A key of the configuration, whose kind says its algorithm.
fn read(written: &WrittenKey) -> Option<Key> {
    // Exposed to become the key.
    let pem = written.pem.expose();
    let (algorithm, signing) = KeyAlgorithm::ALL
        .iter()
        .find_map(|algorithm| SigningKey::read(jws(*algorithm), pem).ok().map(|key| (*algorithm, key)))?;
    let members = public_members(&signing)?;
    let verifying = VerifyingKey::of_jwk(&Value::Object(members.clone()))?;
    let kid = thumbprint(&members);
    let mut jwk = members;
    for (name, value) in [("use", "sig"), ("alg", algorithm.as_str()), ("kid", kid.as_str())] {
        jwk.insert(name.to_owned(), Value::from(value));
    }
    Some(Key { key_use: written.key_use, until_ms: written.until_ms, algorithm, kid, jwk, signing, verifying })
}

/// The required members of the public key (RFC 7518 section 6), in the order of their names, as RFC 7638 section 3 hashes them.
fn public_members(key: &SigningKey) -> Option<Object> {
    let members = match key {
        SigningKey::Rsa(key) => {
            let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(key.public());
            vec![("e", base64url_encode(&public.e)), ("kty", "RSA".to_owned()), ("n", base64url_encode(&public.n))]
        }
        SigningKey::P256(key) => {
            let (x, y) = key.public_key().as_ref().strip_prefix(&[4])?.split_at_checked(32)?;
            vec![
                ("crv", "P-256".to_owned()),
                ("kty", "EC".to_owned()),
                ("x", base64url_encode(x)),
                ("y", base64url_encode(y)),
            ]
        }
        _ => return None,
    };
    Some(members.into_iter().map(|(name, value)| (name.to_owned(), Value::Text(value))).collect())
}

/// RFC 7638: the hash of the key's members without blanks.
fn thumbprint(members: &Object) -> String {
    base64url_encode(&digest(Digest::Sha256, to_json(&Value::Object(members.clone())).as_bytes()))
}

#[cfg(test)]
mod tests;
