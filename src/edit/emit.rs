//! The few forms of YAML that are written. Every text that is not a plain word is quoted as JSON quotes it, which YAML reads
//! the same way.

use serde_json::Value;

/// Words that YAML 1.1 or 1.2 reads as something else than a text.
const RESERVED: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// A key.
pub fn key(text: &str) -> String {
    if is_word(text, |byte| byte == b'_' || byte == b'-') { text.to_owned() } else { quoted(text) }
}

/// A text that may stand without quotes where it is a word or a path of words, `result.token`.
pub fn plain(text: &str) -> String {
    if is_word(text, |byte| matches!(byte, b'_' | b'-' | b'.')) { text.to_owned() } else { quoted(text) }
}

fn is_word(text: &str, also: impl Fn(u8) -> bool) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || also(byte))
        && !RESERVED.contains(&text.to_ascii_lowercase().as_str())
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

#[cfg(test)]
mod tests {
    use super::{flow, key, plain, quoted};

    #[test]
    fn texts_are_quoted_where_yaml_would_read_something_else() {
        assert_eq!(key("user-name"), "user-name");
        assert_eq!(key("no"), "\"no\"");
        assert_eq!(key("a b"), "\"a b\"");
        assert_eq!((plain("result.token").as_str(), plain("0000").as_str()), ("result.token", "\"0000\""));
        assert_eq!(quoted("a\"b\n\u{2028}"), "\"a\\\"b\\n\\u2028\"");
        let value = serde_json::json!({ "a": [1, true, null, "x"], "b": {} });
        assert_eq!(flow(&value), r#"{ a: [1, true, null, "x"], b: {} }"#);
    }
}
