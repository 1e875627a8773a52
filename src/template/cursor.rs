//! Reads the inside of a hole: names, bars, parentheses, quoted texts, numbers.

use std::ops::Range;

use super::mistake::Mistake;

/// A position in a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) range: Range<usize>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(crate) fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Takes `token` after white space, if it comes next.
    pub(crate) fn take(&mut self, token: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// The next character after white space, not taken.
    pub(crate) fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.rest().chars().next()
    }

    /// Where the next character stands: for a caret at something unexpected.
    pub(crate) fn here(&mut self) -> Range<usize> {
        let size = self.peek().map_or(0, char::len_utf8);
        self.at..self.at + size
    }

    /// A dotted name or a number: everything up to white space or punctuation; empty when punctuation comes next.
    pub(crate) fn word(&mut self) -> Spanned<&'a str> {
        self.skip_space();
        let rest = self.rest();
        let ends = |c: char| c.is_whitespace() || matches!(c, '|' | '(' | ')' | ',' | '{' | '}' | '"' | '\'');
        let size = rest.find(ends).unwrap_or(rest.len());
        let range = self.at..self.at + size;
        self.at = range.end;
        Spanned { value: &rest[..size], range }
    }

    /// A text in double or single quotes; inside, a backslash keeps the character after it.
    pub(crate) fn quoted(&mut self) -> Result<Spanned<String>, Mistake> {
        self.skip_space();
        let from = self.at;
        let mut value = String::new();
        let mut rest = self.rest().char_indices();
        let quote = rest.next().map(|(_, quote)| quote);
        while let Some((offset, c)) = rest.next() {
            match c {
                c if Some(c) == quote => {
                    self.at = from + offset + c.len_utf8();
                    return Ok(Spanned { value, range: from..self.at });
                }
                '\\' => value.extend(rest.next().map(|(_, escaped)| escaped)),
                c => value.push(c),
            }
        }
        self.at = self.text.len();
        Err(Mistake::new("hole-syntax", from..self.at, "a quote in this hole is not closed"))
    }
}
