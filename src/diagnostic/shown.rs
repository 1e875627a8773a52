//! Words of a file inside a message.

/// A longer word is cut: the caret shows the rest.
const MAX_CHARACTERS: usize = 60;

/// `word` as it may stand in a message: at most 60 characters, and no character that could steer a terminal or turn
/// the line around (control characters, bidirectional controls of Unicode).
pub fn shown(word: &str) -> String {
    let safe = word.chars().map(|c| {
        let steers = c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if steers { '\u{fffd}' } else { c }
    });
    let mut text: String = safe.take(MAX_CHARACTERS).collect();
    if word.chars().nth(MAX_CHARACTERS).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn words_are_short_and_tame() {
        assert_eq!(shown("name"), "name");
        assert_eq!(shown("a\u{1b}[31m\n\u{202e}b"), "a\u{fffd}[31m\u{fffd}\u{fffd}b");
        assert_eq!(shown(&"长".repeat(61)), format!("{}…", "长".repeat(60)));
    }
}
