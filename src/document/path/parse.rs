//! Parses the text of a path.
//!
//! Written by hand: docs/ARCHITECTURE.md says which promises a library would break.

mod filter;

use super::{Segment, Step};

/// Longest path in bytes: people type paths, and a document is at most 64 levels deep.
const MAX_LENGTH: usize = 1024;

/// RFC 9535 section 2.1: integers are those that every JSON implementation can carry (I-JSON).
const MAX_INDEX: i64 = (1 << 53) - 1;

/// Why a text is not a path, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause} (at byte {offset} of the path)")]
pub struct PathError {
    /// Byte offset in the text of the path.
    pub offset: usize,
    /// What is wrong and what to do.
    pub cause: String,
}

/// Reads all of `text`.
pub(super) fn segments(text: &str) -> Result<Vec<Segment>, PathError> {
    let mut cursor = Cursor { text, at: 0, notation: Notation::Bare };
    if text.len() > MAX_LENGTH {
        return cursor.fail(&format!("longer than {MAX_LENGTH} bytes"));
    }
    match cursor.peek() {
        None => cursor.fail("an empty path names nothing; for the whole document write `$`"),
        Some('$') => cursor.query(),
        Some(_) => cursor.bare(),
    }
}

struct Cursor<'t> {
    text: &'t str,
    at: usize,
    notation: Notation,
}

/// Which notation is read; it decides what brackets may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notation {
    Bare,
    /// `$…`
    Query,
    /// `@…` in a filter.
    Filter,
}

fn fail_at<T>(offset: usize, cause: &str) -> Result<T, PathError> {
    Err(PathError { offset, cause: cause.to_owned() })
}

impl Cursor<'_> {
    fn fail<T>(&self, cause: &str) -> Result<T, PathError> {
        fail_at(self.at, cause)
    }

    /// An error at the next character, for syntax of RFC 9535 that is refused here.
    fn many<T>(&self) -> Result<T, PathError> {
        self.fail(match self.notation {
            Notation::Bare | Notation::Query => "this can yield more than one node; a rule needs exactly one",
            Notation::Filter => "a path in a filter names one node: no `*`, `..`, slice, list or further filter",
        })
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, wanted: char) -> bool {
        let hit = self.peek() == Some(wanted);
        if hit {
            self.at += wanted.len_utf8();
        }
        hit
    }

    /// RFC 9535 `S`.
    fn blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    /// `$` and its segments (RFC 9535 section 2.5). Blanks may stand between segments, not at the end.
    fn query(&mut self) -> Result<Vec<Segment>, PathError> {
        self.next();
        self.notation = Notation::Query;
        let mut segments = Vec::new();
        loop {
            let before = self.at;
            self.blanks();
            match self.peek() {
                None if self.at == before => return Ok(segments),
                None => return self.fail("blanks at the end"),
                Some('[') => segments.push(self.bracket()?),
                Some('.') => {
                    self.next();
                    segments.push(Segment::Step(self.shorthand()?));
                }
                Some(_) if segments.is_empty() && self.at == before => {
                    return self.fail("after `$` comes `.` or `[`; a name that starts with `$` is written in quotes");
                }
                Some(_) => return self.fail("expected `.`, `[` or the end"),
            }
        }
    }

    /// RFC 9535 `member-name-shorthand`.
    fn shorthand(&mut self) -> Result<Step, PathError> {
        let start = self.at;
        match self.peek() {
            Some('*' | '.') => return self.many(),
            Some(c) if c.is_ascii_alphabetic() || c == '_' || !c.is_ascii() => {}
            _ => return self.fail("a name is expected after `.`; odd names are written `['so']`"),
        }
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()) {
            self.next();
        }
        Ok(Step::Name(self.text[start..self.at].to_owned()))
    }

    /// `a.b[0]."odd key"`, without blanks.
    fn bare(&mut self) -> Result<Vec<Segment>, PathError> {
        let mut segments = vec![self.bare_name()?];
        loop {
            match self.peek() {
                None => return Ok(segments),
                Some('[') => segments.push(self.bracket()?),
                Some('.') => {
                    self.next();
                    segments.push(self.bare_name()?);
                }
                Some(_) => return self.fail("expected `.`, `[` or the end; odd names are written in quotes"),
            }
        }
    }

    fn bare_name(&mut self) -> Result<Segment, PathError> {
        if matches!(self.peek(), Some('"' | '\'')) {
            return self.quoted().map(|name| Segment::Step(Step::Name(name)));
        }
        let start = self.at;
        while self.peek().is_some_and(is_bare) {
            self.next();
        }
        match (self.at == start, self.peek()) {
            (false, _) => Ok(Segment::Step(Step::Name(self.text[start..self.at].to_owned()))),
            (true, Some('*' | '.')) if start > 0 => self.many(),
            (true, Some('*')) => self.many(),
            (true, _) => self.fail("a name is expected; odd names are written in quotes"),
        }
    }

    /// `[0]`, `[-1]`, `['name']`, `["name"]`, and in a query `[?…]`.
    fn bracket(&mut self) -> Result<Segment, PathError> {
        self.next();
        self.blanks();
        let segment = match (self.peek(), self.notation) {
            (Some('"' | '\''), _) => Segment::Step(Step::Name(self.quoted()?)),
            (Some('-' | '0'..='9'), _) => Segment::Step(Step::Index(self.index()?)),
            (Some('?'), Notation::Query) => Segment::Filter(self.filter()?),
            (Some('?'), Notation::Bare) => {
                return self.fail("a path that filters starts with `$`: $.list[?@.name=='x'].value");
            }
            (Some('*' | '?' | ':'), _) => return self.many(),
            _ => return self.fail("expected a number or a name in quotes"),
        };
        self.blanks();
        match self.peek() {
            Some(']') => {
                self.next();
                Ok(segment)
            }
            Some(',' | ':') => self.many(),
            _ => self.unclosed(&segment),
        }
    }

    /// An error for anything but `]`.
    fn unclosed<T>(&mut self, segment: &Segment) -> Result<T, PathError> {
        if matches!(segment, Segment::Filter(_)) {
            return self.fail("expected `==`, `!=`, `<`, `<=`, `>`, `>=`, `&&`, `||` or `]`");
        }
        self.next();
        self.fail("expected `]`")
    }

    /// RFC 9535 `int`: `0`, or no leading zero, at most 2^53 - 1 either way.
    fn index(&mut self) -> Result<i64, PathError> {
        let start = self.at;
        self.eat('-');
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        let digits = text.trim_start_matches('-');
        let canonical = !digits.is_empty() && (text == "0" || !digits.starts_with('0'));
        match text.parse::<i64>() {
            Ok(index) if canonical && index.abs() <= MAX_INDEX => Ok(index),
            _ => self.fail("not an index: write 0, 1, 2 or -1 for the last"),
        }
    }

    /// RFC 9535 `string-literal`, with either quote.
    fn quoted(&mut self) -> Result<String, PathError> {
        let quote = self.next();
        let mut name = String::new();
        loop {
            match self.next() {
                None => return self.fail("the quote is not closed"),
                c if c == quote => return Ok(name),
                Some('\\') => name.push(self.escaped(quote)?),
                Some(c) if c < ' ' => return self.fail("a control character is written as an escape"),
                Some(c) => name.push(c),
            }
        }
    }

    fn escaped(&mut self, quote: Option<char>) -> Result<char, PathError> {
        Ok(match self.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(c @ ('/' | '\\')) => c,
            Some('u') => return self.unicode(),
            Some(c) if Some(c) == quote => c,
            _ => return self.fail("no such escape"),
        })
    }

    /// After `\u`: four hex digits, and for a character beyond U+FFFF a pair of such.
    fn unicode(&mut self) -> Result<char, PathError> {
        let high = self.hex4()?;
        let code = match high {
            0xD800..=0xDBFF if self.eat('\\') && self.eat('u') => match self.hex4()? {
                low @ 0xDC00..=0xDFFF => 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00),
                _ => return self.fail("half a surrogate pair"),
            },
            _ => high,
        };
        match char::from_u32(code) {
            Some(c) => Ok(c),
            None => self.fail("half a surrogate pair"),
        }
    }

    fn hex4(&mut self) -> Result<u32, PathError> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(16)) else {
                return self.fail("four hex digits are expected after `\\u`");
            };
            self.at += 1;
            code = code * 16 + digit;
        }
        Ok(code)
    }
}

/// Characters of a name that needs no quotes: letters and digits of every script and what the wire formats use,
/// `@attr` and `#text` of XML among them.
fn is_bare(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '_' | '-' | '@' | '#' | '$' | ':' | '/' | '+' | '~')
        || !(c.is_ascii() || c.is_whitespace() || c.is_control())
}
