//! JSON text to values of the engine.
//!
//! Our own reader, because the engine's would round a 19-digit id: here a number that a JavaScript number cannot hold
//! digit for digit becomes a string. `__proto__` is a key like any other.

use boa_engine::object::JsObject;
use boa_engine::object::builtins::JsArray;
use boa_engine::property::{PropertyDescriptor, PropertyKey};
use boa_engine::{Context, JsString, JsValue};

use super::element;

/// Deeper text is refused before it can exhaust the stack. Documents are capped far below this by the decoder.
const MAX_DEPTH: u32 = 256;

/// The integers that every JavaScript number operation keeps exact: up to 2^53 - 1.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// Digits that survive a round trip through a 64-bit float.
const FLOAT_DIGITS: usize = 15;

/// The text was not JSON. It comes from the daemon, so this is a bug of the daemon; no details are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotJson;

/// How to read a number that a JavaScript number cannot hold digit for digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// As a string: for parameters.
    Kept,
    /// Rounded, as `JSON.parse` of any engine does.
    Rounded,
}

/// The value of a JSON text.
pub(super) fn read(text: &str, numbers: Numbers, context: &mut Context) -> Result<JsValue, NotJson> {
    // Almost no input has XML elements, and then no name need be checked.
    let elements = numbers == Numbers::Kept && text.contains("\"#text\"");
    let mut reader = Reader { text, at: 0, numbers, elements, context };
    let value = reader.value(0)?;
    reader.space();
    if reader.at == text.len() { Ok(value) } else { Err(NotJson) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    numbers: Numbers,
    /// Whether the text may contain XML elements.
    elements: bool,
    context: &'a mut Context,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str, value: JsValue) -> Result<JsValue, NotJson> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(NotJson)
        }
    }

    fn value(&mut self, depth: u32) -> Result<JsValue, NotJson> {
        self.space();
        match self.peek().ok_or(NotJson)? {
            _ if depth > MAX_DEPTH => Err(NotJson),
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(JsValue::from),
            b't' => self.word("true", JsValue::from(true)),
            b'f' => self.word("false", JsValue::from(false)),
            b'n' => self.word("null", JsValue::null()),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: u32) -> Result<JsValue, NotJson> {
        self.at += 1;
        let object = JsObject::with_object_proto(self.context.intrinsics());
        if self.eat(b'}') {
            return Ok(object.into());
        }
        let (mut only_members, mut has_text) = (self.elements, false);
        loop {
            self.space();
            let name = self.string()?;
            if only_members {
                let name = name.to_std_string_lossy();
                (only_members, has_text) = (element::is_member(&name), has_text || name == "#text");
            }
            let key = PropertyKey::from(name);
            if !self.eat(b':') {
                return Err(NotJson);
            }
            let value = self.value(depth + 1)?;
            let property =
                PropertyDescriptor::builder().value(value).writable(true).enumerable(true).configurable(true);
            object.insert_property(key, property);
            if self.eat(b'}') {
                if only_members && has_text {
                    element::adopt(&object, self.context);
                }
                return Ok(object.into());
            }
            if !self.eat(b',') {
                return Err(NotJson);
            }
        }
    }

    fn array(&mut self, depth: u32) -> Result<JsValue, NotJson> {
        self.at += 1;
        let mut items = Vec::new();
        if !self.eat(b']') {
            loop {
                items.push(self.value(depth + 1)?);
                if self.eat(b']') {
                    break;
                }
                if !self.eat(b',') {
                    return Err(NotJson);
                }
            }
        }
        Ok(JsArray::from_iter(items, self.context).into())
    }

    fn string(&mut self) -> Result<JsString, NotJson> {
        let bytes = self.text.as_bytes();
        if self.peek() != Some(b'"') {
            return Err(NotJson);
        }
        let start = self.at + 1;
        let mut end = start;
        while !matches!(bytes.get(end).ok_or(NotJson)?, b'"' | b'\\' | ..b' ') {
            end += 1;
        }
        if bytes[end] == b'"' {
            self.at = end + 1;
            return Ok(JsString::from(&self.text[start..end]));
        }
        while bytes.get(end).ok_or(NotJson)? != &b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        self.at = end + 1;
        let text: String = serde_json::from_str(self.text.get(start - 1..=end).ok_or(NotJson)?).map_err(|_| NotJson)?;
        Ok(JsString::from(text.as_str()))
    }

    fn number(&mut self) -> Result<JsValue, NotJson> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        if !is_number(text) {
            return Err(NotJson);
        }
        match self.numbers {
            Numbers::Kept => number(text).ok_or(NotJson),
            Numbers::Rounded => text.parse::<f64>().map(JsValue::from).map_err(|_| NotJson),
        }
    }
}

/// Whether a text is one number of RFC 8259 section 6.
fn is_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(a, b)| (a, Some(b)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(a, b)| (a, Some(b)));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|it| digits(it.strip_prefix(['+', '-']).unwrap_or(it)))
}

/// The number of a JSON literal, or the literal as a string when a JavaScript number would change its digits.
pub(super) fn number(text: &str) -> Option<JsValue> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        if let Ok(small) = text.parse::<i32>()
            && text != "-0"
        {
            return Some(JsValue::from(small));
        }
        return match digits.parse::<u64>() {
            Ok(whole) if whole <= MAX_SAFE => text.parse::<f64>().ok().map(JsValue::from),
            _ => Some(JsValue::from(JsString::from(text))),
        };
    }
    let value: f64 = text.parse().ok()?;
    let mantissa = digits.split(['e', 'E']).next().unwrap_or(digits);
    let significant = mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
    let kept = value.is_finite() && (significant <= FLOAT_DIGITS || same_digits(text, value));
    Some(if kept { JsValue::from(value) } else { JsValue::from(JsString::from(text)) })
}

/// Whether a float prints with the same digits as written (`0.30000000000000004` does, 20 digits do not).
fn same_digits(text: &str, value: f64) -> bool {
    format!("{value}") == text || format!("{value:e}").eq_ignore_ascii_case(text)
}

#[cfg(test)]
#[path = "json_in/tests.rs"]
mod tests;
