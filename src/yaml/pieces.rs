//! Which bytes of the file a part of a decoded scalar came from, so that a caret can stand under one variable inside
//! a template or one line of a script.
//!
//! Found by laying the decoded text over the source line by line: exact for plain scalars, for quoted ones without
//! escapes and for block scalars. Where that does not fit (an escape), there are no pieces and the whole scalar is shown.

use std::ops::Range;

use crate::diagnostic::Span;

/// The parts of a decoded scalar that stand in the file as they are, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pieces(Vec<Piece>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    decoded: usize,
    source: usize,
    len: usize,
}

impl Pieces {
    /// Lays `decoded` over `source[region]`, the text between the quotes or below the header of a block scalar.
    pub(super) fn find(decoded: &str, source: &str, region: Range<usize>) -> Self {
        let mut pieces = Vec::new();
        let mut at = 0;
        let mut line_start = region.start;
        for line in source[region].split_inclusive('\n') {
            let written = line.trim();
            if !written.is_empty() {
                let source = line_start + (line.len() - line.trim_start().len());
                let gap = decoded[at..].len() - decoded[at..].trim_start().len();
                at += gap;
                if !decoded[at..].starts_with(written) {
                    return Self::default();
                }
                // White space on the same line belongs to the piece, so that a range that begins there is exact too.
                let before = same_blanks(&decoded.as_bytes()[..at], source_before(line));
                pieces.push(Piece { decoded: at - before, source: source - before, len: written.len() + before });
                at += written.len();
            }
            line_start += line.len();
        }
        if decoded[at..].trim().is_empty() { Self(pieces) } else { Self::default() }
    }

    /// The place in the file of the bytes `range` of the decoded text; `None` when it is not known.
    pub fn span_of(&self, range: Range<usize>) -> Option<Span> {
        let start = self.source_of(range.start)?;
        if range.is_empty() {
            return Some(start..start);
        }
        let end = self.source_of(range.end - 1)? + 1;
        (start < end).then_some(start..end)
    }

    /// The place of one decoded byte; of a line break or indentation between pieces, the end of the piece before.
    fn source_of(&self, decoded: usize) -> Option<usize> {
        let after = self.0.partition_point(|piece| piece.decoded <= decoded);
        let piece = self.0[..after].last()?;
        Some(piece.source + (decoded - piece.decoded).min(piece.len))
    }
}

/// The blanks that a source line begins with.
fn source_before(line: &str) -> &[u8] {
    &line.as_bytes()[..line.len() - line.trim_start().len()]
}

/// How many equal blanks both end with.
fn same_blanks(decoded: &[u8], source: &[u8]) -> usize {
    decoded.iter().rev().zip(source.iter().rev()).take_while(|(a, b)| a == b && matches!(a, b' ' | b'\t')).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_scalars_are_found_in_the_source() {
        for (source, decoded, part) in [
            ("abc {{x}} d", "abc {{x}} d", "{{x}}"),
            ("  first\n    second {{x}}\n\n  third\n", "first\n  second {{x}}\n\nthird\n", "{{x}}"),
            ("  first\r\n    {{x}}\r\n", "first\n  {{x}}\n", "{{x}}"),
            ("folded\n   over {{x}}\n   lines", "folded over {{x}} lines", "{{x}}"),
            ("用户 {{x}}", "用户 {{x}}", "{{x}}"),
        ] {
            let pieces = Pieces::find(decoded, source, 0..source.len());
            let at = decoded.find(part).unwrap();
            let span = pieces.span_of(at..at + part.len()).unwrap();
            assert_eq!(&source[span], part, "{source:?}");
        }
    }

    #[test]
    fn an_escape_leaves_no_pieces() {
        let pieces = Pieces::find("a\tb", "a\\tb", 0..4);
        assert_eq!(pieces.span_of(0..1), None);
    }
}
