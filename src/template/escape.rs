//! The encoders of the syntaxes that a hole can stand in: JSON strings, XML text and attributes. (URLs and forms: `crate::percent`.)
//!
//! Each appends to a buffer and has an inverse in the upstream: a JSON parser, an XML parser.

use std::borrow::Cow;

use crate::document::Value;

use super::fault::Fault;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// The inside of a JSON string (RFC 8259 section 7), as UTF-8.
pub(crate) fn json_string(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            // U+007F is legal, but older parsers choke on it; escaped it reads the same.
            0..=0x1f | 0x7f => {
                out.extend_from_slice(&bytes[from..at]);
                out.extend_from_slice(&[
                    b'\\',
                    b'u',
                    b'0',
                    b'0',
                    HEX[usize::from(byte >> 4)],
                    HEX[usize::from(byte & 15)],
                ]);
                from = at + 1;
                continue;
            }
            _ => continue,
        };
        out.extend_from_slice(&bytes[from..at]);
        out.extend_from_slice(escape);
        from = at + 1;
    }
    out.extend_from_slice(&bytes[from..]);
}

/// A whole JSON value, compact, numbers with the digits they came with. Recursion is bounded by `document::MAX_DEPTH`.
pub(crate) fn json_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
        Value::Number(number) => out.extend_from_slice(number.as_str().as_bytes()),
        Value::Text(text) => quoted(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                json_value(item, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            out.push(b'{');
            for (index, (name, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                quoted(name, out);
                out.push(b':');
                json_value(member, out);
            }
            out.push(b'}');
        }
    }
}

/// A JSON string with its quotes.
pub(crate) fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    json_string(text, out);
    out.push(b'"');
}

/// A quoted-string of HTTP (RFC 9110 section 5.6.4), or only its inside where the text around has the quotes. Control
/// characters are none of it; the tab that it allows no header of ours carries.
pub(crate) fn quoted_string(text: &str, inside: bool) -> Result<String, Fault> {
    if text.chars().any(char::is_control) {
        return Err(Fault::content("has a control character, which a quoted-string cannot carry"));
    }
    let quote = if inside { "" } else { "\"" };
    let mut out = String::with_capacity(text.len() + 8);
    out.push_str(quote);
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push_str(quote);
    Ok(out)
}

/// Text of an XML 1.0 element or attribute value. One encoder for both: TAB, LF and CR go as references, because
/// parsers turn them into spaces in attributes (XML 1.0 section 3.3.3) and CR into LF everywhere (section 2.11).
pub(crate) fn xml(text: &str) -> Result<Cow<'_, str>, Fault> {
    if text.chars().any(|c| matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')) {
        return Err(Fault::content("has a control character, which XML 1.0 cannot carry"));
    }
    let special = |c: char| matches!(c, '<' | '>' | '&' | '"' | '\'' | '\t' | '\n' | '\r');
    if !text.contains(special) {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            _ => out.push(c),
        }
    }
    Ok(Cow::Owned(out))
}
