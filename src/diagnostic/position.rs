//! Byte offsets as lines and columns, the way editors count them.

use super::SourceFile;

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters (Unicode scalar values).
    pub column: usize,
}

impl SourceFile {
    /// Where the byte `offset` lies; an offset beyond the end or inside a character is moved back to one that exists.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: 1 + before.bytes().filter(|byte| *byte == b'\n').count(),
            column: 1 + before[line_start..].chars().count(),
        }
    }
}

impl SourceFile {
    /// The character at a place; `None` when the file has no such line.
    pub fn span_of(&self, at: Position) -> Option<super::Span> {
        let mut offset = 0;
        for (index, line) in self.text.split_inclusive('\n').enumerate() {
            if index + 1 == at.line {
                let before: usize = line.chars().take(at.column.saturating_sub(1)).map(char::len_utf8).sum();
                let size = line[before..].chars().next().map_or(0, char::len_utf8);
                return Some(offset + before..offset + before + size);
            }
            offset += line.len();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_and_its_offset_agree() {
        let file = SourceFile { path: "a".into(), text: "a\n标题: x\n".into() };
        let span = file.span_of(Position { line: 2, column: 5 }).unwrap();
        assert_eq!(&file.text[span.clone()], "x");
        assert_eq!(file.position(span.start), Position { line: 2, column: 5 });
        assert_eq!(file.span_of(Position { line: 9, column: 1 }), None);
    }

    #[test]
    fn columns_count_characters() {
        let file = SourceFile { path: "a".into(), text: "a\n标题: x\n".into() };
        assert_eq!(file.position(0), Position { line: 1, column: 1 });
        let x = file.text.find('x').unwrap();
        assert_eq!(file.position(x), Position { line: 2, column: 5 });
        assert_eq!(file.position(999), Position { line: 3, column: 1 });
    }
}
