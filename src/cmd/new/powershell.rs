//! Reads the PowerShell that browsers copy: `Invoke-WebRequest` with its parameters, and the session before it.
//!
//! Knows the parameters with which requests are written; one that changes the request and is not known is an error. Nothing is
//! evaluated: of expressions only those that browsers write are understood (`$([char]0x4e2d)`, `…UTF8.GetBytes("…")`).

use std::iter::Peekable;
use std::str::Chars;

use anyhow::{Context as _, Result, bail};

use super::curl::{Curl, Reading};

/// The commands that send a request, in lower case.
const COMMANDS: [&str; 4] = ["invoke-webrequest", "invoke-restmethod", "iwr", "irm"];

/// Headers of HTTP/2 that Chrome copies as if they were some.
const PSEUDO: [&str; 4] = ["authority", "method", "path", "scheme"];

/// Whether `command` is written for PowerShell.
pub fn is_powershell(command: &str) -> bool {
    let start = command.trim_start().to_ascii_lowercase();
    start.starts_with('$') || COMMANDS.iter().any(|name| start.starts_with(name))
}

/// A piece of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A name, a parameter, a sign.
    Word(String),
    /// What stood in quotes.
    Text(String),
    End,
}

/// Reads `command`.
pub fn parse(command: &str) -> Result<Curl> {
    let mut reading = Reading::default();
    let mut tokens = tokens(command)?.into_iter().peekable();
    let mut sent = false;
    while let Some(token) = tokens.next() {
        let Token::Word(word) = token else { continue };
        let lower = word.to_ascii_lowercase();
        if COMMANDS.contains(&lower.as_str()) {
            if std::mem::replace(&mut sent, true) {
                bail!("the text has two requests; one request is a connector's step");
            }
            parameters(&mut reading, &mut tokens)?;
        } else if lower.ends_with(".useragent") {
            tokens.next(); // `=`, and a value that the connector has its own of
        } else if lower.ends_with("system.net.cookie") {
            let mut texts = Vec::new();
            while let Some(token) = tokens.next_if(|token| *token != Token::End) {
                if let Token::Text(text) = token {
                    texts.push(text);
                }
            }
            if let [name, value, ..] = texts.as_slice() {
                reading.cookie(name, value);
            }
        }
    }
    if !sent {
        bail!("the text has no Invoke-WebRequest");
    }
    reading.finish()
}

fn parameters(reading: &mut Reading, tokens: &mut Peekable<impl Iterator<Item = Token>>) -> Result<()> {
    while let Some(token) = tokens.next_if(|token| *token != Token::End) {
        let Token::Word(word) = token else {
            let Token::Text(url) = token else { continue };
            reading.set_url(url)?;
            continue;
        };
        let lower = word.to_ascii_lowercase();
        match lower.as_str() {
            "-usebasicparsing" | ")" => {}
            "-websession" | "-sessionvariable" | "-useragent" | "-timeoutsec" | "-outfile" | "-maximumredirection" => {
                value(&word, tokens)?;
            }
            "-uri" => reading.set_url(value(&word, tokens)?)?,
            "-method" => reading.option("-X", value(&word, tokens)?)?,
            "-contenttype" => reading.set_header("Content-Type", &value(&word, tokens)?),
            "-body" => reading.option("--data-raw", value(&word, tokens)?)?,
            "-headers" => headers(reading, tokens)?,
            "-skipcertificatecheck" => {
                reading.flag("-k");
            }
            _ if lower.starts_with("https://") || lower.starts_with("http://") => reading.set_url(word)?,
            _ if word.starts_with('-') => {
                bail!(
                    "the parameter {word} of Invoke-WebRequest is not known here; leave it out if the request works without it"
                )
            }
            _ => bail!("only what browsers copy is understood here: parameters with their values in quotes"),
        }
    }
    Ok(())
}

/// The value of a parameter; what stands around a text (`([System.Text.Encoding]::UTF8.GetBytes(`) does not change it.
fn value(name: &str, tokens: &mut Peekable<impl Iterator<Item = Token>>) -> Result<String> {
    let missing = || format!("the parameter {name} has no value");
    match tokens.next().with_context(missing)? {
        Token::Text(text) => Ok(text),
        Token::Word(word) if word.contains("UTF8.GetBytes") => match tokens.next() {
            Some(Token::Text(text)) => Ok(text),
            _ => bail!(missing()),
        },
        Token::Word(word) if !word.starts_with(['-', '(', '@']) => Ok(word),
        _ => bail!(missing()),
    }
}

/// `@{ "name"="value" … }`, a pair a line or with semicolons.
fn headers(reading: &mut Reading, tokens: &mut Peekable<impl Iterator<Item = Token>>) -> Result<()> {
    let broken = "the headers of Invoke-WebRequest are not @{ \"name\"=\"value\" }";
    if tokens.next() != Some(Token::Word("@{".to_owned())) {
        bail!(broken);
    }
    let mut pending: Option<String> = None;
    for token in tokens {
        match (token, pending.take()) {
            (Token::Word(word), None) if word == "}" => return Ok(()),
            (Token::End, before) => pending = before,
            (Token::Word(word), before) if word == "=" || word == ";" => pending = before,
            (Token::Text(name) | Token::Word(name), None) => pending = Some(name),
            (Token::Text(value) | Token::Word(value), Some(name)) => {
                if !PSEUDO.contains(&name.to_ascii_lowercase().as_str()) {
                    reading.header(&format!("{name}: {value}"))?;
                }
            }
        }
    }
    bail!(broken)
}

fn tokens(command: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let text = command.replace('\r', "");
    let (mut chars, mut word) = (text.chars().peekable(), String::new());
    while let Some(c) = chars.next() {
        let sign = matches!(c, '=' | ';' | '}' | ')' | '(' | ',') || c.is_whitespace() || c == '"' || c == '\'';
        if sign && !word.is_empty() {
            tokens.push(Token::Word(std::mem::take(&mut word)));
        }
        match c {
            '`' => {
                // A line goes on.
                chars.next_if_eq(&'\n');
            }
            '\n' => tokens.push(Token::End),
            '"' => tokens.push(Token::Text(double_quoted(&mut chars)?)),
            '\'' => tokens.push(Token::Text(single_quoted(&mut chars)?)),
            '=' | ';' | '}' => tokens.push(Token::Word(c.to_string())),
            '@' if chars.next_if_eq(&'{').is_some() => tokens.push(Token::Word("@{".to_owned())),
            c if c.is_whitespace() || matches!(c, '(' | ')' | ',') => {}
            _ => word.push(c),
        }
    }
    if !word.is_empty() {
        tokens.push(Token::Word(word));
    }
    tokens.push(Token::End);
    Ok(tokens)
}

const OPEN: &str = "a quote is not closed in the PowerShell text";

/// Up to and with the closing quote (about_Quoting_Rules, about_Special_Characters).
fn double_quoted(chars: &mut Peekable<Chars<'_>>) -> Result<String> {
    let mut text = String::new();
    loop {
        match chars.next().context(OPEN)? {
            '"' if chars.next_if_eq(&'"').is_some() => text.push('"'),
            '"' => return Ok(text),
            '`' => text.push(match chars.next().context(OPEN)? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => bail!("the PowerShell text has a NUL in it"),
                other => other,
            }),
            '$' if chars.peek() == Some(&'(') => text.push(character(chars)?),
            '$' if chars.peek().is_some_and(|c| c.is_alphabetic() || *c == '{') => {
                bail!("the PowerShell text names a variable; write its value out")
            }
            c => text.push(c),
        }
    }
}

/// `$([char]0x4e2d)`, behind the `$`.
fn character(chars: &mut Peekable<Chars<'_>>) -> Result<char> {
    let inside: String = chars.by_ref().take_while(|c| *c != ')').collect();
    let code =
        inside.strip_prefix("([char]").context("an expression in quotes is not understood; write its value out")?;
    let code = match code.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => code.parse(),
    };
    code.ok().and_then(char::from_u32).context("a [char] of the PowerShell text is no character")
}

fn single_quoted(chars: &mut Peekable<Chars<'_>>) -> Result<String> {
    let mut text = String::new();
    loop {
        match chars.next().context(OPEN)? {
            '\'' if chars.next_if_eq(&'\'').is_some() => text.push('\''),
            '\'' => return Ok(text),
            c => text.push(c),
        }
    }
}
