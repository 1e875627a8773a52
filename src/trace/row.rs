//! A row of a send test, as the terminal prints it, the API sends it and a page draws it.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Which columns it has.
    pub columns: Columns,
    /// The stage, or the name of what begins here; empty when it is the one above.
    pub label: Cell,
    /// A comparison that decided.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mark: bool,
    /// What stands behind the label.
    pub cells: Vec<Cell>,
}

/// Which columns a row has. Rows below one title with the same columns are aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Columns {
    /// The verdict, a step or the cookies begin here; the cells are remarks on it.
    Title,
    /// One text below a title, without a label.
    Text,
    /// One text.
    Wide,
    /// A name, its value, a note.
    Pair,
    /// A truth, a comparison, a note.
    Leaf,
}

/// A text and its tone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// Without characters that steer a terminal or turn the direction of writing.
    pub text: String,
    /// What it means.
    #[serde(default, skip_serializing_if = "Tone::is_plain")]
    pub tone: Tone,
}

/// What a text means to the reader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// Less important: masked values, sizes, times.
    Dim,
    /// As it should be.
    Good,
    /// A no.
    Bad,
    /// It goes on: the user is asked, or more is to come.
    Open,
    /// Undecided, or worth a look.
    Warn,
}

impl Tone {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_plain(&self) -> bool {
        *self == Self::Plain
    }

    /// The tone of a verdict, an outcome of a step or a truth.
    pub(super) fn of(word: &str) -> Self {
        match word {
            "accept" | "ok" | "success" | "true" | "rendered" => Self::Good,
            "reject" | "refused" | "false" => Self::Bad,
            "challenge" | "more" | "asked" | "pending" => Self::Open,
            "skipped" => Self::Dim,
            _ => Self::Warn,
        }
    }
}

impl Cell {
    pub(super) fn new(text: &str, tone: Tone) -> Self {
        Self { text: harmless(text), tone }
    }

    pub(super) fn plain(text: &str) -> Self {
        Self::new(text, Tone::Plain)
    }

    pub(super) fn dim(text: &str) -> Self {
        Self::new(text, Tone::Dim)
    }

    /// A word of a closed list, in its tone.
    pub(super) fn word(word: &str) -> Self {
        Self::new(word, Tone::of(word))
    }
}

impl Row {
    fn new(columns: Columns, label: &str, cells: Vec<Cell>) -> Self {
        Self { columns, label: Cell::plain(label), mark: false, cells }
    }

    pub(super) fn title(label: Cell, cells: Vec<Cell>) -> Self {
        Self { columns: Columns::Title, label, mark: false, cells }
    }

    pub(super) fn text(cell: Cell) -> Self {
        Self::new(Columns::Text, "", vec![cell])
    }

    pub(super) fn wide(label: &str, cell: Cell) -> Self {
        Self::new(Columns::Wide, label, vec![cell])
    }

    pub(super) fn pair(label: &str, name: &str, value: Cell, note: &str) -> Self {
        Self::new(Columns::Pair, label, vec![Cell::plain(name), value, Cell::plain(note)])
    }

    pub(super) fn leaf(label: &str, truth: &str, leaf: &str, note: &str) -> Self {
        Self::new(Columns::Leaf, label, vec![Cell::word(truth), Cell::plain(leaf), Cell::plain(note)])
    }
}

/// A text that cannot steer a terminal: control characters, directions of writing and invisible characters are spelled
/// out. A text that went through it is not changed by a second time.
pub fn harmless(text: &str) -> String {
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
        let made = harmless("a\u{1b}[2Jb\r\n\u{202e}c\u{200b}\u{9b}m");
        assert_eq!(made, "a\\u{1b}[2Jb\\r\\n\\u{202e}c\\u{200b}\\u{9b}m");
        assert_eq!(harmless(&made), made);
        assert_eq!(harmless("登录成功 ok"), "登录成功 ok");
    }

    #[test]
    fn a_row_is_the_same_behind_the_wire() {
        let row = Row { mark: true, ..Row::leaf("success", "true", "field \"code\" equals 200", "it is 200") };
        let json = serde_json::to_string(&row).unwrap();
        assert_eq!(serde_json::from_str::<Row>(&json).unwrap(), row, "{json}");
    }
}
