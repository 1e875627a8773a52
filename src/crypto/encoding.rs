//! Text encodings of bytes: hex, base64 and base64url (RFC 4648), percent-encoding (RFC 3986 section 2.1).
//!
//! Decoders are strict about the alphabet and lenient about padding, because both spellings of base64 are met in the
//! wild and neither is ambiguous. An error names what was wrong and never the text, which may be a password.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::percent;

/// Why a text is not an encoding of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// Not an even number of hexadecimal digits.
    #[error("not hexadecimal: an even number of the digits 0-9a-f is needed")]
    Hex,
    /// Characters outside the alphabet, or a broken end.
    #[error("not base64")]
    Base64,
    /// A `%` that two hexadecimal digits do not follow.
    #[error("not percent-encoded: a % is not followed by two hexadecimal digits")]
    Percent,
}

/// How a text stands for bytes: of a key, an iv, a ciphertext.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BytesAs {
    /// The text's own bytes.
    Utf8,
    /// Hexadecimal digits.
    Hex,
    /// Base64 of either alphabet.
    Base64,
}

impl BytesAs {
    /// `utf-8` or `utf8`, `hex`, `base64`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "utf-8" | "utf8" => Some(Self::Utf8),
            "hex" => Some(Self::Hex),
            "base64" => Some(Self::Base64),
            _ => None,
        }
    }

    /// The bytes of `text`.
    pub fn decode(self, text: &str) -> Result<Vec<u8>, EncodingError> {
        match self {
            Self::Utf8 => Ok(text.as_bytes().to_vec()),
            Self::Hex => hex_decode(text),
            Self::Base64 => base64_decode(text).or_else(|_| base64url_decode(text)),
        }
    }
}

/// Padded or not, as servers and scripts write it.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
/// RFC 4648 section 5 without padding, as JWT (RFC 7515) writes it.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT.with_encode_padding(false));

/// Lower-case hexadecimal.
pub fn hex_encode(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

/// Bytes of hexadecimal digits of either case.
pub fn hex_decode(text: &str) -> Result<Vec<u8>, EncodingError> {
    hex::decode(text).map_err(|_| EncodingError::Hex)
}

/// Standard base64 with padding.
pub fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes of standard base64, padded or not.
pub fn base64_decode(text: &str) -> Result<Vec<u8>, EncodingError> {
    STANDARD.decode(text).map_err(|_| EncodingError::Base64)
}

/// The URL-safe alphabet without padding.
pub fn base64url_encode(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

/// Bytes of URL-safe base64, padded or not.
pub fn base64url_decode(text: &str) -> Result<Vec<u8>, EncodingError> {
    URL_SAFE.decode(text).map_err(|_| EncodingError::Base64)
}

/// Percent-encodes every byte outside the unreserved set of RFC 3986 section 2.3, so the result fits any URL component.
pub fn url_encode(bytes: &[u8]) -> String {
    percent::encode(bytes)
}

/// Undoes percent-encoding. A `+` stays a `+`: only form bodies mean a space by it.
pub fn url_decode(text: &str) -> Result<Vec<u8>, EncodingError> {
    percent::decode(text.as_bytes()).ok_or(EncodingError::Percent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn padding_is_optional_on_the_way_in() {
        assert_eq!(base64_decode("YQ=="), Ok(b"a".to_vec()));
        assert_eq!(base64_decode("YQ"), Ok(b"a".to_vec()));
        assert_eq!(base64url_decode("_-8"), Ok(vec![0xff, 0xef]));
        assert_eq!(base64url_encode(&[0xff, 0xef]), "_-8");
        assert_eq!(base64_decode("Y Q"), Err(EncodingError::Base64));
    }

    #[test]
    fn errors_do_not_quote_the_text() {
        assert_eq!(hex_decode("p4ss"), Err(EncodingError::Hex));
        assert_eq!(url_decode("%4"), Err(EncodingError::Percent));
        assert_eq!(url_decode("%zz"), Err(EncodingError::Percent));
    }

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(url_encode("a-._~ +/中".as_bytes()), "a-._~%20%2B%2F%E4%B8%AD");
    }

    proptest! {
        #[test]
        fn every_byte_string_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(hex_decode(&hex_encode(&bytes)), Ok(bytes.clone()));
            prop_assert_eq!(base64_decode(&base64_encode(&bytes)), Ok(bytes.clone()));
            prop_assert_eq!(base64url_decode(&base64url_encode(&bytes)), Ok(bytes.clone()));
            prop_assert_eq!(url_decode(&url_encode(&bytes)), Ok(bytes));
        }
    }
}
