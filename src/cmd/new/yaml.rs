//! Writes the few forms of YAML that a new connector needs. Every text that is not a plain word is quoted as JSON quotes
//! it, which YAML reads the same way.

use std::fmt::Write as _;

use serde_json::Value;

use super::holes::Holes;

/// A key.
pub fn key(text: &str) -> String {
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let reserved = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    if word && !reserved.contains(&text.to_ascii_lowercase().as_str()) { text.to_owned() } else { quoted(text) }
}

/// A text in double quotes.
pub fn quoted(text: &str) -> String {
    let json = Value::from(text).to_string();
    // JSON leaves these as they are; in YAML they are line ends or not printable.
    json.chars()
        .map(|c| match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => format!("\\u{:04x}", u32::from(c)),
            _ => c.to_string(),
        })
        .collect()
}

/// A value on one line. serde_json bounds the depth of what it parsed, 128.
pub fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{}: {}", key(name), flow(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => other.to_string(),
    }
}

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
    use super::{comment, flow, key, quoted};

    #[test]
    fn texts_are_quoted_where_yaml_would_read_something_else() {
        assert_eq!(key("user-name"), "user-name");
        assert_eq!(key("no"), "\"no\"");
        assert_eq!(key("a b"), "\"a b\"");
        assert_eq!(quoted("a\"b\n\u{2028}"), "\"a\\\"b\\n\\u2028\"");
        let value = serde_json::json!({ "a": [1, true, null, "x"], "b": {} });
        assert_eq!(flow(&value), r#"{ a: [1, true, null, "x"], b: {} }"#);
    }

    #[test]
    fn comments_are_broken_into_lines() {
        let text = comment("  ", &"word ".repeat(40));
        assert_eq!(text.lines().count(), 2);
        assert!(text.lines().all(|line| line.starts_with("  # word") && line.chars().count() <= 118), "{text}");
    }
}
