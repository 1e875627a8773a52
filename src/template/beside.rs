//! What stands beside the holes of one value, which is what a reader splits that value by.
//!
//! A place has a syntax that its encoder keeps. Text that the file writes around a hole is a second syntax inside it, which
//! only the upstream knows: with `user="{{u}}", pw="{{p}}"` in a header a name that holds a quote ends early and adds a
//! parameter. So in a value of holes and text no hole may hold what stands beside one of them. It knows no request.

use std::sync::Arc;

use super::charset::Charset;
use super::datum::Datum;
use super::hole::Hole;
use super::place::Place;
use super::{Piece, Template};

/// A part of one value: the file's own text, as the upstream reads it once the place is decoded, or a hole.
#[derive(Debug, Clone)]
pub(crate) enum Bit<'t> {
    Text(String),
    Hole(&'t Hole),
}

/// What a hole of a value has to mind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guard {
    /// What its value may not hold; none where the hole is the whole value.
    pub(super) separators: Option<Arc<Separators>>,
    /// What its value may not hold when a filter spells it in letters and signs of its own: what stands between two holes.
    pub(super) between: Option<Arc<Separators>>,
    /// Whether the text around has opened a quote, so that `quoted` writes none.
    pub(super) in_quotes: bool,
}

/// What separates the holes of a value, in the bytes that the upstream splits.
#[derive(Debug)]
pub(crate) struct Separators {
    /// A text's bytes in this charset are compared: the second byte of a GBK character may be `|`.
    charset: Charset,
    single: Vec<u8>,
    /// Separators of more than one byte.
    longer: Vec<Vec<u8>>,
}

impl Separators {
    /// Whether a reader that looks for a separator finds one in this value, or before the value's end.
    pub(super) fn occur_in(&self, datum: &Datum<'_>) -> bool {
        match datum {
            Datum::Bytes(bytes) => self.occur(bytes),
            other => {
                // What has no text or does not fit the charset is refused by its place, which says so.
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
            // The value's last bytes and the first of the separator behind it may look like the separator.
            let straddles = (1..=most).any(|count| {
                let tail = &bytes[bytes.len() - count..];
                separator.starts_with(tail) && separator.starts_with(&separator[count..])
            });
            straddles || bytes.windows(separator.len()).any(|window| window == separator.as_slice())
        };
        bytes.iter().any(|byte| self.single.contains(byte)) || self.longer.iter().any(begins_inside)
    }
}

/// One value, its parts in order.
#[derive(Debug, Default)]
pub(crate) struct Bits<'t>(Vec<Bit<'t>>);

impl<'t> Bits<'t> {
    /// The parts of a template that is one value.
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

    /// Texts side by side, as a setting and what follows it, are one.
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

    /// What each hole has to mind, in order.
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
        Found { several: value.iter().filter(|bit| matches!(bit, Bit::Hole(_))).count() > 1, ..Found::default() };
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

/// What ends a hole before the next one. `base64` writes `/` and `+`, `urlencode` leaves `-`, `.`, `_` and `~`: a name whose spelling
/// holds what ends it is read as another name.
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
struct Found {
    /// Whether the value has more than one hole.
    several: bool,
    chars: Vec<char>,
    texts: Vec<String>,
}

impl Found {
    /// A letter before a hole cannot be mistaken for its value: the text up to there is fixed. Neither can a blank, unless
    /// it ends another hole, and then it is found behind that one; a text body has kept to it from the beginning.
    fn before(&mut self, text: &str, is_text: bool) {
        if is_text {
            self.chars.extend(text.chars().next_back());
        }
        self.chars.extend(text.trim_end().chars().next_back());
    }

    fn after(&mut self, text: &str, is_text: bool, last: bool) {
        let inner = text.trim_start();
        let Some(next) = inner.chars().next() else {
            // Blanks at the end of a value, as before the end tag of an element, separate nothing.
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
        // User names are full of these; where one hole stands in fixed text, they separate nothing.
        let is_name = |c: char| !is_text && !self.several && matches!(c, '-' | '.' | '_' | '~');
        self.chars.retain(|c| !c.is_alphanumeric() && !is_name(*c));
        if self.chars.is_empty() && self.texts.is_empty() && !is_text {
            return None;
        }
        // What escapes in the syntaxes that have these: a backslash at the end of a name would take the quote's meaning.
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
