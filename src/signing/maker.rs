//! What makes the bytes of a signature from a text, and how they are written.

use super::SignError;
use super::rsa_key::RsaKey;
use crate::crypto::digest::{Algorithm, digest};
use crate::crypto::encoding::{base64_encode, base64url_encode, hex_encode};
use crate::crypto::hmac::hmac;
use crate::reading::record::words;

/// A compiled algorithm.
#[derive(Debug)]
pub(super) enum Maker {
    /// Of the text alone: the key stands in it.
    Hash(Algorithm),
    /// RFC 2104.
    Hmac(Algorithm),
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rsa(RsaKey),
}

impl Maker {
    pub(super) fn make(&self, key: &[u8], text: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(match self {
            Self::Hash(algorithm) => digest(*algorithm, text),
            Self::Hmac(algorithm) => hmac(*algorithm, key, text),
            Self::Rsa(keys) => keys.sign_sha256(key, text)?,
        })
    }

    pub(super) fn is_rsa(&self) -> bool {
        matches!(self, Self::Rsa(_))
    }
}

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
