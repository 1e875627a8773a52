//! The filters of a hole. Each takes a value and gives a value or a fault; none lets bad input through.

use std::borrow::Cow;

use encoding_rs::Encoding;

use crate::context::{Context, Variable};
use crate::crypto::charset;
use crate::crypto::digest::{Algorithm, digest};
use crate::crypto::encoding;
use crate::crypto::hmac::hmac;
use crate::diagnostic::did_you_mean;
use crate::document::Value;

use super::call::{ArgumentValue, Call, literal, suggest};
use super::charset::Charset;
use super::cipher::CipherFilter;
use super::date::DatePattern;
use super::datum::Datum;
use super::escape;
use super::fault::{Fault, FilterError, missing, utf8};
use super::mistake::Mistake;
use super::output::Output;
use super::public_key::PublicKeyFilter;

/// One filter with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// `md5`, `sha256("base64")`, …: the digest of the text's UTF-8, or of bytes.
    Digest(Algorithm, Output),
    /// `hmac_sha256(secret.k)`, …: RFC 2104 with the variable's text as key.
    Hmac(Algorithm, Variable, Output),
    /// `aes(mode=cbc, key=secret.k, iv=secret.iv)`, …
    Cipher(Box<CipherFilter>),
    /// `rsa(key=…)`, `sm2(key=…)`
    PublicKey(Box<PublicKeyFilter>),
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
    /// `segment`: the text is one segment of a path, or refused.
    Segment,
    /// `bool`: `true` or `false`, also of a text.
    Bool,
    /// `date("yyyyMMdd")`
    Date(DatePattern),
    /// `encode("gbk")`: bytes.
    Encode(&'static Encoding),
    /// `json | encode("gbk")`: bytes, and no byte of ASCII in them comes from another character.
    EncodeJson(&'static Encoding),
    /// `default("x")`: for a value that is missing.
    Default(Value),
}

/// A filter of the language: what a reader of templates must know of it. The parser, "did you mean", the test of
/// docs/templates.md and `doorward new` read [`FILTERS`].
pub struct FilterInfo {
    /// How it is written.
    pub name: &'static str,
    /// Its arguments, for people: `output` is hex (when left out), base64 or base64url.
    pub arguments: &'static str,
    /// The function of `code_util` that does the same, if there is one.
    pub code_util: Option<&'static str>,
    make: fn(&Call<'_>) -> Result<Filter, Mistake>,
}

const fn entry(
    name: &'static str,
    arguments: &'static str,
    code_util: Option<&'static str>,
    make: fn(&Call<'_>) -> Result<Filter, Mistake>,
) -> FilterInfo {
    FilterInfo { name, arguments, code_util, make }
}

/// Every filter, in the order of docs/templates.md.
pub static FILTERS: &[FilterInfo] = &[
    entry("md5", "output", Some("md5"), digest_of),
    entry("sha1", "output", Some("sha1"), digest_of),
    entry("sha224", "output", Some("sha224"), digest_of),
    entry("sha256", "output", Some("sha256"), digest_of),
    entry("sha384", "output", Some("sha384"), digest_of),
    entry("sha512", "output", Some("sha512"), digest_of),
    entry("sm3", "output", Some("sm3"), digest_of),
    entry("md4", "output", Some("md4"), digest_of),
    entry("hmac_md5", "key, output", Some("hmac"), hmac_of),
    entry("hmac_sha1", "key, output", Some("hmac"), hmac_of),
    entry("hmac_sha224", "key, output", Some("hmac"), hmac_of),
    entry("hmac_sha256", "key, output", Some("hmac"), hmac_of),
    entry("hmac_sha384", "key, output", Some("hmac"), hmac_of),
    entry("hmac_sha512", "key, output", Some("hmac"), hmac_of),
    entry("hmac_sm3", "key, output", Some("hmac"), hmac_of),
    entry("hmac_md4", "key, output", Some("hmac"), hmac_of),
    entry("aes", CIPHER, Some("aes.encrypt"), cipher_of),
    entry("des", CIPHER, Some("des.encrypt"), cipher_of),
    entry("des3", CIPHER, Some("des3.encrypt"), cipher_of),
    entry("sm4", CIPHER, Some("sm4.encrypt"), cipher_of),
    entry("aes_decrypt", DECIPHER, Some("aes.decrypt"), cipher_of),
    entry("des_decrypt", DECIPHER, Some("des.decrypt"), cipher_of),
    entry("des3_decrypt", DECIPHER, Some("des3.decrypt"), cipher_of),
    entry("sm4_decrypt", DECIPHER, Some("sm4.decrypt"), cipher_of),
    entry(
        "rsa",
        "key=, modulus=, exponent=, numbers_as=, padding=, blocks=, output=",
        Some("rsa.encrypt"),
        public_key_of,
    ),
    entry("sm2", "key=, key_as=, layout=, prefix=, output=", Some("sm2.encrypt"), public_key_of),
    entry("base64", "", Some("base64.encode"), |call| plain(call, Filter::Write(Output::Base64))),
    entry("base64url", "", Some("base64url.encode"), |call| plain(call, Filter::Write(Output::Base64Url))),
    entry("hex", "", Some("hex.encode"), |call| plain(call, Filter::Write(Output::Hex))),
    entry("unhex", "", Some("hex.decode"), |call| plain(call, Filter::Unhex)),
    entry("encode", "charset", Some("encode"), encode_of),
    entry("urlencode", "", Some("url.encode"), |call| plain(call, Filter::UrlEncode)),
    entry("urldecode", "", Some("url.decode"), |call| plain(call, Filter::UrlDecode)),
    entry("upper", "", None, |call| plain(call, Filter::Upper)),
    entry("lower", "", None, |call| plain(call, Filter::Lower)),
    entry("trim", "", None, |call| plain(call, Filter::Trim)),
    entry("first", "n", None, first_of),
    entry("string", "", None, |call| plain(call, Filter::String)),
    entry("json", "", None, |call| plain(call, Filter::Json)),
    entry("xml", "", None, |call| plain(call, Filter::Xml)),
    // Whether it stands inside quotes is known when the value around it is compiled.
    entry("quoted", "", None, |call| plain(call, Filter::Quoted { inside: false })),
    entry("segment", "", None, |call| plain(call, Filter::Segment)),
    entry("bool", "", None, |call| plain(call, Filter::Bool)),
    entry("date", "pattern", None, date_of),
    entry("default", "value", None, default_of),
];

const CIPHER: &str = "mode=, key=, iv=, padding=, key_as=, iv_as=, output=";
const DECIPHER: &str = "mode=, key=, iv=, padding=, key_as=, iv_as=, input=";

fn plain(call: &Call<'_>, filter: Filter) -> Result<Filter, Mistake> {
    if call.list.is_empty() { Ok(filter) } else { Err(call.wrong("no argument")) }
}

fn digest_of(call: &Call<'_>) -> Result<Filter, Mistake> {
    Ok(Filter::Digest(call.algorithm("")?, call.output(0)?))
}

fn hmac_of(call: &Call<'_>) -> Result<Filter, Mistake> {
    let key = call.variable_at(0, "the key, as in hmac_sha256(secret.key)")?;
    Ok(Filter::Hmac(call.algorithm("hmac_")?, key, call.output(1)?))
}

fn cipher_of(call: &Call<'_>) -> Result<Filter, Mistake> {
    CipherFilter::read(call).map(|cipher| Filter::Cipher(Box::new(cipher)))
}

fn public_key_of(call: &Call<'_>) -> Result<Filter, Mistake> {
    PublicKeyFilter::read(call).map(|filter| Filter::PublicKey(Box::new(filter)))
}

fn encode_of(call: &Call<'_>) -> Result<Filter, Mistake> {
    let Some(label) = call.only() else { return Err(call.wrong("a charset, as in encode(\"gbk\")")) };
    let charset = charset::charset(label.text());
    charset.map(Filter::Encode).map_err(|_| call.wrong("a charset such as \"gbk\", \"gb18030\" or \"big5\""))
}

fn first_of(call: &Call<'_>) -> Result<Filter, Mistake> {
    match call.only() {
        Some(ArgumentValue::Word(count)) => {
            count.parse().map(Filter::First).map_err(|_| call.wrong("a number of characters"))
        }
        _ => Err(call.wrong("a number of characters, as in first(6)")),
    }
}

fn date_of(call: &Call<'_>) -> Result<Filter, Mistake> {
    match call.only() {
        Some(ArgumentValue::Text(pattern)) => DatePattern::parse(pattern, call.language.time_zone.clone())
            .map(Filter::Date)
            .map_err(|bad| call.wrong("letters of y M d H h m s S a E Z X").label(bad.0)),
        _ => Err(call.wrong("a pattern, as in date(\"yyyyMMddHHmmss\")")),
    }
}

fn default_of(call: &Call<'_>) -> Result<Filter, Mistake> {
    let Some(argument) = call.only() else { return Err(call.wrong("one value, as in default(\"\")")) };
    let value = literal(argument).map(Filter::Default);
    value.ok_or_else(|| call.wrong("a text in quotes, a number, true, false or null"))
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
    /// The filter that was written.
    pub(super) fn read(call: &Call<'_>) -> Result<Self, Mistake> {
        if let Some(entry) = FILTERS.iter().find(|entry| entry.name == call.name) {
            return (entry.make)(call);
        }
        let message = format!("there is no filter `{}`", call.name);
        let mistake = Mistake::new("unknown-filter", call.name_range.clone(), message);
        Err(suggest(mistake, did_you_mean(call.name, FILTERS.iter().map(|entry| entry.name))))
    }

    /// The variables that it reads beside its input.
    pub(super) fn variables(&self) -> Vec<&Variable> {
        match self {
            Self::Hmac(_, key, _) => vec![key],
            Self::Cipher(cipher) => cipher.variables().collect(),
            Self::PublicKey(filter) => filter.variables(),
            _ => Vec::new(),
        }
    }

    /// What comes out for what goes in; `None` when it cannot take that.
    pub(crate) fn kind(&self, input: Kind) -> Option<Kind> {
        match self {
            Self::Digest(..) | Self::Hmac(..) | Self::PublicKey(_) | Self::Write(_) | Self::UrlEncode => {
                Some(Kind::Text)
            }
            Self::Cipher(cipher) if cipher.takes_bytes() => Some(Kind::Text),
            _ if input == Kind::Bytes => None,
            Self::Unhex | Self::Encode(_) | Self::EncodeJson(_) => Some(Kind::Bytes),
            Self::Default(_) => Some(input),
            Self::Bool => Some(Kind::Any),
            _ => Some(Kind::Text),
        }
    }

    /// Whether what comes out has an alphabet (or quotes) of its own, so that no input can end it early.
    pub(crate) fn encodes(&self) -> bool {
        match self {
            Self::Digest(..)
            | Self::Hmac(..)
            | Self::PublicKey(_)
            | Self::Write(_)
            | Self::UrlEncode
            | Self::Json
            | Self::Quoted { .. } => true,
            // A ciphertext in hex or base64; what is decrypted is any text.
            Self::Cipher(cipher) => cipher.takes_bytes(),
            _ => false,
        }
    }

    /// Whether the output is a reversible encoding of the input: unlike with a digest, a user can choose an input whose output
    /// contains the text between two holes.
    pub(crate) fn is_reversible(&self) -> bool {
        match self {
            Self::Write(_) | Self::UrlEncode | Self::PublicKey(_) => true,
            Self::Cipher(cipher) => cipher.takes_bytes(),
            _ => false,
        }
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
            Self::Cipher(cipher) => text(cipher.apply(&input, context)?),
            Self::PublicKey(filter) => text(filter.apply(&input, context)?),
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
            Self::Segment => text(segment(input.text()?)?.to_owned()),
            Self::Bool => Datum::Value(Cow::Owned(Value::Bool(match input.text()? {
                "true" => true,
                "false" => false,
                _ => return Err(Fault::content("is neither true nor false").into()),
            }))),
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

/// A name that a console puts into a path of its own: it stays one segment, and below what stands before it.
fn segment(text: &str) -> Result<&str, Fault> {
    let splits = |c: char| matches!(c, '/' | '\\') || c.is_control();
    match text {
        "" | "." | ".." => Err(Fault::content("is empty, `.` or `..`")),
        text if text.contains(splits) => Err(Fault::content("has a slash, a backslash or a control character")),
        text => Ok(text),
    }
}

fn encoded(charset: &'static Encoding, text: &str) -> Result<Vec<u8>, Fault> {
    charset::encode(charset, text).map_err(|_| Fault::content("has a character that the charset of `encode` lacks"))
}
