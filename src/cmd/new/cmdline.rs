//! Reads a command line as Windows does: what cmd.exe makes of carets, then what a program's C runtime makes of quotes.
//!
//! "Copy as cURL (cmd)" of a browser writes such a line. Nothing is expanded: `%PATH%` stays as it was written.

use anyhow::{Result, bail};

/// Whether a command is written for cmd.exe: a caret before a quote, or at the end of a line.
pub fn is_windows(command: &str) -> bool {
    command.contains("^\"") || command.lines().any(|line| line.trim_end().ends_with(" ^"))
}

/// The words of `command`.
pub fn words(command: &str) -> Result<Vec<String>> {
    split(&without_carets(command))
}

/// cmd.exe takes the character behind a caret as it is, unless a quote is open; a caret at the end of a line joins the next one to it, and
/// an empty line behind it is a line end of the text.
fn without_carets(command: &str) -> String {
    let mut out = String::with_capacity(command.len());
    let mut quoted = false;
    let mut chars = command.chars().filter(|c| *c != '\r').peekable();
    while let Some(c) = chars.next() {
        match c {
            '^' if !quoted => match chars.next() {
                // The first character of the next line is taken as it is, too: another line end, for one.
                Some('\n') => out.extend(chars.next_if(|next| *next == '\n' || *next == '^')),
                Some(next) => out.push(next),
                None => {}
            },
            '"' => {
                quoted = !quoted;
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// "Parsing C command-line arguments" of Microsoft's documentation: 2n backslashes before a quote are n, one more makes the quote a
/// character; two quotes within quotes are one.
fn split(line: &str) -> Result<Vec<String>> {
    let (mut words, mut word): (Vec<String>, Option<String>) = (Vec::new(), None);
    let (mut quoted, mut slashes) = (false, 0);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\' {
            slashes += 1;
            continue;
        }
        let escaped = c == '"' && slashes % 2 == 1;
        let kept = if c == '"' { slashes / 2 } else { slashes };
        if kept > 0 {
            word.get_or_insert_default().extend(std::iter::repeat_n('\\', kept));
        }
        slashes = 0;
        match c {
            '"' if escaped => word.get_or_insert_default().push('"'),
            '"' if quoted && chars.next_if_eq(&'"').is_some() => word.get_or_insert_default().push('"'),
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' | '\t' | '\n' if !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    if slashes > 0 {
        word.get_or_insert_default().extend(std::iter::repeat_n('\\', slashes));
    }
    if quoted {
        bail!("a quote is not closed in the curl command");
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::{is_windows, words};

    #[test]
    fn carets_and_quotes_of_windows() {
        let cases: [(&str, &[&str]); 7] = [
            ("curl ^\"https://h/x?a=1^&b=2^\" ^\r\n  -H ^\"A: b^\"", &["curl", "https://h/x?a=1&b=2", "-H", "A: b"]),
            (r#"curl --data-raw ^"^{^\^"user^\^":^\^"a^\^"^}^""#, &["curl", "--data-raw", r#"{"user":"a"}"#]),
            (r#"curl --data-raw "{\"user\":\"a\"}""#, &["curl", "--data-raw", r#"{"user":"a"}"#]),
            (r#"curl "say ""hi""" x"#, &["curl", "say \"hi\"", "x"]),
            (r#"curl C:\a\\ "b\\" c\"d"#, &["curl", r"C:\a\\", r"b\", "c\"d"]),
            ("curl ^\"a^\n\nb^\"", &["curl", "a\nb"]),
            ("curl ^\"100^%^\" \"\"", &["curl", "100%", ""]),
        ];
        for (command, expected) in cases {
            assert_eq!(words(command).unwrap(), expected, "{command}");
        }
        assert!(words("curl \"a").is_err());
        assert!(is_windows("curl ^\"h^\"") && is_windows("curl h ^\n -X GET"));
        assert!(!is_windows("curl 'h' -H 'x: ^a'") && !is_windows("curl h \\\n -X GET"));
    }
}
