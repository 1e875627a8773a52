//! From text to the node tree, within bounds.

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::build::Builder;
use super::{Node, Pieces, Scalar, Style, syntax};
use crate::diagnostic::{Diagnostics, Span};

/// Reads the file of `mistakes` into one tree. All mistakes of the syntax that leave the rest readable are noted; `None` when
/// there is nothing to go on with. Time and memory grow with the size of the file, which is at most [`super::MAX_BYTES`].
pub fn parse(diagnostics: &mut Diagnostics) -> Option<Node> {
    let file = diagnostics.file().clone();
    if let Some(mistake) = syntax::unreadable(&file) {
        diagnostics.add(mistake);
        return None;
    }
    let offsets = Offsets::new(&file.text);
    let mut builder = Builder::new(diagnostics);
    for event in Parser::new_from_str(&file.text[offsets.start..]) {
        let (event, span) = match event {
            Ok((event, span)) => (event, offsets.span(span)),
            Err(error) => {
                let at = offsets.byte(error.marker().index());
                builder.stopped(at, error.info());
                return None;
            }
        };
        let goes_on = match event {
            Event::Scalar(text, style, anchor, tag) => {
                builder.properties(anchor, tag.is_some(), &span);
                let scalar = scalar(text.into_owned(), style, &file.text, &span);
                builder.scalar(scalar, span)
            }
            Event::SequenceStart(anchor, tag) => {
                builder.properties(anchor, tag.is_some(), &span);
                builder.open_list(span)
            }
            Event::MappingStart(anchor, tag) => {
                builder.properties(anchor, tag.is_some(), &span);
                builder.open_map(span)
            }
            Event::SequenceEnd | Event::MappingEnd => builder.close(span.end),
            Event::Alias(_) => builder.alias(span),
            Event::DocumentStart(_) => builder.document(span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => true,
        };
        if !goes_on {
            return None;
        }
    }
    builder.finish()
}

fn scalar(text: String, style: ScalarStyle, source: &str, span: &Span) -> Scalar {
    let (style, region) = match style {
        ScalarStyle::Plain => (Style::Plain, span.clone()),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            (Style::Quoted, span.start + 1..span.end.saturating_sub(1).max(span.start + 1))
        }
        // Its span begins behind the header and the first line's indentation.
        ScalarStyle::Literal | ScalarStyle::Folded => (Style::Block, span.clone()),
    };
    let pieces = source.get(region.clone()).map(|_| Pieces::find(&text, source, region)).unwrap_or_default();
    Scalar { text, style, pieces }
}

/// Character offsets, which the parser counts, as byte offsets.
struct Offsets {
    /// Where reading began: behind a byte order mark.
    start: usize,
    /// The byte offset of each character; empty when every character is one byte.
    bytes: Vec<u32>,
    end: usize,
}

impl Offsets {
    fn new(text: &str) -> Self {
        let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let read = &text[start..];
        let bytes = if read.is_ascii() {
            Vec::new()
        } else {
            // `MAX_BYTES` is far below what `u32` holds.
            read.char_indices().map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX)).collect()
        };
        Self { start, bytes, end: text.len() }
    }

    fn byte(&self, character: usize) -> usize {
        let at = if self.bytes.is_empty() {
            self.start + character
        } else {
            self.bytes.get(character).map_or(self.end, |at| self.start + *at as usize)
        };
        at.min(self.end)
    }

    fn span(&self, span: saphyr_parser::Span) -> Span {
        let start = self.byte(span.start.index());
        start..self.byte(span.end.index()).max(start)
    }
}
