//! The places in which a value can stand, each with its encoder and with what it cannot carry.
//!
//! The place decides the encoding, so that what the upstream reads is what the user typed. What a place cannot
//! carry is refused here and never altered.

use crate::percent;

use super::charset::Charset;
use super::datum::Datum;
use super::escape;
use super::fault::Fault;
use super::filter::Kind;

/// No common server reads a longer header (nginx 8 KiB, Tomcat 8 KiB, IIS 16 KiB).
const MAX_HEADER: usize = 16 << 10;

/// Where a template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One segment of a URL's path, UTF-8 (RFC 3986 section 3.3).
    PathSegment,
    /// A value in a URL's query, in the request's charset.
    QueryValue,
    /// A header's value: visible ASCII, inner spaces (RFC 9110 section 5.5); bytes of `encode` may be above ASCII.
    Header,
    /// A cookie's value: cookie-octets (RFC 6265 section 4.1.1).
    CookieValue,
    /// Inside the quotes of a JSON string.
    JsonString,
    /// A whole JSON value: numbers stay numbers.
    JsonValue,
    /// Text of an XML element.
    XmlText,
    /// An XML attribute's value.
    XmlAttribute,
    /// A value of an `application/x-www-form-urlencoded` body.
    FormValue,
    /// A value that `form_from` sets, before the form's own encoding.
    FormFrom,
    /// The content of a multipart part, UTF-8.
    MultipartText,
    /// A body without a syntax of its own. The characters beside a hole are for `request::text` to refuse.
    Text,
    /// The user name of HTTP Basic (RFC 7617 section 2): no colon, no control characters.
    BasicUser,
    /// The password of HTTP Basic: no control characters.
    BasicPassword,
    /// A part of an AWS credential scope: visible ASCII without `/` and `,`, which end it.
    ScopeWord,
    /// What a scheme of `auth` signs or writes: it may read the request, and the scheme knows the syntax around it.
    Signed,
    /// No syntax around it: a message, a value to compare with, a key, a parameter that other code encodes.
    Plain,
}

impl Place {
    /// How messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PathSegment => "a path segment",
            Self::QueryValue => "a query value",
            Self::Header => "a header",
            Self::CookieValue => "a cookie",
            Self::JsonString => "a JSON string",
            Self::JsonValue => "a JSON value",
            Self::XmlText => "XML text",
            Self::XmlAttribute => "an XML attribute",
            Self::FormValue | Self::FormFrom => "a form value",
            Self::MultipartText => "a multipart part",
            Self::Text => "a text body",
            Self::BasicUser => "a Basic user name",
            Self::BasicPassword => "a Basic password",
            Self::ScopeWord => "an access key, a region or a service",
            Self::Signed | Self::Plain => "a text",
        }
    }

    /// Whether null can stand here, so that an optional value needs no `default`.
    pub fn takes_null(self) -> bool {
        self == Self::JsonValue
    }

    /// Whether the upstream may split what stands here, so that text around a hole is a syntax that it must keep.
    pub(crate) fn is_split(self) -> bool {
        !matches!(self, Self::Plain | Self::Signed | Self::JsonValue)
    }

    /// Whether it may split bytes of the request's charset; elsewhere it has characters, or UTF-8 which splits like them.
    pub(crate) fn is_split_in_bytes(self) -> bool {
        use Place::{BasicPassword, BasicUser, FormFrom, FormValue, QueryValue, Text};
        matches!(self, Text | QueryValue | FormValue | FormFrom | BasicUser | BasicPassword)
    }

    /// Whether a hole of that kind can stand here.
    pub(crate) fn takes(self, kind: Kind) -> bool {
        let characters_only = matches!(self, Self::JsonString | Self::JsonValue | Self::XmlText | Self::XmlAttribute);
        !(characters_only && kind == Kind::Bytes)
    }

    /// Appends one value in this place's encoding. After a fault `out` may hold a part of it.
    pub(crate) fn write(self, datum: &Datum<'_>, charset: Charset, out: &mut Vec<u8>) -> Result<(), Fault> {
        match self {
            Self::PathSegment => percent::encode_into(free_of_controls(datum.bytes()?)?, out),
            Self::QueryValue | Self::FormValue => match datum {
                Datum::Bytes(bytes) => percent::encode_into(bytes, out),
                text if charset.is_utf8() => percent::encode_into(text.bytes()?, out),
                text => percent::encode_into(&charset.encode(text.text()?).ok_or(lacks())?, out),
            },
            Self::Header => {
                let visible = |byte| matches!(byte, b' '..=b'~');
                octets(datum, out, "has a character other than visible ASCII", visible)?;
            }
            Self::ScopeWord => {
                let part = |byte| matches!(byte, b'!'..=b'~') && !matches!(byte, b'/' | b',');
                octets(datum, out, "has a character that cannot stand there", part)?;
            }
            Self::CookieValue => {
                let octet = |byte| matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
                octets(datum, out, "has a character that a cookie cannot carry", octet)?;
            }
            Self::JsonString => {
                let text = datum.text()?;
                escaped(charset, out, |out| escape::json_string(text, out))?;
            }
            Self::JsonValue => match datum {
                Datum::Value(value) => escaped(charset, out, |out| escape::json_value(value, out))?,
                other => {
                    let text = other.text()?;
                    escaped(charset, out, |out| escape::quoted(text, out))?;
                }
            },
            Self::XmlText | Self::XmlAttribute => plain(charset, &escape::xml(datum.text()?)?, out)?,
            Self::MultipartText => out.extend_from_slice(datum.bytes()?),
            Self::Text | Self::FormFrom | Self::Signed | Self::Plain => match datum {
                Datum::Bytes(bytes) => out.extend_from_slice(bytes),
                other => plain(charset, other.text()?, out)?,
            },
            Self::BasicUser | Self::BasicPassword => {
                let text = datum.text()?;
                free_of_controls(text.as_bytes())?;
                if self == Self::BasicUser && text.contains(':') {
                    return Err(Fault::content("has a colon"));
                }
                plain(charset, text, out)?;
            }
        }
        Ok(())
    }

    /// Judges what literals and values made together.
    pub(crate) fn check_whole(self, rendered: &[u8]) -> Result<(), Fault> {
        match self {
            Self::Header if rendered.first() == Some(&b' ') || rendered.last() == Some(&b' ') => {
                Err(Fault::content("begins or ends with a space"))
            }
            Self::Header | Self::CookieValue if rendered.len() > MAX_HEADER => {
                Err(Fault::content("is too long: servers read 8 to 16 KiB"))
            }
            Self::PathSegment if is_hostile_segment(rendered) => {
                Err(Fault::content("is empty or reads as `.` or `..`"))
            }
            _ => Ok(()),
        }
    }
}

fn lacks() -> Fault {
    Fault::content("has a character that the request's charset lacks")
}

fn plain(charset: Charset, text: &str, out: &mut Vec<u8>) -> Result<(), Fault> {
    if charset.write(text, out) { Ok(()) } else { Err(lacks()) }
}

fn free_of_controls(bytes: &[u8]) -> Result<&[u8], Fault> {
    if bytes.iter().any(u8::is_ascii_control) { Err(Fault::content("has a control character")) } else { Ok(bytes) }
}

/// Lets `write` append JSON in UTF-8, then brings it into the charset.
fn escaped(charset: Charset, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), Fault> {
    if charset.is_utf8() {
        write(out);
        return Ok(());
    }
    let mut utf8 = zeroize::Zeroizing::new(Vec::new());
    write(&mut utf8);
    let text = str::from_utf8(&utf8).map_err(|_| lacks())?;
    plain(charset, &charset.json_safe(text), out)
}

/// Bytes that the syntax allows. Above ASCII only what `encode` or `unhex` made: there the author chose the charset.
fn octets(datum: &Datum<'_>, out: &mut Vec<u8>, why: &'static str, allowed: impl Fn(u8) -> bool) -> Result<(), Fault> {
    let from_filter = matches!(datum, Datum::Bytes(_));
    let bytes = datum.bytes()?;
    if !bytes.iter().all(|&byte| allowed(byte) || (from_filter && byte >= 0x80)) {
        return Err(Fault::content(why));
    }
    out.extend_from_slice(bytes);
    Ok(())
}

/// Whether a percent-encoded segment is, to some server, empty, `.` or `..`.
///
/// Servers decode once, some of them twice, take `\` for `/`, cut path parameters (`..;x`), read overlong UTF-8
/// (`%c0%ae`) or IIS's `%u002e`. All of these spellings are refused, also between two slashes of one value.
pub(crate) fn is_hostile_segment(rendered: &[u8]) -> bool {
    // No known server decodes more often than this; a value that is still encoded then was made to deceive.
    const DECODINGS: usize = 4;
    if rendered.is_empty() {
        return true;
    }
    let mut spelled = rendered.to_vec();
    for _ in 0..DECODINGS {
        let decoded = decode_leniently(&spelled);
        if has_dot_piece(&decoded) {
            return true;
        }
        if decoded == spelled {
            return false;
        }
        spelled = decoded;
    }
    decode_leniently(&spelled) != spelled
}

fn has_dot_piece(path: &[u8]) -> bool {
    let mut pieces = path.split(|byte| matches!(byte, b'/' | b'\\'));
    let dots = |piece: &[u8]| matches!(piece.split(|byte| *byte == b';').next(), Some(b"." | b".."));
    pieces.clone().any(dots) || pieces.all(<[u8]>::is_empty)
}

/// Decodes what can be decoded and leaves the rest, as lenient servers do.
fn decode_leniently(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        let (decoded, used) = match rest {
            [b'%', b'u' | b'U', b'0', b'0', high, low, ..] => (pair(*high, *low), 6),
            [b'%', high, low, ..] => (pair(*high, *low), 3),
            // Overlong spellings of `.`, `/` and `\`, which a strict UTF-8 decoder refuses and an old one reads.
            [0xc0, 0xae, ..] => (Some(b'.'), 2),
            [0xc0, 0xaf, ..] => (Some(b'/'), 2),
            [0xc1, 0x9c, ..] => (Some(b'\\'), 2),
            _ => (None, 1),
        };
        out.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() { &rest[used..] } else { after };
    }
    out
}

fn pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_segments_in_every_spelling() {
        for bad in [
            "",
            ".",
            "..",
            "%2e",
            "%2E%2e",
            ".%2e",
            "%252e%252e",
            "%25252e.",
            "..;",
            "..;a=b",
            "%2e%2e%3b",
            "a%2f..",
            "..%5cb",
            "%5c..",
            "%2f",
            "%2f%5C",
            "%c0%ae%c0%ae",
            "%25c0%25ae.",
            "%25u002e%25u002e",
            "a%252f%252e%252e",
            "%25252525252e",
        ] {
            assert!(is_hostile_segment(bad.as_bytes()), "{bad}");
        }
        for good in ["a", "...", "a.b", ".evil.com", "a%2Fb", "%2525", "100%25", "%25", "%25zz", "a%3B..", "%E4%B8%AD"]
        {
            assert!(!is_hostile_segment(good.as_bytes()), "{good}");
        }
    }
}
