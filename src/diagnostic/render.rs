//! Diagnostics for people: the line of the file, a caret under the place, the cause beside it, what to do below it.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, renderer::DecorStyle};

use super::{Diagnostic, Severity, SourceFile, Span};
use crate::lang::Lang;

/// With or without colours (ANSI escapes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// For files, pipes and tests.
    Plain,
    /// For a terminal.
    Coloured,
}

/// Columns of a terminal that is not asked: text beyond is cut with `...` around the place.
const WIDTH: usize = 140;

/// A line longer than this is shown around the place only: drawing costs time with the length of the line.
const MAX_LINE: usize = 400;

/// All of them, each as a block of lines with an empty line between; the empty string for none.
pub fn render(diagnostics: &[Diagnostic], style: Style) -> String {
    render_in(Lang::English, diagnostics, style)
}

/// The same in a language. What names values of the file stays in English below the code's title: a sentence put together of
/// translated parts would say something else sooner or later.
pub fn render_in(lang: Lang, diagnostics: &[Diagnostic], style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    }
    .decor_style(DecorStyle::Ascii)
    .term_width(WIDTH);
    let mut out = String::new();
    for diagnostic in diagnostics {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&renderer.render(&[group(lang, diagnostic)]));
        out.push('\n');
    }
    out
}

fn group(lang: Lang, diagnostic: &Diagnostic) -> Group<'_> {
    let (level, name) = match diagnostic.severity {
        Severity::Error => (Level::ERROR, "severity.error"),
        Severity::Warning => (Level::WARNING, "severity.warning"),
    };
    let translated = (lang != Lang::English).then(|| lang.find(&diagnostic.key("title"))).flatten();
    let title = level.with_name(lang.text(name)).primary_title(translated.unwrap_or(&diagnostic.message));
    let title = Group::with_title(title.id(diagnostic.code));
    let mut group = match &diagnostic.at {
        Some((file, span)) => quote(title, file, span, diagnostic.label.as_deref()),
        None => title,
    };
    if translated.is_some() {
        group = group.element(Level::NOTE.with_name(lang.text("severity.note")).message(&diagnostic.message));
    }
    let help = Level::HELP.with_name(lang.text("severity.help"));
    // The code's own remedy, where the mistake says its own in another language.
    let remedy = lang.find(&diagnostic.key("remedy"));
    if let Some(remedy) = remedy.filter(|_| translated.is_some()) {
        group = group.element(help.clone().message(remedy));
    }
    for said in &diagnostic.help {
        group = group.element(help.clone().message(said));
    }
    group
}

/// Adds the one line that is quoted: a caret under three hundred lines tells nothing, so a place of many lines is
/// shown by its first.
fn quote<'a>(group: Group<'a>, file: &'a SourceFile, span: &Span, label: Option<&'a str>) -> Group<'a> {
    let text = &file.text;
    let start = text.floor_char_boundary(span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    let line_end = line_start + text[line_start..line_end].trim_end_matches('\r').len();
    let start = start.min(line_end);
    let end = text.floor_char_boundary(span.end).clamp(start, line_end);
    let shown = cut(text, line_start..line_end, start);
    let position = file.position(start);
    let mark = start - shown.start..end.min(shown.end) - shown.start;
    let path = file.path.to_string_lossy();
    let snippet = Snippet::source(&text[shown.clone()])
        .line_start(position.line)
        .annotation(AnnotationKind::Primary.span(mark).label(label));
    if shown.start == line_start {
        return group.element(snippet.path(path));
    }
    // The renderer would count columns from the cut.
    group.element(Origin::path(path).line(position.line).char_column(position.column)).element(snippet)
}

/// The part of a line around `at` that is drawn.
fn cut(text: &str, line: Range<usize>, at: usize) -> Range<usize> {
    if line.len() <= MAX_LINE {
        return line;
    }
    let start = text.floor_char_boundary(at.saturating_sub(MAX_LINE / 2)).max(line.start);
    let end = text.floor_char_boundary(start + MAX_LINE).min(line.end);
    start..end
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn plain(text: &str, span: Span) -> String {
        let file = Arc::new(SourceFile { path: "a.yaml".into(), text: text.into() });
        render(&[Diagnostic::error("test", &file, span, "wrong").label("here").help("mend it")], Style::Plain)
    }

    #[test]
    fn the_place_is_marked_by_character() {
        assert_eq!(
            plain("a: 1\r\n标题: xy\r\n", 14..16),
            "error[test]: wrong\n --> a.yaml:2:5\n  |\n2 | 标题: xy\n  |       ^^ here\n  |\n  = help: mend it\n"
        );
    }

    #[test]
    fn in_chinese_the_title_and_the_remedy_of_the_code_stand_around_the_english() {
        let file = Arc::new(SourceFile { path: "a.yaml".into(), text: "equal: 1\n".into() });
        let mistake = Diagnostic::error("unknown-key", &file, 0..5, "a condition has no key `equal`");
        assert_eq!(
            render_in(Lang::Chinese, &[mistake.help("did you mean `equals`?")], Style::Plain),
            "错误[unknown-key]: 不认识的键\n --> a.yaml:1:1\n  |\n1 | equal: 1\n  | ^^^^^\n  |\n  \
             = 原文: a condition has no key `equal`\n  = 建议: 改正键名；可用的键见 docs/connectors.md\n  \
             = 建议: did you mean `equals`?\n"
        );
    }

    #[test]
    fn long_lines_and_long_places_are_cut() {
        let text = format!("a: {} {{{{x}}}} {}\nb: 1\n", "y".repeat(100_000), "z".repeat(100_000));
        let at = text.find("{{x}}").unwrap();
        let printed = plain(&text, at..at + 5);
        assert!(printed.contains("a.yaml:1:100005") && printed.contains("{{x}}") && printed.len() < 1000, "{printed}");
        assert!(plain(&text, 0..text.len()).len() < 1000);
        assert!(plain("", 0..9).contains("a.yaml:1:1"));
    }
}
