//! The algorithms that make a signature from a text, and how its bytes are written.

use super::SignError;
use super::rsa_key::RsaKey;
use crate::crypto::digest::{Algorithm, digest};
use crate::crypto::encoding::{base64_encode, base64url_encode, hex_encode};
use crate::crypto::hmac::hmac;
use crate::crypto::sm2::{SignatureForm, SigningKey, USUAL_ID};
use crate::reading::record::words;

/// A compiled algorithm.
#[derive(Debug)]
pub(super) enum SignatureAlgorithm {
    /// Of the text alone: the key stands in it.
    Hash(Algorithm),
    /// RFC 2104.
    Hmac(Algorithm),
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rsa(RsaKey),
    /// SM2 with SM3 (GB/T 32918.2).
    Sm2(SignatureForm),
}

impl SignatureAlgorithm {
    pub(super) fn sign(&self, key: &[u8], text: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(match self {
            Self::Hash(algorithm) => digest(*algorithm, text),
            Self::Hmac(algorithm) => hmac(*algorithm, key, text),
            Self::Rsa(keys) => keys.sign_sha256(key, text)?,
            Self::Sm2(form) => {
                let key = str::from_utf8(key).ok().and_then(|key| SigningKey::read(key, USUAL_ID));
                let signature = key.and_then(|key| key.sign(*form, text));
                signature.ok_or_else(|| SignError::Misconfigured(NO_SM2_KEY.to_owned()))?
            }
        })
    }

    /// Whether the key is a private one, which is no part of any text.
    pub(super) fn has_private_key(&self) -> bool {
        matches!(self, Self::Rsa(_) | Self::Sm2(_))
    }
}

const NO_SM2_KEY: &str = "the key of `auth` is no SM2 private key: a PEM that is not encrypted, its base64 without the lines around it, \
                          or 64 hex digits are wanted";

words! {
    /// How bytes are written.
    pub enum Output as "an output" {
        /// Lower-case hexadecimal.
        Hex = "hex",
        /// Upper-case hexadecimal.
        HexUpper = "hex_upper",
        /// RFC 4648 section 4.
        Base64 = "base64",
        /// RFC 4648 section 5, no padding.
        Base64url = "base64url",
    }
}

impl Output {
    pub(super) fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hex_encode(bytes),
            Self::HexUpper => hex_encode(bytes).to_ascii_uppercase(),
            Self::Base64 => base64_encode(bytes),
            Self::Base64url => base64url_encode(bytes),
        }
    }
}
