//! Canaries into the replies of a case: into every value that can hold one without another outcome.
//!
//! A value that a rule, a source or a comment-free line of the connector names is left alone; should the outcome change all
//! the same, each value is tried by itself.

use std::collections::BTreeSet;

use bytes::Bytes;
use doorward::upstream::{Reply, SendFault};
use http::HeaderValue;

/// The replies of a case.
pub type Replies = Vec<Result<Reply, SendFault>>;

/// A place in a reply that can hold something more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    reply: usize,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// The value of a header, by its position; of a cookie the value alone.
    Header(usize),
    /// The n-th value of the body.
    Value(usize),
}

/// How the values of a body are told from what is around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Json,
    /// Texts between tags.
    Markup,
    /// Pieces between separators.
    Line,
}

impl Syntax {
    fn of(body: &[u8]) -> Self {
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{' | b'[') => Self::Json,
            Some(b'<') => Self::Markup,
            _ => Self::Line,
        }
    }

    /// `more` as it stands in this syntax.
    fn spelt(self, more: &str) -> String {
        match self {
            Self::Json => serde_json::Value::from(more).to_string().trim_matches('"').to_owned(),
            Self::Markup => more.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
            Self::Line => url::form_urlencoded::byte_serialize(more.as_bytes()).collect(),
        }
    }
}

/// The ends of the values of a body: something may be inserted there. A JSON text in a JSON text has its own values, too.
fn ends(body: &[u8], named: &BTreeSet<String>) -> Vec<usize> {
    let syntax = Syntax::of(body);
    let mut ends = Vec::new();
    let mut value = |from: usize, to: usize| {
        let text = String::from_utf8_lossy(&body[from..to]).trim().to_owned();
        if !text.is_empty() && !named.contains(&text) {
            ends.push(to);
        }
    };
    match syntax {
        Syntax::Json => {
            let mut at = 0;
            while let Some(open) = body[at..].iter().position(|byte| *byte == b'"').map(|found| at + found) {
                let mut close = open + 1;
                while close < body.len() && body[close] != b'"' {
                    close += if body[close] == b'\\' { 2 } else { 1 };
                }
                let close = close.min(body.len());
                let after = body[(close + 1).min(body.len())..].iter().find(|byte| !byte.is_ascii_whitespace());
                if after != Some(&b':') {
                    value(open + 1, close);
                }
                at = (close + 1).min(body.len());
            }
        }
        Syntax::Markup => {
            let mut at = 0;
            while let Some(open) = body[at..].iter().position(|byte| *byte == b'>').map(|found| at + found + 1) {
                let close = body[open..].iter().position(|byte| *byte == b'<').map_or(body.len(), |found| open + found);
                value(open, close);
                at = close;
            }
        }
        Syntax::Line => {
            let separator = |byte: &u8| b",;&=|\r\n".contains(byte);
            let mut at = 0;
            for piece in body.split(separator) {
                value(at, at + piece.len());
                at += piece.len() + 1;
            }
        }
    }
    ends
}

/// Every spot of `replies` that no word of the connector names.
pub fn spots(replies: &Replies, named: &BTreeSet<String>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (reply, answer) in replies.iter().enumerate() {
        let Ok(answer) = answer else { continue };
        for (index, (name, _)) in answer.headers.iter().enumerate() {
            if name != http::header::CONTENT_TYPE {
                spots.push(Spot { reply, place: Place::Header(index) });
            }
        }
        for index in 0..ends(&answer.body, named).len() {
            spots.push(Spot { reply, place: Place::Value(index) });
        }
    }
    spots
}

/// `replies` with `more` at each of `spots`, spelt as its place wants it.
pub fn planted(replies: &Replies, named: &BTreeSet<String>, spots: &[Spot], more: &str) -> Replies {
    let mut all = replies.clone();
    for (index, answer) in all.iter_mut().enumerate() {
        let Ok(answer) = answer else { continue };
        let here: Vec<&Place> = spots.iter().filter(|spot| spot.reply == index).map(|spot| &spot.place).collect();
        let syntax = Syntax::of(&answer.body);
        let (ends, mut body) = (ends(&answer.body, named), answer.body.to_vec());
        for (number, end) in ends.iter().enumerate().rev() {
            if here.contains(&&Place::Value(number)) {
                body.splice(*end..*end, syntax.spelt(more).into_bytes());
            }
        }
        answer.body = Bytes::from(body);
        for (number, (_, value)) in answer.headers.iter_mut().enumerate() {
            if here.contains(&&Place::Header(number)) {
                *value = longer(value, more);
            }
        }
    }
    all
}

/// A header with `more` behind its value; before the attributes if it is a cookie.
fn longer(value: &HeaderValue, more: &str) -> HeaderValue {
    let text = value.to_str().unwrap_or_default();
    let more: String = url::form_urlencoded::byte_serialize(more.as_bytes()).collect();
    let changed = match text.split_once(';') {
        Some((first, rest)) => format!("{first}{more};{rest}"),
        None => format!("{text}{more}"),
    };
    HeaderValue::try_from(changed).unwrap_or_else(|_| value.clone())
}

/// Every word of a connector file before its cases, comments left out: what its rules may name.
pub fn words(file: &str) -> BTreeSet<String> {
    let head = file.split("\ntests:").next().unwrap_or_default();
    let lines =
        head.lines().map(|line| line.split(" #").next().unwrap_or_default()).filter(|line| !line.starts_with('#'));
    let text: String = lines.collect::<Vec<_>>().join("\n");
    let mut words: BTreeSet<String> =
        text.split(|c: char| !(c.is_alphanumeric() || "_-.".contains(c))).map(str::to_owned).collect();
    words.extend(text.split(['"', '\'']).map(str::to_owned));
    words
}
