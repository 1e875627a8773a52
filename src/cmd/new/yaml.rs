//! Writes the lines of YAML that a new connector needs, of the forms of `edit`.

use std::fmt::Write as _;

pub use doorward::edit::{flow, key, quoted};

use super::holes::Holes;

/// `name: value` lines; the values of a repeated name become a list.
pub fn pairs(pairs: &[(String, String)], holes: &mut Holes) -> String {
    let mut lines = String::new();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if pairs[..index].iter().any(|(before, _)| before == name) {
            continue;
        }
        let repeats = pairs[index + 1..].iter().filter(|(later, _)| later == name);
        let values: Vec<String> = std::iter::once(value)
            .chain(repeats.map(|(_, value)| value))
            .map(|value| quoted(&holes.fill(name, value)))
            .collect();
        let written = if let [one] = values.as_slice() { one.clone() } else { format!("[{}]", values.join(", ")) };
        let _ = writeln!(lines, "        {}: {written}", key(name));
    }
    lines
}

/// A text as comment lines of at most 118 characters.
pub fn comment(indent: &str, text: &str) -> String {
    let mut lines = String::new();
    let mut line = format!("{indent}#");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > 118 {
            lines.push_str(&line);
            lines.push('\n');
            line = format!("{indent}#");
        }
        line.push(' ');
        line.push_str(word);
    }
    lines + &line + "\n"
}

#[cfg(test)]
mod tests {
    use super::comment;

    #[test]
    fn comments_are_broken_into_lines() {
        let text = comment("  ", &"word ".repeat(40));
        assert_eq!(text.lines().count(), 2);
        assert!(text.lines().all(|line| line.starts_with("  # word") && line.chars().count() <= 118), "{text}");
    }
}
