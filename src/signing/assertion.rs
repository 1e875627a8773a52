//! JSON Web Tokens that this service signs: assertions of RFC 7523, in the compact form of RFC 7515.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::SignError;
use super::rsa_key::{RsaKey, der};
use crate::clock::Ambient;
use crate::crypto::digest::Algorithm;
use crate::crypto::encoding::{base64url_encode, hex_encode};
use crate::crypto::hmac::hmac;
use crate::reading::record::words;

words! {
    /// A signature algorithm of JSON Web Tokens (RFC 7518 section 3.1, RFC 8037).
    pub enum JwtAlgorithm as "a signature algorithm" {
        /// RSASSA-PKCS1-v1_5 with SHA-256
        Rs256 = "RS256",
        /// RSASSA-PSS with SHA-256
        Ps256 = "PS256",
        /// ECDSA on P-256 with SHA-256
        Es256 = "ES256",
        /// Ed25519
        EdDsa = "EdDSA",
        /// HMAC with SHA-256
        Hs256 = "HS256",
    }
}

/// Signs with one algorithm; an RSA key is read once.
#[derive(Debug)]
pub(super) struct AssertionSigner {
    pub algorithm: JwtAlgorithm,
    pub rsa: RsaKey,
}

/// Whose assertion it is.
pub(super) struct Claims<'a> {
    pub issuer: &'a str,
    pub subject: &'a str,
    pub audience: &'a [String],
    /// Seconds.
    pub lives: u64,
    /// Further ones; those above win.
    pub more: &'a Map<String, Value>,
}

impl AssertionSigner {
    pub(super) fn new(algorithm: JwtAlgorithm) -> Self {
        Self { algorithm, rsa: RsaKey::default() }
    }

    /// A token with `jti`, `iat` and `exp` of its own, different each time.
    pub(super) fn sign(
        &self,
        key: &[u8],
        key_id: Option<&str>,
        claims: &Claims<'_>,
        ambient: &dyn Ambient,
    ) -> Result<Zeroizing<String>, SignError> {
        let mut drawn = [0; 16];
        ambient.fill(&mut drawn);
        let now = ambient.unix_ms() / 1000;
        let mut payload = claims.more.clone();
        let audience = match claims.audience {
            [one] => json!(one),
            several => json!(several),
        };
        for (name, value) in [
            ("iss", json!(claims.issuer)),
            ("sub", json!(claims.subject)),
            ("aud", audience),
            ("jti", json!(hex_encode(&drawn))),
            ("iat", json!(now)),
            ("exp", json!(now + claims.lives)),
        ] {
            payload.insert(name.to_owned(), value);
        }
        let mut header = json!({ "alg": self.algorithm.as_str(), "typ": "JWT" });
        if let Some(id) = key_id {
            header["kid"] = json!(id);
        }
        let encoded = |value: &Value| base64url_encode(value.to_string().as_bytes());
        let text = format!("{}.{}", encoded(&header), encoded(&Value::Object(payload)));
        let signature = self.bytes(key, text.as_bytes())?;
        Ok(Zeroizing::new(format!("{text}.{}", base64url_encode(&signature))))
    }

    fn bytes(&self, key: &[u8], text: &[u8]) -> Result<Vec<u8>, SignError> {
        let none = |what: &str| {
            SignError::Misconfigured(format!("the key of `auth` is no {what}, PEM (BEGIN PRIVATE KEY, not encrypted)"))
        };
        let pkcs8 = || str::from_utf8(key).ok().and_then(der).unwrap_or_default();
        Ok(match self.algorithm {
            JwtAlgorithm::Hs256 => hmac(Algorithm::Sha256, key, text),
            JwtAlgorithm::Rs256 => self.rsa.sign_sha256(key, text)?,
            JwtAlgorithm::Ps256 => self.rsa.sign_pss_sha256(key, text)?,
            JwtAlgorithm::Es256 => {
                let random = SystemRandom::new();
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8(), &random);
                let signed = pair.map_err(|_| none("P-256 private key"))?.sign(&random, text);
                signed.map_err(|_| none("P-256 private key"))?.as_ref().to_vec()
            }
            JwtAlgorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8());
                pair.map_err(|_| none("Ed25519 private key"))?.sign(text).as_ref().to_vec()
            }
        })
    }
}
