//! Diagnostics as an editor in a browser takes them: ranges, and fixes as edits.

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Severity, SourceFile, Span, suggested};

/// A diagnostic for the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct EditorDiagnostic {
    severity: &'static str,
    code: &'static str,
    message: String,
    label: Option<String>,
    help: Vec<String>,
    /// `None` without a place.
    range: Option<TextRange>,
    fixes: Vec<QuickFix>,
}

/// From the first character up to and not including the last, as the Language Server Protocol counts: lines from 0, characters
/// in UTF-16 code units, which is what a browser's strings have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct TextRange {
    start: TextPosition,
    end: TextPosition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TextPosition {
    line: usize,
    character: usize,
}

/// A change that mends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct QuickFix {
    /// What stands there afterwards.
    text: String,
    range: TextRange,
}

impl EditorDiagnostic {
    pub(super) fn of(diagnostic: &Diagnostic) -> Self {
        let range = diagnostic.at.as_ref().map(|(file, span)| range(file, span));
        let fixes = diagnostic.at.iter().flat_map(|(file, span)| fixes(diagnostic, file, span)).collect();
        Self {
            severity: match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: diagnostic.code,
            message: diagnostic.message.clone(),
            label: diagnostic.label.clone(),
            help: diagnostic.help.clone(),
            range,
            fixes,
        }
    }

    pub(super) fn is_error(&self) -> bool {
        self.severity == "error"
    }
}

/// Only where the place is one plain word: then that word is what is wrong.
fn fixes(diagnostic: &Diagnostic, file: &SourceFile, span: &Span) -> Vec<QuickFix> {
    let Some(written) = file.text.get(span.clone()) else { return Vec::new() };
    let is_word = !written.is_empty() && written.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let words = diagnostic.help.iter().filter_map(|help| suggested(help)).filter(|_| is_word);
    words.map(|word| QuickFix { text: word.to_owned(), range: range(file, span) }).collect()
}

/// The range of a span of bytes.
pub(super) fn range(file: &SourceFile, span: &Span) -> TextRange {
    TextRange { start: position(&file.text, span.start), end: position(&file.text, span.end) }
}

/// The byte at a position; beyond a line's end it is that end.
pub(super) fn offset(text: &str, position: TextPosition) -> usize {
    let begin = match position.line {
        0 => 0,
        line => match text.match_indices('\n').nth(line - 1) {
            Some((newline, _)) => newline + 1,
            None => return text.len(),
        },
    };
    let line = text[begin..].split('\n').next().unwrap_or_default();
    let mut units = 0;
    for (at, c) in line.char_indices() {
        if units >= position.character {
            return begin + at;
        }
        units += c.len_utf16();
    }
    begin + line.len()
}

fn position(text: &str, offset: usize) -> TextPosition {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    TextPosition {
        line: before.bytes().filter(|byte| *byte == b'\n').count(),
        character: before[line_start..].chars().map(char::len_utf16).sum(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn characters_are_counted_as_browsers_do() {
        let file = Arc::new(SourceFile { path: "a".into(), text: "a: 1\r\n😀标: stepz\n".to_owned() });
        let at = file.text.find("stepz").unwrap();
        let diagnostic = Diagnostic::error("unknown-key", &file, at..at + 5, "unknown").help("did you mean `steps`?");
        let shown = EditorDiagnostic::of(&diagnostic);
        let start = TextPosition { line: 1, character: 5 };
        let whole = TextRange { start, end: TextPosition { line: 1, character: 10 } };
        assert_eq!(shown.range, Some(whole));
        assert_eq!(shown.fixes, [QuickFix { text: "steps".to_owned(), range: whole }]);
    }

    #[test]
    fn a_place_that_is_no_word_has_no_fix() {
        let file = Arc::new(SourceFile { path: "a".into(), text: "${bas}/login".to_owned() });
        let diagnostic = Diagnostic::error("unknown", &file, 0..12, "x").help("did you mean `base`?");
        assert_eq!(EditorDiagnostic::of(&diagnostic).fixes, []);
    }
}
