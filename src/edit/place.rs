//! Where something ends, and how far it is indented.

use crate::yaml::{Entry, Node, NodeValue, Style};

/// Whether a list or map is written in brackets.
pub(super) fn is_flow(text: &str, node: &Node) -> bool {
    match node.value {
        NodeValue::Map(_) => text[node.span.start..].starts_with('{'),
        NodeValue::List(_) => text[node.span.start..].starts_with('['),
        NodeValue::Scalar(_) | NodeValue::Broken => false,
    }
}

/// Behind the value of an entry, or behind its key where it has none.
pub(super) fn end_of(text: &str, entry: &Entry) -> usize {
    end_of_node(text, &entry.value).max(entry.key_span.end)
}

/// Behind the last thing that belongs to a node; comments behind it do not.
pub(super) fn end_of_node(text: &str, node: &Node) -> usize {
    match &node.value {
        NodeValue::Map(entries) if !is_flow(text, node) => {
            entries.last().map_or(node.span.end, |last| end_of(text, last))
        }
        NodeValue::List(items) if !is_flow(text, node) => {
            items.last().map_or(node.span.end, |last| end_of_node(text, last))
        }
        NodeValue::Map(entries) => {
            closed(text, entries.last().map_or(node.span.start + 1, |last| end_of(text, last)), '}')
        }
        NodeValue::List(items) => {
            closed(text, items.last().map_or(node.span.start + 1, |last| end_of_node(text, last)), ']')
        }
        NodeValue::Scalar(scalar) => end_of_scalar(text, node.span.start, node.span.end, scalar.style),
        NodeValue::Broken => node.span.end,
    }
}

/// The parser's own end of a scalar may be where the next thing begins, behind spaces and comments.
fn end_of_scalar(text: &str, start: usize, end: usize, style: Style) -> usize {
    let written = &text[start..end];
    match (style, written.chars().next()) {
        (Style::Quoted, Some(quote)) => {
            let mut escaped = false;
            // `''` in single quotes ends and begins again, so the last quote of the span is the end.
            for (at, c) in written.char_indices().skip(1) {
                let closes = c == quote && !escaped && !(quote == '\'' && written[at + 1..].starts_with('\''));
                if closes {
                    return start + at + 1;
                }
                escaped = !escaped && (c == '\\' && quote == '"' || c == quote && quote == '\'');
            }
            end
        }
        (Style::Plain, _) => start + written.find(" #").map_or(written, |comment| &written[..comment]).trim_end().len(),
        _ => start + written.trim_end().len(),
    }
}

/// Behind the bracket that closes what ends before `offset`. The parser's own end is where the next thing begins, behind comments.
fn closed(text: &str, offset: usize, bracket: char) -> usize {
    let mut at = offset;
    while let Some(c) = text[at..].chars().next() {
        if c == bracket {
            return at + 1;
        }
        at += if c == '#' { text[at..].find('\n').unwrap_or(text.len() - at) } else { c.len_utf8() };
    }
    offset
}

/// How many columns a line of a block begins at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Indent(usize);

impl Indent {
    /// Of what begins at `offset`. Before it may be dashes of lists.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let line = text[..offset].rfind('\n').map_or(0, |at| at + 1);
        Self(text[line..offset].trim_start_matches('\u{feff}').chars().count())
    }

    /// Of the dash before an item that begins at `offset`.
    pub(super) fn of_dash(text: &str, offset: usize) -> Option<Self> {
        let line = text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let dash = text[line..offset].trim_end().strip_suffix('-')?;
        Some(Self(dash.chars().count()))
    }

    pub(super) fn spaces(self) -> String {
        " ".repeat(self.0)
    }
}
