//! Rows as lines of a terminal: aligned below each title, widths as a terminal counts them, tones as colours.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthChar;

use super::row::{Cell, Columns, Row, Tone, harmless};

/// Columns of the label.
const LABEL: usize = 13;

/// A longer name or value pushes what follows it to the right, instead of every line.
const MAX_WIDTH: usize = 36;

/// Lines with colours (ANSI escapes); a stream that is no terminal drops them. The rows may come from another machine.
pub fn human(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut rest = rows;
    while let [first, ..] = rest {
        let length = 1 + rest.iter().skip(1).take_while(|row| row.columns != Columns::Title).count();
        let (block, after) = rest.split_at(length.min(rest.len()));
        if !text.is_empty() && first.columns == Columns::Title {
            text.push('\n');
        }
        self::block(block, &mut text);
        rest = after;
    }
    text
}

/// A title and the rows below it, each column as wide as its widest cell.
fn block(rows: &[Row], text: &mut String) {
    let mut pairs = [0; 2];
    let mut leaves = [0; 2];
    for row in rows {
        match row.columns {
            Columns::Title | Columns::Text | Columns::Wide => {}
            Columns::Pair => widen(&mut pairs, &row.cells),
            Columns::Leaf => widen(&mut leaves, &row.cells),
        }
    }
    for row in rows {
        let mut line = String::new();
        match row.columns {
            Columns::Title => title(row, &mut line),
            Columns::Text => line.extend(row.cells.iter().map(|cell| format!("  {}", painted(cell)))),
            Columns::Wide => {
                label(row, &mut line);
                line.extend(row.cells.iter().map(painted));
            }
            Columns::Pair => columns(row, pairs, &mut line),
            Columns::Leaf => columns(row, leaves, &mut line),
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

fn title(row: &Row, line: &mut String) {
    line.push_str(&paint(&harmless(&row.label.text), style(row.label.tone).bold()));
    let remarks: Vec<String> = row.cells.iter().map(painted).collect();
    if !remarks.is_empty() {
        line.push_str("  ");
        line.push_str(&remarks.join(", "));
    }
}

fn label(row: &Row, line: &mut String) {
    line.push_str("  ");
    pad(line, &row.label, LABEL);
    line.push_str(if row.mark { "> " } else { "  " });
}

fn columns(row: &Row, widths: [usize; 2], line: &mut String) {
    label(row, line);
    let empty = Cell::default();
    let cell = |at: usize| row.cells.get(at).unwrap_or(&empty);
    pad(line, cell(0), widths[0]);
    line.push_str("  ");
    if cell(2).text.is_empty() {
        line.push_str(&painted(cell(1)));
    } else {
        pad(line, cell(1), widths[1]);
        line.push_str("  ");
        line.push_str(&painted(cell(2)));
    }
}

fn widen(widths: &mut [usize; 2], cells: &[Cell]) {
    for (most, cell) in widths.iter_mut().zip(cells) {
        *most = (*most).max(width(&harmless(&cell.text)).min(MAX_WIDTH));
    }
}

fn pad(line: &mut String, cell: &Cell, to: usize) {
    line.push_str(&painted(cell));
    line.extend(std::iter::repeat_n(' ', to.saturating_sub(width(&harmless(&cell.text)))));
}

/// Columns of a text on a terminal: Chinese characters take two.
fn width(text: &str) -> usize {
    text.chars().filter_map(UnicodeWidthChar::width).sum()
}

fn painted(cell: &Cell) -> String {
    let text = harmless(&cell.text);
    if cell.tone == Tone::Plain || text.is_empty() { text } else { paint(&text, style(cell.tone)) }
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Dim => Style::new().dimmed(),
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Bad => AnsiColor::Red.on_default(),
        Tone::Open => AnsiColor::Cyan.on_default(),
        Tone::Warn => AnsiColor::Yellow.on_default(),
    }
}

fn paint(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_what_a_terminal_shows() {
        assert_eq!(width("登录"), 4);
        let rows = [
            Row::pair("map", "消息", Cell::plain("登录成功"), "x"),
            Row::pair("", "error_code", Cell::plain("200"), "y"),
            Row::wide("a", Cell::plain("b")),
        ];
        assert_eq!(
            human(&rows),
            "  map            消息        登录成功  x\n                 error_code  200       y\n  a              b\n"
        );
    }

    #[test]
    fn rows_of_another_machine_do_not_steer_the_terminal() {
        let steering = Cell { text: "\u{1b}[2J".to_owned(), tone: Tone::Plain };
        let mut row = Row::wide("a", steering.clone());
        row.label = steering;
        assert!(!human(&[row]).contains('\u{1b}'));
    }
}
