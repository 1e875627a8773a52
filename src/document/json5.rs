//! JSON5 (json5.org, version 1.0.0) as people and SDKs type it into a password, every scalar as it was written.
//!
//! Written by hand, because the JSON5 crates change `00123456` and 20-digit numbers, which here may be a user's
//! password. Duplicate names and nested values are reported in order; the caller decides about them.

use indexmap::map::Entry;

use super::{MAX_DEPTH, MembersError, Number, Object, Value};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json5 {
    /// The content of a string.
    Text(String),
    /// A number, `true`, `false`, `null`, `NaN`, `Infinity`: its text.
    Bare(String),
    Array(Vec<Json5>),
    /// Names and values in order, repeats included.
    Object(Vec<(String, Json5)>),
}

/// Reads one value that fills `text`. Numbers may have leading zeros; otherwise it is standard JSON5.
pub fn from_json5(text: &str) -> Result<Json5, MembersError> {
    let mut reader = Reader { rest: text };
    reader.blanks()?;
    let value = reader.value(0)?;
    reader.blanks()?;
    if reader.rest.is_empty() { Ok(value) } else { malformed("something after the end") }
}

impl Json5 {
    /// The value that JavaScript would read, with all digits of its numbers. A duplicate name is an error, and so is a
    /// number that no document can hold: `NaN`, `Infinity`, leading zeros.
    pub fn into_value(self) -> Result<Value, MembersError> {
        match self {
            Self::Text(text) => Ok(Value::Text(text)),
            Self::Bare(word) => bare_value(&word),
            Self::Array(items) => items.into_iter().map(Self::into_value).collect::<Result<_, _>>().map(Value::Array),
            Self::Object(members) => {
                let mut object = Object::with_capacity(members.len());
                for (name, value) in members {
                    match object.entry(name) {
                        Entry::Occupied(_) => return Err(MembersError::Repeated),
                        Entry::Vacant(place) => place.insert(value.into_value()?),
                    };
                }
                Ok(Value::Object(object))
            }
        }
    }
}

fn bare_value(word: &str) -> Result<Value, MembersError> {
    let (sign, digits) = match word.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", word.strip_prefix('+').unwrap_or(word)),
    };
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let plain = match (word, hex) {
        ("null", _) => return Ok(Value::Null),
        ("true" | "false", _) => return Ok(Value::Bool(word == "true")),
        (_, Some(hex)) => u128::from_str_radix(hex, 16).ok().map(|number| number.to_string()),
        (_, None) => Some(as_json(digits)),
    };
    let number = plain.and_then(|plain| Number::parse(&format!("{sign}{plain}")));
    number.map(Value::Number).ok_or(MembersError::Malformed("a number that no document can hold"))
}

/// `.5` and `5.` as JSON writes them.
fn as_json(digits: &str) -> String {
    let (mantissa, exponent) = digits.find(['e', 'E']).map_or((digits, ""), |at| digits.split_at(at));
    let whole = if mantissa.starts_with('.') { "0" } else { "" };
    format!("{whole}{}{exponent}", mantissa.strip_suffix('.').unwrap_or(mantissa))
}

fn malformed<T>(cause: &'static str) -> Result<T, MembersError> {
    Err(MembersError::Malformed(cause))
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn eat(&mut self, wanted: &str) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// White space and comments.
    fn blanks(&mut self) -> Result<(), MembersError> {
        loop {
            self.take_while(|c| c.is_whitespace() || c == '\u{feff}');
            if self.eat("//") {
                self.take_while(|c| !is_line_end(c));
            } else if self.eat("/*") {
                match self.rest.split_once("*/") {
                    Some((_, rest)) => self.rest = rest,
                    None => return malformed("a comment that is not closed"),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json5, MembersError> {
        if depth > MAX_DEPTH {
            return malformed("nested too deep");
        }
        match self.peek() {
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some('"' | '\'') => self.string().map(Json5::Text),
            _ => self.bare(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json5, MembersError> {
        self.next();
        let mut members = Vec::new();
        loop {
            self.blanks()?;
            if self.eat("}") {
                return Ok(Json5::Object(members));
            }
            let name = match self.peek() {
                Some('"' | '\'') => self.string()?,
                _ => self.identifier()?,
            };
            self.blanks()?;
            if !self.eat(":") {
                return malformed("a name without `:`");
            }
            self.blanks()?;
            members.push((name, self.value(depth + 1)?));
            self.blanks()?;
            if !self.eat(",") && self.peek() != Some('}') {
                return malformed("members without `,` between them");
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json5, MembersError> {
        self.next();
        let mut items = Vec::new();
        loop {
            self.blanks()?;
            if self.eat("]") {
                return Ok(Json5::Array(items));
            }
            items.push(self.value(depth + 1)?);
            self.blanks()?;
            if !self.eat(",") && self.peek() != Some(']') {
                return malformed("items without `,` between them");
            }
        }
    }

    /// ECMAScript 5.1 IdentifierName, without escapes.
    fn identifier(&mut self) -> Result<String, MembersError> {
        let name = self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '\u{200c}' | '\u{200d}'));
        if name.is_empty() || name.starts_with(|c: char| c.is_numeric()) {
            return malformed("a name that needs quotes");
        }
        Ok(name.to_owned())
    }

    fn bare(&mut self) -> Result<Json5, MembersError> {
        let token = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        if matches!(token, "true" | "false" | "null") || is_number(token) {
            return Ok(Json5::Bare(token.to_owned()));
        }
        malformed("a value that needs quotes")
    }

    fn string(&mut self) -> Result<String, MembersError> {
        let quote = self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None | Some('\n' | '\r') => return malformed("a string that is not closed"),
                c if c == quote => return Ok(text),
                Some('\\') => self.escape(&mut text)?,
                Some(c) => text.push(c),
            }
        }
    }

    /// ECMAScript 5.1 section 7.8.4; digits other than `\0` are no escapes there either.
    fn escape(&mut self, text: &mut String) -> Result<(), MembersError> {
        let c = match self.next() {
            None => return malformed("a string that is not closed"),
            Some('\r') => {
                self.eat("\n");
                return Ok(());
            }
            Some(c) if is_line_end(c) => return Ok(()),
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\u{b}',
            Some('0') if !self.peek().is_some_and(|c| c.is_ascii_digit()) => '\0',
            Some('0'..='9') => return malformed("an escape that JSON5 does not have"),
            Some('x') => self.hex(2).and_then(char::from_u32).ok_or(BAD_HEX)?,
            Some('u') => self.unicode()?,
            Some(c) => c,
        };
        text.push(c);
        Ok(())
    }

    fn unicode(&mut self) -> Result<char, MembersError> {
        let high = self.hex(4).ok_or(BAD_HEX)?;
        let code = match high {
            0xD800..=0xDBFF if self.eat("\\u") => match self.hex(4) {
                Some(low @ 0xDC00..=0xDFFF) => 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00),
                _ => return Err(BAD_HEX),
            },
            code => code,
        };
        char::from_u32(code).ok_or(BAD_HEX)
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        (0..digits).try_fold(0, |code, _| Some(code * 16 + self.next()?.to_digit(16)?))
    }
}

const BAD_HEX: MembersError = MembersError::Malformed("an escape without its hex digits");

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// JSON5 numbers, and whole numbers with leading zeros.
fn is_number(token: &str) -> bool {
    let unsigned = token.strip_prefix(['+', '-']).unwrap_or(token);
    if matches!(unsigned, "NaN" | "Infinity") {
        return true;
    }
    if let Some(hex) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        return !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit());
    }
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
    digits(whole)
        && digits(fraction)
        && whole.len() + fraction.len() > 0
        && exponent.is_none_or(|e| !e.is_empty() && digits(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_kept_as_written() {
        for token in [
            "1",
            "00123456",
            "12345678901234567890",
            "-0",
            "+1.5e-3",
            ".5",
            "5.",
            "0xdecaf",
            "NaN",
            "-Infinity",
            "true",
            "null",
        ] {
            assert_eq!(from_json5(token), Ok(Json5::Bare(token.to_owned())), "{token}");
        }
        for (written, meant) in [
            (r#""a\u4e2d\x41\n""#, "a中A\n"),
            (r"'it\'s'", "it's"),
            ("'a\\\r\nb\\\nc'", "abc"),
            (r"'\0\v\q\/'", "\0\u{b}q/"),
            (r#""\ud834\udd1e""#, "𝄞"),
        ] {
            assert_eq!(from_json5(written), Ok(Json5::Text(meant.to_owned())), "{written}");
        }
    }

    #[test]
    fn objects_in_order_with_comments_and_trailing_commas() {
        let text = "\u{feff}{ // names\n client_id: 1, 'p w': \"x\", /* list */ l: [1, 'a',], $_é9: {}, }";
        let bare = |text: &str| Json5::Bare(text.to_owned());
        let wanted = vec![
            ("client_id".to_owned(), bare("1")),
            ("p w".to_owned(), Json5::Text("x".to_owned())),
            ("l".to_owned(), Json5::Array(vec![bare("1"), Json5::Text("a".to_owned())])),
            ("$_é9".to_owned(), Json5::Object(vec![])),
        ];
        assert_eq!(from_json5(text), Ok(Json5::Object(wanted)));
    }

    #[test]
    fn as_a_document() {
        let shown = |text: &str| {
            let value = from_json5(text).and_then(Json5::into_value);
            value.map_or_else(|error| error.to_string(), |value| crate::document::to_json(&value))
        };
        for (text, expected) in [
            ("{a:1,'b':\"x\",/*c*/$d:[1,2,],}// end", r#"{"a":1,"b":"x","$d":[1,2]}"#),
            (
                "{n:.5,m:5.,h:0xFF,p:+1,e:1.50,t:true,z:null}",
                r#"{"n":0.5,"m":5,"h":255,"p":1,"e":1.50,"t":true,"z":null}"#,
            ),
            ("-12345678901234567890", "-12345678901234567890"),
            ("{a:1,a:2}", "a name that occurs twice"),
            ("[00123]", "a number that no document can hold"),
            ("-Infinity", "a number that no document can hold"),
            ("NaN", "a number that no document can hold"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_json5_is_refused() {
        for text in [
            "",
            "{",
            "}",
            "{a}",
            "{a:}",
            "{a:1",
            "{a:1 b:2}",
            "{,}",
            "[,]",
            "{1a:1}",
            "{a:b}",
            "{a:1}}",
            "'",
            "'\n'",
            "1e",
            "+",
            ".",
            "0x",
            "--1",
            r"'\1'",
            r"'\x4'",
            r"'\ud800'",
            "/*",
            "{a:1} x",
            "'\\",
        ] {
            assert!(from_json5(text).is_err(), "{text}");
        }
        assert!(from_json5(&"[".repeat(100_000)).is_err());
    }
}
