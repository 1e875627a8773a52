//! Separators: the text beside the holes of a value, by which the upstream splits that value again.
//!
//! The encoder of a place guards that place's own syntax. The text around a hole is a second syntax inside it that only
//! the upstream knows: in the header `user="{{u}}", pw="{{p}}"` a user name with a quote would end early and add a
//! parameter. So in a value that mixes holes and text, no hole's value may contain the text beside any of the holes.

use std::sync::Arc;

use super::charset::Charset;
use super::datum::Datum;
use super::hole::Hole;
use super::place::Place;
use super::{Piece, Template};

/// A part of a value: a hole, or the file's own text as the upstream reads it after decoding the place.
#[derive(Debug, Clone)]
pub(crate) enum Bit<'t> {
    Text(String),
    Hole(&'t Hole),
}

/// What is refused in the value of a hole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guard {
    /// Texts that the value must not contain; none if the hole is the whole value.
    pub(super) separators: Option<Arc<Separators>>,
    /// Texts that an encoded value (`base64`, `urlencode`) must not contain either: those between two holes.
    pub(super) between: Option<Arc<Separators>>,
    /// Whether the text before has opened a quote, so that the filter `quoted` adds none.
    pub(super) in_quotes: bool,
}

/// The separators of a value, as the bytes that the upstream splits it by.
#[derive(Debug)]
pub(crate) struct Separators {
    /// Bytes in this charset are compared: the second byte of a GBK character may be `|`.
    charset: Charset,
    single: Vec<u8>,
    /// Separators of more than one byte.
    longer: Vec<Vec<u8>>,
}

impl Separators {
    /// Whether an upstream would find a separator inside this value or across its end.
    pub(super) fn occur_in(&self, datum: &Datum<'_>) -> bool {
        match datum {
            Datum::Bytes(bytes) => self.occur(bytes),
            other => {
                // A value without a text, or one that does not fit the charset, is refused by its place.
                let Ok(text) = other.text() else { return false };
                if self.charset.is_utf8() || text.is_ascii() {
                    return self.occur(text.as_bytes());
                }
                self.charset.encode(text).map(zeroize::Zeroizing::new).is_some_and(|bytes| self.occur(&bytes))
            }
        }
    }

    fn add(&mut self, bytes: Vec<u8>) {
        match bytes.as_slice() {
            [byte] if self.single.contains(byte) => {}
            [byte] => self.single.push(*byte),
            _ if self.longer.contains(&bytes) => {}
            _ => self.longer.push(bytes),
        }
    }

    fn occur(&self, bytes: &[u8]) -> bool {
        let begins_inside = |separator: &Vec<u8>| {
            let most = (separator.len() - 1).min(bytes.len());
            // The value's last bytes and the separator's first may together look like the separator.
            let straddles = (1..=most).any(|count| {
                let tail = &bytes[bytes.len() - count..];
                separator.starts_with(tail) && separator.starts_with(&separator[count..])
            });
            straddles || bytes.windows(separator.len()).any(|window| window == separator.as_slice())
        };
        bytes.iter().any(|byte| self.single.contains(byte)) || self.longer.iter().any(begins_inside)
    }
}

/// A value as its parts in order.
#[derive(Debug, Default)]
pub(crate) struct Bits<'t>(Vec<Bit<'t>>);

impl<'t> Bits<'t> {
    /// The parts of a template.
    pub(crate) fn of(template: &'t Template) -> Self {
        let mut bits = Self::default();
        for piece in template.pieces() {
            match piece {
                Piece::Text { text, .. } => bits.text(text),
                Piece::Hole(hole) => bits.hole(hole),
                Piece::Nodes { .. } => {}
            }
        }
        bits
    }

    /// Adjacent texts (a setting and what follows it) are merged.
    pub(crate) fn text(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Bit::Text(before)) => before.push_str(text),
            _ => self.0.push(Bit::Text(text.to_owned())),
        }
    }

    pub(crate) fn hole(&mut self, hole: &'t Hole) {
        self.0.push(Bit::Hole(hole));
    }

    pub(crate) fn parts(&self) -> &[Bit<'t>] {
        &self.0
    }

    /// What is refused in each hole, in order.
    pub(crate) fn guards(&self, place: Place, charset: Charset) -> Vec<Guard> {
        let count = self.0.iter().filter(|bit| matches!(bit, Bit::Hole(_))).count();
        if count == self.0.len() && place != Place::Text {
            return vec![Guard::default(); count];
        }
        let separators = separators(&self.0, place, charset).map(Arc::new);
        let between = separators.as_ref().and_then(|_| between(&self.0, charset)).map(Arc::new);
        let mut quotes = Quotes::default();
        let mut guards = Vec::with_capacity(count);
        for bit in &self.0 {
            match bit {
                Bit::Text(text) => quotes.read(text),
                Bit::Hole(_) => {
                    let (separators, between) = (separators.clone(), between.clone());
                    guards.push(Guard { separators, between, in_quotes: quotes.open });
                }
            }
        }
        guards
    }
}

/// Whether the text so far has opened a string in quotes, in which a backslash escapes: a quoted-string (RFC 9110 section
/// 5.6.4), or one of JSON.
#[derive(Default)]
pub(crate) struct Quotes {
    pub(crate) open: bool,
    escaped: bool,
}

impl Quotes {
    pub(crate) fn read(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                _ if self.escaped => self.escaped = false,
                '\\' if self.open => self.escaped = true,
                '"' => self.open = !self.open,
                _ => {}
            }
        }
    }
}

fn separators(value: &[Bit<'_>], place: Place, charset: Charset) -> Option<Separators> {
    if !place.is_split() {
        return None;
    }
    let is_text = place == Place::Text;
    let mut found =
        HoleText { several: value.iter().filter(|bit| matches!(bit, Bit::Hole(_))).count() > 1, ..HoleText::default() };
    for (index, bit) in value.iter().enumerate() {
        if !matches!(bit, Bit::Hole(_)) {
            continue;
        }
        let before = index.checked_sub(1).and_then(|index| value.get(index));
        if let Some(Bit::Text(text)) = before {
            found.before(text, is_text);
        }
        if let Some(Bit::Text(text)) = value.get(index + 1) {
            let last = index + 2 >= value.len();
            found.after(text, is_text, last);
        }
    }
    found.finish(is_text, if place.is_split_in_bytes() { charset } else { Charset::UTF_8 })
}

/// The separator that ends a hole before the next one. Encoded values may contain it too: `base64` writes `/` and `+`,
/// `urlencode` keeps `-`, `.`, `_` and `~`, and the upstream would read another name.
fn between(value: &[Bit<'_>], charset: Charset) -> Option<Separators> {
    let mut separators = Separators { charset, single: Vec::new(), longer: Vec::new() };
    for three in value.windows(3) {
        let [Bit::Hole(_), Bit::Text(text), Bit::Hole(_)] = three else { continue };
        let text = text.trim_start();
        match text.chars().next() {
            Some(next) if next.is_alphanumeric() => separators.add(text.as_bytes().to_vec()),
            Some(next) => separators.add(next.to_string().into_bytes()),
            None => {}
        }
    }
    let found = !(separators.single.is_empty() && separators.longer.is_empty());
    found.then_some(separators)
}

#[derive(Default)]
struct HoleText {
    /// Whether the value has more than one hole.
    several: bool,
    chars: Vec<char>,
    texts: Vec<String>,
}

impl HoleText {
    /// A letter before a hole is no separator: the text up to the hole is fixed. A blank is none either, unless it ends
    /// another hole, and then it counts as the text behind that hole; a text body has followed this rule from the
    /// beginning.
    fn before(&mut self, text: &str, is_text: bool) {
        if is_text {
            self.chars.extend(text.chars().next_back());
        }
        self.chars.extend(text.trim_end().chars().next_back());
    }

    fn after(&mut self, text: &str, is_text: bool, last: bool) {
        let inner = text.trim_start();
        let Some(next) = inner.chars().next() else {
            // Blanks at the end of a value (before the end tag of an element) separate nothing.
            if is_text || !last {
                self.chars.extend(text.chars().next());
            }
            return;
        };
        if inner.len() < text.len() {
            self.chars.extend(text.chars().next());
        } else if next.is_alphanumeric() && !last {
            self.texts.push(text.to_owned());
        }
        self.chars.push(next);
    }

    fn finish(mut self, is_text: bool, charset: Charset) -> Option<Separators> {
        // User names often contain these; around a single hole they separate nothing.
        let is_name = |c: char| !is_text && !self.several && matches!(c, '-' | '.' | '_' | '~');
        self.chars.retain(|c| !c.is_alphanumeric() && !is_name(*c));
        if self.chars.is_empty() && self.texts.is_empty() && !is_text {
            return None;
        }
        // A backslash at the end of a name would escape the quote behind it.
        if self.chars.iter().any(|c| matches!(c, '"' | '\'')) {
            self.chars.push('\\');
        }
        if self.chars.iter().any(|c| matches!(c, '<' | '>')) {
            self.chars.push('&');
        }
        self.chars.extend(['\r', '\n', '\0']);
        let mut separators = Separators { charset, single: Vec::new(), longer: Vec::new() };
        let texts = self.chars.into_iter().map(String::from).chain(self.texts);
        for bytes in texts.filter_map(|text| charset.encode(&text)) {
            separators.add(bytes);
        }
        Some(separators)
    }
}

#[cfg(test)]
mod tests;
