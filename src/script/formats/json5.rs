//! JSON5 (spec.json5.org): JSON as people and SDKs write it, with comments, single quotes, bare keys, trailing commas.

use std::iter::Peekable;
use std::str::Chars;

use indexmap::map::Entry;

use super::FormatError;
use crate::document::{MAX_DEPTH, Number, Object, Value};

/// Reads one JSON5 text. Numbers keep their digits where JSON can write them so (hexadecimal and `.5` become decimal);
/// `Infinity` and `NaN`, which no document can hold, are errors. So are duplicate keys.
pub fn parse_json5(text: &str) -> Result<Value, FormatError> {
    let mut reader = Reader { rest: text.chars().peekable() };
    let value = reader.value(0)?;
    reader.space()?;
    match reader.rest.next() {
        None => Ok(value),
        Some(_) => Err(FormatError("more text after the JSON5 value")),
    }
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn space(&mut self) -> Result<(), FormatError> {
        while let Some(&next) = self.rest.peek() {
            if next == '/' {
                self.rest.next();
                self.comment()?;
            } else if next.is_whitespace() || next == '\u{feff}' {
                self.rest.next();
            } else {
                break;
            }
        }
        Ok(())
    }

    fn comment(&mut self) -> Result<(), FormatError> {
        match self.rest.next() {
            Some('/') => {
                while self.rest.next_if(|it| !matches!(it, '\n' | '\r' | '\u{2028}' | '\u{2029}')).is_some() {}
                Ok(())
            }
            Some('*') => {
                let mut star = false;
                for next in self.rest.by_ref() {
                    if star && next == '/' {
                        return Ok(());
                    }
                    star = next == '*';
                }
                Err(FormatError("a comment is not closed"))
            }
            _ => Err(FormatError("not JSON5: a / stands alone")),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, FormatError> {
        if depth >= MAX_DEPTH {
            return Err(FormatError("nested too deeply"));
        }
        self.space()?;
        match self.rest.peek().copied().ok_or(FormatError("the JSON5 text ends early"))? {
            '{' => self.object(depth),
            '[' => self.array(depth),
            '"' | '\'' => self.string().map(Value::Text),
            '+' | '-' | '.' | '0'..='9' => self.number(),
            _ => match self.name()?.as_str() {
                "null" => Ok(Value::Null),
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                "Infinity" | "NaN" => Err(FormatError("Infinity and NaN are no values")),
                _ => Err(FormatError("not JSON5: a text without quotes")),
            },
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, FormatError> {
        self.rest.next();
        let mut object = Object::new();
        loop {
            self.space()?;
            let key = match self.rest.peek() {
                Some('}') => {
                    self.rest.next();
                    return Ok(Value::Object(object));
                }
                Some('"' | '\'') => self.string()?,
                _ => self.name()?,
            };
            self.space()?;
            if self.rest.next() != Some(':') {
                return Err(FormatError("not JSON5: a key without a colon"));
            }
            let value = self.value(depth + 1)?;
            match object.entry(key) {
                Entry::Occupied(_) => return Err(FormatError("a key occurs twice")),
                Entry::Vacant(place) => place.insert(value),
            };
            self.comma('}')?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, FormatError> {
        self.rest.next();
        let mut items = Vec::new();
        loop {
            self.space()?;
            if self.rest.next_if_eq(&']').is_some() {
                return Ok(Value::Array(items));
            }
            items.push(self.value(depth + 1)?);
            self.comma(']')?;
        }
    }

    /// After an item: a comma, or the end, which is left where it is.
    fn comma(&mut self, end: char) -> Result<(), FormatError> {
        self.space()?;
        match self.rest.peek() {
            Some(',') => {
                self.rest.next();
                Ok(())
            }
            Some(next) if *next == end => Ok(()),
            _ => Err(FormatError("not JSON5: a comma is missing")),
        }
    }

    fn name(&mut self) -> Result<String, FormatError> {
        let mut name = String::new();
        while let Some(next) = self.rest.next_if(|it| it.is_alphanumeric() || matches!(it, '_' | '$')) {
            name.push(next);
        }
        if name.is_empty() || name.starts_with(|it: char| it.is_ascii_digit()) {
            return Err(FormatError("not JSON5"));
        }
        Ok(name)
    }

    fn string(&mut self) -> Result<String, FormatError> {
        let quote = self.rest.next();
        let mut text = String::new();
        loop {
            match self.rest.next().ok_or(FormatError("a string is not closed"))? {
                next if Some(next) == quote => return Ok(text),
                '\\' => self.escape(&mut text)?,
                '\n' | '\r' => return Err(FormatError("a string is not closed")),
                next => text.push(next),
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Result<(), FormatError> {
        let next = self.rest.next().ok_or(FormatError("a string is not closed"))?;
        text.push(match next {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '0' => '\0',
            'x' => self.unit(2).and_then(char::from_u32).ok_or(FormatError("a broken \\x escape"))?,
            'u' => self.unicode().ok_or(FormatError("a broken \\u escape"))?,
            '\r' => {
                self.rest.next_if_eq(&'\n');
                return Ok(());
            }
            '\n' | '\u{2028}' | '\u{2029}' => return Ok(()),
            '1'..='9' => return Err(FormatError("a digit after a backslash")),
            other => other,
        });
        Ok(())
    }

    fn unicode(&mut self) -> Option<char> {
        let first = self.unit(4)?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        self.rest.next_if_eq(&'\\')?;
        self.rest.next_if_eq(&'u')?;
        let second = self.unit(4)?;
        let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + low)
    }

    fn unit(&mut self, digits: u32) -> Option<u32> {
        (0..digits).try_fold(0, |value, _| Some(value * 16 + self.rest.next()?.to_digit(16)?))
    }

    fn number(&mut self) -> Result<Value, FormatError> {
        let mut written = String::new();
        while let Some(next) = self.rest.next_if(|it| it.is_ascii_alphanumeric() || matches!(it, '+' | '-' | '.')) {
            written.push(next);
        }
        let (sign, digits) = match written.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", written.strip_prefix('+').unwrap_or(&written)),
        };
        let plain = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            Some(hex) => u128::from_str_radix(hex, 16).map_err(|_| FormatError("not a number"))?.to_string(),
            None => decimal(digits),
        };
        let number = Number::parse(&format!("{sign}{plain}")).ok_or(FormatError("not a number"))?;
        Ok(Value::Number(number))
    }
}

/// `.5` and `5.` as JSON writes them.
fn decimal(digits: &str) -> String {
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => digits.split_at(at),
        None => (digits, ""),
    };
    let whole = if mantissa.starts_with('.') { "0" } else { "" };
    format!("{whole}{}{exponent}", mantissa.strip_suffix('.').unwrap_or(mantissa))
}

#[cfg(test)]
mod tests {
    use super::parse_json5;
    use crate::document::to_json;

    fn shown(text: &str) -> String {
        parse_json5(text).map_or_else(|error| error.to_string(), |value| to_json(&value))
    }

    #[test]
    fn the_spellings_that_json_lacks() {
        for (text, expected) in [
            ("{a:1,'b':\"x\",/*c*/$d:[1,2,],}// end", r#"{"a":1,"b":"x","$d":[1,2]}"#),
            ("{n:.5,m:5.,h:0xFF,p:+1,e:1.50}", r#"{"n":0.5,"m":5,"h":255,"p":1,"e":1.50}"#),
            ("1234567890123456789", "1234567890123456789"),
            (r"'\x41\u4e2d\uD83D\uDE00\'\0'", "\"A中😀'\\u0000\""),
            ("'a\\\nb'", "\"ab\""),
            ("null", "null"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_refused() {
        for text in
            ["", "{", "{a:1,a:2}", "{a}", "[1 2]", "'a", "NaN", "-Infinity", "0x", "1 2", "/*", r"'\u12'", r"'\uD800'"]
        {
            assert!(parse_json5(text).is_err(), "{text}");
        }
        assert_eq!(shown(&"[".repeat(10_000)), "nested too deeply");
    }
}
