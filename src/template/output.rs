//! How the filters that end in bytes write them as text.

use crate::crypto::encoding;

/// How bytes are written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Lower case.
    Hex,
    /// RFC 4648 section 4, padded.
    Base64,
    /// RFC 4648 section 5, without padding.
    Base64Url,
}

impl Output {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "hex" => Some(Self::Hex),
            "base64" => Some(Self::Base64),
            "base64url" => Some(Self::Base64Url),
            _ => None,
        }
    }

    pub(super) fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => encoding::hex_encode(bytes),
            Self::Base64 => encoding::base64_encode(bytes),
            Self::Base64Url => encoding::base64url_encode(bytes),
        }
    }
}
