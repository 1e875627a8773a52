//! Lines with columns: widths as a terminal counts them, colours not counted, nothing of a reply steers the terminal.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

/// Columns of the stage's name.
const LABEL: usize = 13;

/// A longer name or value pushes what follows it to the right, instead of every line.
const WIDEST: usize = 36;

/// One line of a step.
pub(super) struct Row {
    label: String,
    mark: bool,
    kind: Kind,
}

/// Which columns a line has; lines with the same columns are aligned.
enum Kind {
    /// One text.
    Wide(String),
    /// A name, its value, a note.
    Pair([String; 3]),
    /// A truth, a comparison, a note.
    Leaf([String; 3]),
}

impl Row {
    pub(super) fn wide(label: &str, text: &str) -> Self {
        Self { label: label.to_owned(), mark: false, kind: Kind::Wide(text.to_owned()) }
    }

    pub(super) fn pair(label: &str, name: &str, value: &str, note: &str) -> Self {
        let cells = [name, value, note].map(str::to_owned);
        Self { label: label.to_owned(), mark: false, kind: Kind::Pair(cells) }
    }

    pub(super) fn leaf(label: &str, mark: bool, truth: &str, leaf: &str, note: &str) -> Self {
        let cells = [truth, leaf, note].map(str::to_owned);
        Self { label: label.to_owned(), mark, kind: Kind::Leaf(cells) }
    }
}

/// The text so far.
#[derive(Default)]
pub(super) struct Lines(String);

impl Lines {
    pub(super) fn line(&mut self, text: &str) {
        self.0.push_str(text.trim_end());
        self.0.push('\n');
    }

    pub(super) fn empty(&mut self) {
        self.0.push('\n');
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// Rows below each other, each column as wide as its widest cell.
    pub(super) fn table(&mut self, rows: &[Row]) {
        let mut pairs = [0; 2];
        let mut leaves = [0; 2];
        for row in rows {
            match &row.kind {
                Kind::Wide(_) => {}
                Kind::Pair(cells) => widen(&mut pairs, cells),
                Kind::Leaf(cells) => widen(&mut leaves, cells),
            }
        }
        for row in rows {
            let mut line = String::from("  ");
            pad(&mut line, &row.label, LABEL);
            line.push_str(if row.mark { "> " } else { "  " });
            match &row.kind {
                Kind::Wide(text) => line.push_str(text),
                Kind::Pair(cells) => columns(&mut line, cells, pairs),
                Kind::Leaf(cells) => columns(&mut line, cells, leaves),
            }
            self.line(&line);
        }
    }
}

fn widen(widths: &mut [usize; 2], cells: &[String; 3]) {
    for (most, cell) in widths.iter_mut().zip(cells) {
        *most = (*most).max(width(cell).min(WIDEST));
    }
}

fn columns(line: &mut String, cells: &[String; 3], widths: [usize; 2]) {
    let [first, second, note] = cells;
    pad(line, first, widths[0]);
    line.push_str("  ");
    if note.is_empty() {
        line.push_str(second);
    } else {
        pad(line, second, widths[1]);
        line.push_str("  ");
        line.push_str(note);
    }
}

fn pad(line: &mut String, text: &str, to: usize) {
    line.push_str(text);
    line.extend(std::iter::repeat_n(' ', to.saturating_sub(width(text))));
}

/// Columns of a text on a terminal; a colour (`ESC [ … m`) takes none.
fn width(text: &str) -> usize {
    let mut escaped = false;
    let mut columns = 0;
    for c in text.chars() {
        match (c, escaped) {
            ('\u{1b}', _) => escaped = true,
            ('m', true) => escaped = false,
            (_, true) => {}
            (c, false) => columns += c.width().unwrap_or(0),
        }
    }
    columns
}

/// A text that cannot steer a terminal: control characters, directions of writing and invisible characters are spelled
/// out.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // A space of no width hides where a value ends; bidi controls (UAX #9) show a text in another order.
        let steers = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}');
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if steers => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_reply_steers_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\r\n\u{202e}c\u{200b}\u{9b}m"), "a\\u{1b}[2Jb\\r\\n\\u{202e}c\\u{200b}\\u{9b}m");
        assert_eq!(plain("登录成功 ok"), "登录成功 ok");
    }

    #[test]
    fn columns_are_what_a_terminal_shows() {
        assert_eq!(width("登录"), 4);
        assert_eq!(width("\u{1b}[1m\u{1b}[32mok\u{1b}[0m"), 2);
        let mut lines = Lines::default();
        lines.table(&[
            Row::pair("map", "消息", "登录成功", "x"),
            Row::pair("", "error_code", "200", "y"),
            Row::wide("a", "b"),
        ]);
        assert_eq!(
            lines.into_text(),
            "  map            消息        登录成功  x\n                 error_code  200       y\n  a              b\n"
        );
    }
}
