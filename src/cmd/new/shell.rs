//! Splits a command line into words as a POSIX shell does, with the `$'…'` of bash that browsers write ("Copy as cURL").
//!
//! The splitting is shlex's. This file only rewrites `$'…'` to plain quotes before it. It must not expand anything: a
//! variable or a command substitution stays as it was written.

use anyhow::{Context as _, Result, bail};

/// The words of `command`.
pub fn words(command: &str) -> Result<Vec<String>> {
    let plain = without_ansi_quotes(command)?;
    shlex::split(&plain).context("a quote is not closed in the curl command")
}

/// Where the reader stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    No,
    Single,
    Double,
}

fn without_ansi_quotes(command: &str) -> Result<String> {
    let mut out = String::with_capacity(command.len());
    let mut quote = Quote::No;
    let mut chars = command.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Quote::No, '$') if chars.peek() == Some(&'\'') => {
                chars.next();
                let text = ansi_text(&mut chars)?;
                // In single quotes everything is itself, but for the single quote.
                out.extend(["'", &text.replace('\'', r"'\''"), "'"]);
                continue;
            }
            (Quote::No | Quote::Double, '\\') => {
                match chars.next_if(|next| *next != '\n' && *next != '\r') {
                    Some(next) => out.extend([c, next]),
                    // A line goes on: shlex would make an empty word of it.
                    None => while chars.next_if(|next| *next == '\n' || *next == '\r').is_some() {},
                }
                continue;
            }
            (Quote::No, '\'') => quote = Quote::Single,
            (Quote::No, '"') => quote = Quote::Double,
            (Quote::Single, '\'') | (Quote::Double, '"') => quote = Quote::No,
            _ => {}
        }
        out.push(c);
    }
    Ok(out)
}

/// What stands in `$'…'` (bash, "ANSI-C Quoting"), up to and with the closing quote.
fn ansi_text(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String> {
    let mut text = String::new();
    loop {
        match chars.next() {
            None => bail!("a quote is not closed in the curl command"),
            Some('\'') => return Ok(text),
            Some('\\') => text.push(escape(chars)?),
            Some(c) => text.push(c),
        }
    }
}

fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<char> {
    let c = chars.next().context("a quote is not closed in the curl command")?;
    let digits = match c {
        'n' => return Ok('\n'),
        'r' => return Ok('\r'),
        't' => return Ok('\t'),
        '\\' | '\'' | '"' | '?' => return Ok(c),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => bail!("the curl command has an escape \\{c} in $'…' that is not known here; write the character itself"),
    };
    let mut code = 0;
    for _ in 0..digits {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(16)) else { break };
        chars.next();
        code = code * 16 + digit;
    }
    char::from_u32(code).filter(|c| *c != '\0').context("an escape in $'…' of the curl command is no character")
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn quotes_of_shells_and_browsers() {
        let cases: [(&str, &[&str]); 7] = [
            (r#"curl -H 'A: b' "x y" z\ z"#, &["curl", "-H", "A: b", "x y", "z z"]),
            ("curl \\\n  -X POST \\\n  u", &["curl", "-X", "POST", "u"]),
            (r"curl $'it\'s \u0021\n\\' x", &["curl", "it's !\n\\", "x"]),
            (r#"curl '$'"'"'x'"#, &["curl", "$'x"]),
            (r#"curl "a\"$'b'""#, &["curl", "a\"$'b'"]),
            (r"curl 'it'\''s'", &["curl", "it's"]),
            ("curl $HOME `id` $(id)", &["curl", "$HOME", "`id`", "$(id)"]),
        ];
        for (command, expected) in cases {
            assert_eq!(words(command).unwrap(), expected, "{command}");
        }
        for broken in ["curl 'a", "curl \"a", "curl $'a", r"curl $'\q'", r"curl $'\U00110000'"] {
            assert!(words(broken).is_err(), "{broken}");
        }
    }
}
