//! What a person should do about a file that is not YAML, judged by the line where reading stopped.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, SourceFile, Span};

use super::limits::{MAX_BYTES, MAX_DEPTH};

/// What keeps a text from being read at all: its size, or a character that YAML does not allow.
pub fn unreadable(file: &Arc<SourceFile>) -> Option<Diagnostic> {
    if file.text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, more than {MAX_BYTES}", file.text.len());
        return Some(
            Diagnostic::error("too-large", file, 0..0, message).help("scripts can stand in files of their own"),
        );
    }
    let (at, character) = file.text.char_indices().find(|(at, c)| !is_printable(*at, *c))?;
    let message = format!("the character U+{:04X} may not stand in a connector", u32::from(character));
    let mistake = Diagnostic::error("control-character", file, at..at + character.len_utf8(), message);
    Some(mistake.help("take it out; inside double quotes it can be written as an escape: \"\\u0001\""))
}

/// The characters of a YAML stream (section 5.1), a byte order mark at the start only.
fn is_printable(at: usize, c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && (c != '\u{feff}' || at == 0)
}

/// The mistake of nesting too deep at `at`.
pub fn too_deep(file: &Arc<SourceFile>, at: usize) -> Diagnostic {
    let message = format!("lists and maps nest deeper than {MAX_DEPTH}");
    Diagnostic::error("too-deep", file, at..at + 1, message)
        .label("one too many")
        .help("is a closing bracket missing above?")
}

/// Why the parser stopped at the byte `at`; `info` is what it said, `open` the bracket that was open there.
///
/// Judged by what stands in the file, not by the parser's words: those may change, and name its states, not the
/// author's slip.
pub fn explain(file: &Arc<SourceFile>, at: usize, info: &str, open: Option<usize>) -> Diagnostic {
    let stop = Stop { file, at, line: line_of(&file.text, at) };
    if stop.before().matches(['[', '{']).count() > MAX_DEPTH {
        return too_deep(file, at);
    }
    if let Some(mistake) = stop.slip_of_spelling().or_else(|| stop.bad_beginning()) {
        return mistake;
    }
    match open {
        Some(open) => flow(file, at, open, &stop.line),
        None => stop.misfit().unwrap_or_else(|| {
            let mistake = stop.error("yaml-syntax", at..at + 1, "this is not YAML").label(info);
            mistake.help("quote texts with : # , [ ] { } & * ! in them")
        }),
    }
}

/// Where the parser stopped.
struct Stop<'a> {
    file: &'a Arc<SourceFile>,
    at: usize,
    line: Span,
}

impl Stop<'_> {
    /// The line up to there.
    fn before(&self) -> &str {
        &self.file.text[self.line.start..self.at]
    }

    /// The file from there on.
    fn after(&self) -> &str {
        &self.file.text[self.at..]
    }

    fn error(&self, code: &'static str, span: Span, message: &str) -> Diagnostic {
        Diagnostic::error(code, self.file, span, message)
    }

    /// Braces without quotes, tabs, and the colon of a Chinese keyboard.
    fn slip_of_spelling(&self) -> Option<Diagnostic> {
        let (text, at, before) = (&self.file.text, self.at, self.before());
        if let Some(braces) = open_braces(text, at) {
            let mistake = self.error("quote-braces", braces..braces + 2, "a value with braces is not quoted");
            let mistake = mistake.label("YAML reads this as a map");
            return Some(mistake.help("quote values with braces: \"…{{ … }}…\", \"${…}…\""));
        }
        let indentation = &before[..before.len() - before.trim_start().len()];
        if indentation.contains('\t') {
            let span = self.line.start..self.line.start + indentation.len();
            return Some(self.error("tab", span, "a line is indented with a tab").help("indent with spaces"));
        }
        if before.trim_end_matches([' ', '\t']).len() < before.len()
            && before.trim_end().ends_with(':')
            && before.ends_with('\t')
        {
            let tab = at - (before.len() - before.trim_end().len());
            let mistake = self.error("tab", tab..at, "a tab stands behind the colon");
            return Some(mistake.help("write a space behind it"));
        }
        let colon = wide_colon(text, at)?;
        let message = "a full-width colon, which YAML takes for a letter";
        let mistake = self.error("wide-colon", colon..colon + WIDE_COLON.len_utf8(), message);
        Some(mistake.help("write a plain colon and a space: `: `"))
    }

    /// A character with which a value cannot begin, or a quote without its end.
    fn bad_beginning(&self) -> Option<Diagnostic> {
        let (text, at) = (&self.file.text, self.at);
        Some(match self.after().chars().next()? {
            '*' => self.error("alias", at..at + 1, ALIAS.0).help(ALIAS.1),
            c @ ('@' | '`' | '%') => self
                .error("reserved-character", at..at + 1, &format!("a text without quotes cannot begin with {c}"))
                .help("quote it"),
            '"' if bad_escape(text, at).is_some() => {
                let escape = bad_escape(text, at).unwrap_or(at);
                self.error("bad-escape", escape..escape + 2, "an escape that YAML does not know")
                    .help("write the backslash twice, or use single quotes: '…'")
            }
            '"' | '\'' => self.error("unclosed-quote", at..at + 1, "a quote is not closed").help("close it"),
            _ => return None,
        })
    }

    /// What does not fit what stands around it, outside brackets.
    fn misfit(&self) -> Option<Diagnostic> {
        let (at, before, after) = (self.at, self.before(), self.after());
        if before.trim_end().ends_with(['"', '\'']) {
            let mistake = self.error("after-quote", at..self.line.end, "there is text behind the closing quote");
            return Some(mistake.help("put all of it inside the quotes"));
        }
        if after.starts_with([']', '}', ',']) {
            let message = "a bracket or comma that belongs to no list or map";
            return Some(self.error("misplaced-bracket", at..at + 1, message).help("quote it, or take it away"));
        }
        if before.contains(": ") && after.starts_with(':') {
            let mistake = self.error("quote-colon", at..at + 1, "a text without quotes holds a colon and a space");
            return Some(mistake.label("YAML takes this for a key").help("quote the value"));
        }
        if matches!(before.trim(), "" | "-") || after.starts_with(':') {
            let mistake = self.error("indentation", at..self.line.end, "this line does not fit the lines above it");
            let mistake = mistake.label("not expected here");
            return Some(mistake.help("check the indentation, and whether a colon or a value is missing above"));
        }
        None
    }
}

/// What is said about aliases: the message and what to do.
pub const ALIAS: (&str, &str) =
    ("aliases are not used in connectors", "write the value out, or quote a text that begins with *");

/// The parser stopped inside the bracket at `open`.
fn flow(file: &Arc<SourceFile>, at: usize, open: usize, line: &Span) -> Diagnostic {
    let closing = if file.text[open..].starts_with('{') { '}' } else { ']' };
    if open < line.start && !is_closed(&file.text, open) {
        return Diagnostic::error("unclosed-bracket", file, open..open + 1, "a bracket is not closed")
            .label(format!("no {closing} before the line {}", file.position(at).line))
            .help(format!("close it with {closing}"));
    }
    let message = format!("expected a comma or {closing}");
    Diagnostic::error("missing-comma", file, at..at + 1, message)
        .help("part the items with commas, and quote texts with : , [ ] { }")
}

/// Whether the bracket at `open` is closed somewhere, as far as quotes and comments let one see.
fn is_closed(text: &str, open: usize) -> bool {
    let (mut depth, mut quote, mut comment, mut before) = (0_usize, None, false, ' ');
    for c in text[open..].chars() {
        match (quote, c) {
            (_, '\n') => comment = false,
            (Some(open), c) if c == open && before != '\\' => quote = None,
            _ if comment || quote.is_some() => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') if before.is_whitespace() => comment = true,
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') if depth == 1 => return true,
            (None, ']' | '}') => depth -= 1,
            _ => {}
        }
        before = c;
    }
    false
}

/// The line that holds the byte `at`, without its end.
fn line_of(text: &str, at: usize) -> Span {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    start..end
}

/// What Chinese keyboards type for a colon.
const WIDE_COLON: char = '：';

/// A full-width colon on the line of `at` or on one of the two above, where the parser notices late: behind a word, and with no plain colon
/// before it.
fn wide_colon(text: &str, at: usize) -> Option<usize> {
    let mut line = line_of(text, at);
    for _ in 0..3 {
        let written = &text[line.clone()];
        let word = written.trim_start_matches([' ', '-', '{', '[']);
        let colon = word.find([WIDE_COLON, ':', '"', '\'', '#', ' ']).filter(|colon| *colon > 0);
        if let Some(colon) = colon.filter(|colon| word[*colon..].starts_with(WIDE_COLON)) {
            return Some(line.start + (written.len() - word.len()) + colon);
        }
        line = line_of(text, line.start.checked_sub(1)?);
    }
    None
}

/// An unquoted `{{` or `${` on the line of `at` or on the one above, where the parser may have noticed late.
fn open_braces(text: &str, at: usize) -> Option<usize> {
    let line = line_of(text, at);
    let above = line.start.checked_sub(1).map(|end| line_of(text, end));
    [Some(line), above].into_iter().flatten().find_map(|line| {
        let mut quote = None;
        text[line.clone()].char_indices().find_map(|(offset, c)| {
            match (quote, c) {
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if open == c => quote = None,
                _ => {}
            }
            let here = &text[line.start + offset..line.end];
            (quote.is_none() && (here.starts_with("{{") || here.starts_with("${"))).then_some(line.start + offset)
        })
    })
}

/// The first escape of the double-quoted text at `at` that YAML does not know (section 5.7).
fn bad_escape(text: &str, at: usize) -> Option<usize> {
    let mut characters = text[at + 1..].char_indices();
    while let Some((offset, c)) = characters.next() {
        match c {
            '"' => return None,
            '\\' => {
                let known = "0abt\tnvfre \"/\\N_LPxuU\n\r";
                if characters.next().is_none_or(|(_, escaped)| !known.contains(escaped)) {
                    return Some(at + 1 + offset);
                }
            }
            _ => {}
        }
    }
    None
}
