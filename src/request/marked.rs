//! A template as a text in which signs stand for the holes, so that a parser of the body's syntax can read it.
//!
//! Where a sign ends up in what the parser gives back tells in which place the hole stands.

use std::ops::Range;

use crate::template::{Bits, Hole, Piece, Template};

/// The signs: private use characters, which a literal of such a body cannot contain. Between the first or the second
/// and the last stands the index of the hole.
const INSIDE: char = '\u{f8d0}';
const WHOLE: char = '\u{f8d1}';
const END: char = '\u{f8d2}';

/// What the body's syntax says while its literals go by.
pub(super) trait Syntax {
    /// The next literal as it was written.
    fn literal(&mut self, text: &str);

    /// The text of a setting, encoded for where it stands.
    fn encode(&mut self, text: &str) -> String;

    /// Whether a hole that comes next is a value of its own, outside any quotes.
    fn is_whole_value(&self) -> bool;
}

/// The text and the way back.
pub(super) struct Marked<'t> {
    pub(super) text: String,
    holes: Vec<&'t Hole>,
    /// Where each piece begins in `text`, and where it was written.
    origins: Vec<(usize, Range<usize>, bool)>,
}

impl<'t> Marked<'t> {
    /// Puts a sign for each hole. `syntax` sees every literal in order. `None` when a literal has a sign in it.
    pub(super) fn new(template: &'t Template, syntax: &mut impl Syntax) -> Option<Self> {
        let mut marked = Self { text: String::new(), holes: Vec::new(), origins: Vec::new() };
        for piece in template.pieces() {
            let from = marked.text.len();
            match piece {
                Piece::Text { text, range, as_written } => {
                    if text.contains([INSIDE, WHOLE, END]) || text.to_ascii_lowercase().contains("\\uf8d") {
                        return None;
                    }
                    marked.origins.push((from, range.clone(), *as_written));
                    if *as_written {
                        syntax.literal(text);
                        marked.text.push_str(text);
                    } else {
                        marked.text.push_str(&syntax.encode(text));
                    }
                }
                Piece::Hole(hole) => {
                    let index = marked.holes.len();
                    marked.origins.push((from, hole.range.clone(), false));
                    let sign = if syntax.is_whole_value() {
                        format!("\"{WHOLE}{index}{END}\"")
                    } else {
                        format!("{INSIDE}{index}{END}")
                    };
                    marked.text.push_str(&sign);
                    marked.holes.push(hole);
                }
                Piece::Nodes { .. } => return None,
            }
        }
        Some(marked)
    }

    /// The hole that is all of `text`, when it stood outside quotes.
    pub(super) fn whole_value(&self, text: &str) -> Option<&'t Hole> {
        self.hole(text.strip_prefix(WHOLE)?.strip_suffix(END)?)
    }

    /// The holes in `text`.
    pub(super) fn holes_in(&self, text: &str) -> Vec<&'t Hole> {
        self.split(text).into_iter().filter_map(Result::err).collect()
    }

    /// Literals (`Ok`) and holes (`Err`) of `text`, in order.
    pub(super) fn split<'a>(&self, text: &'a str) -> Vec<Result<&'a str, &'t Hole>> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once([INSIDE, WHOLE]) {
            let Some((index, after)) = after.split_once(END) else { break };
            if !literal.is_empty() {
                pieces.push(Ok(literal));
            }
            pieces.extend(self.hole(index).map(Err));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Ok(rest));
        }
        pieces
    }

    fn hole(&self, index: &str) -> Option<&'t Hole> {
        self.holes.get(index.parse::<usize>().ok()?).copied()
    }

    /// Where in the written text a byte of `text` came from.
    pub(super) fn written_offset(&self, at: usize) -> usize {
        let piece = self.origins.iter().rev().find(|(from, ..)| *from <= at);
        piece.map_or(
            0,
            |(from, range, as_written)| {
                if *as_written { (range.start + (at - from)).min(range.end) } else { range.start }
            },
        )
    }
}

/// What [`Marked::split`] gave, as one value.
pub(super) fn bits<'t>(pieces: &[Result<&str, &'t Hole>]) -> Bits<'t> {
    let mut bits = Bits::default();
    for piece in pieces {
        match piece {
            Ok(text) => bits.text(text),
            Err(hole) => bits.hole(hole),
        }
    }
    bits
}
