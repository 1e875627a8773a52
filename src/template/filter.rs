//! The filters of a hole. Each takes a value and gives a value or a fault; none lets bad input through.

use std::borrow::Cow;

use encoding_rs::Encoding;

use crate::context::{Context, Missing, Variable};
use crate::crypto::charset;
use crate::crypto::digest::{Algorithm, digest};
use crate::crypto::encoding;
use crate::crypto::hmac::hmac;
use crate::document::Value;

use super::charset::Charset;
use super::date::DatePattern;
use super::datum::{Datum, Fault, missing};
use super::escape;

/// One filter with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// `md5`, `sha256("base64")`, …: the digest of the text's UTF-8, or of bytes.
    Digest(Algorithm, Output),
    /// `hmac_sha256(secret.k)`, …: RFC 2104 with the variable's text as key.
    Hmac(Algorithm, Variable, Output),
    /// `base64`, `base64url`, `hex`
    Write(Output),
    /// `unhex`: bytes.
    Unhex,
    /// `urlencode`: all but RFC 3986 `unreserved`.
    UrlEncode,
    /// `urldecode`: the text must be UTF-8 again.
    UrlDecode,
    /// `upper`, by Unicode.
    Upper,
    /// `lower`, by Unicode.
    Lower,
    /// `trim`: white space at both ends, by Unicode.
    Trim,
    /// `first(n)`: at most n characters.
    First(usize),
    /// `string`: a number or boolean becomes a text.
    String,
    /// `json`: the JSON text of any value.
    Json,
    /// `xml`: the text with XML's references.
    Xml,
    /// `quoted`: a quoted-string of HTTP (RFC 9110 section 5.6.4).
    Quoted {
        /// The text around has the quotes.
        inside: bool,
    },
    /// `date("yyyyMMdd")`
    Date(DatePattern),
    /// `encode("gbk")`: bytes.
    Encode(&'static Encoding),
    /// `json | encode("gbk")`: bytes, and no byte of ASCII in them comes from another character.
    EncodeJson(&'static Encoding),
    /// `default("x")`: for a value that is missing.
    Default(Value),
}

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

    fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => encoding::hex_encode(bytes),
            Self::Base64 => encoding::base64_encode(bytes),
            Self::Base64Url => encoding::base64url_encode(bytes),
        }
    }
}

/// What a filter gives or takes, as far as that is known at load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What a variable holds.
    Any,
    /// A text.
    Text,
    /// Bytes in no known charset.
    Bytes,
}

impl Filter {
    /// What comes out for what goes in; `None` when it cannot take that.
    pub(crate) fn kind(&self, input: Kind) -> Option<Kind> {
        match self {
            Self::Digest(..) | Self::Hmac(..) | Self::Write(_) | Self::UrlEncode => Some(Kind::Text),
            _ if input == Kind::Bytes => None,
            Self::Unhex | Self::Encode(_) | Self::EncodeJson(_) => Some(Kind::Bytes),
            Self::Default(_) => Some(input),
            _ => Some(Kind::Text),
        }
    }

    /// Whether what comes out has an alphabet (or quotes) of its own, so that no input can end it early.
    pub(crate) fn encodes(&self) -> bool {
        matches!(
            self,
            Self::Digest(..) | Self::Hmac(..) | Self::Write(_) | Self::UrlEncode | Self::Json | Self::Quoted { .. }
        )
    }

    /// Whether what comes out is the value in another spelling, as long as the value is: unlike a digest it may hold, where
    /// its user wants it, what stands between two holes.
    pub(crate) fn spells(&self) -> bool {
        matches!(self, Self::Write(_) | Self::UrlEncode)
    }

    /// Applies it to a value that is there.
    pub(crate) fn apply<'a>(&self, input: Datum<'a>, context: &'a Context) -> Result<Datum<'a>, FilterError> {
        let text = |text: String| Datum::Text(Cow::Owned(text));
        Ok(match self {
            Self::Digest(algorithm, output) => text(output.write(&digest(*algorithm, input.bytes()?))),
            Self::Hmac(algorithm, key, output) => {
                let value = Datum::of(key, context)?;
                let bytes = value.bytes().map_err(|fault| match fault {
                    Fault::Null => FilterError::Missing(missing(key)),
                    other => FilterError::Fault(other),
                })?;
                text(output.write(&hmac(*algorithm, bytes, input.bytes()?)))
            }
            Self::Write(output) => text(output.write(input.bytes()?)),
            Self::Unhex => Datum::Bytes(
                encoding::hex_decode(input.text()?).map_err(|_| Fault::content("is not hex digits, two a byte"))?,
            ),
            Self::UrlEncode => text(encoding::url_encode(input.bytes()?)),
            Self::UrlDecode => text(utf8(
                encoding::url_decode(input.text()?)
                    .map_err(|_| Fault::content("has a percent sign without two hex digits"))?,
            )?),
            Self::Upper => text(input.text()?.to_uppercase()),
            Self::Lower => text(input.text()?.to_lowercase()),
            Self::Trim => text(input.text()?.trim().to_owned()),
            Self::First(count) => text(input.text()?.chars().take(*count).collect()),
            Self::String => text(input.text()?.to_owned()),
            Self::Json => {
                let mut out = Vec::new();
                escape::json_value(&*input.into_value()?, &mut out);
                text(utf8(out)?)
            }
            Self::Xml => text(escape::xml(input.text()?)?.into_owned()),
            Self::Date(pattern) => text(pattern.format(&input)?),
            Self::Quoted { inside } => text(escape::quoted_string(input.text()?, *inside)?),
            Self::Encode(charset) => Datum::Bytes(encoded(charset, input.text()?)?),
            Self::EncodeJson(charset) => {
                let json = input.text()?;
                // UTF-16 has none of this trouble.
                let safe = Charset::of(charset).map_or(Cow::Borrowed(json), |charset| charset.json_safe(json));
                Datum::Bytes(encoded(charset, &safe)?)
            }
            Self::Default(_) => input,
        })
    }
}

fn encoded(charset: &'static Encoding, text: &str) -> Result<Vec<u8>, Fault> {
    charset::encode(charset, text).map_err(|_| Fault::content("has a character that the charset of `encode` lacks"))
}

fn utf8(bytes: Vec<u8>) -> Result<String, Fault> {
    String::from_utf8(bytes).map_err(|_| Fault::content("is not UTF-8 after decoding"))
}

/// Why a filter gave nothing.
#[derive(Debug)]
pub(crate) enum FilterError {
    /// The value does not fit.
    Fault(Fault),
    /// The key of an HMAC has no value.
    Missing(Missing),
}

impl From<Fault> for FilterError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Missing> for FilterError {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}
