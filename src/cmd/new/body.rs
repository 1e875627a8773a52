//! The body of a draft: JSON, form, multipart, XML or text, by what curl's Content-Type says.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use serde_json::Value;

use super::curl::{Body, Curl};
use super::holes::Holes;
use super::yaml::{flow, key, pairs, quoted};

/// A body as it is written, and the Content-Type if it is not what goes with such a body anyway.
pub struct BodyDraft {
    /// The lines of the key `body`.
    pub body: String,
    /// A header that must say it.
    pub content_type: Option<String>,
}

/// The body of `curl` with its holes.
pub fn body(curl: &Curl, holes: &mut Holes) -> Result<BodyDraft> {
    let said = curl.headers.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let media = said.map(|(_, value)| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let (body, usual) = match (&curl.body, media.as_deref()) {
        (Body::None, _) => return Ok(BodyDraft { body: String::new(), content_type: None }),
        (Body::Parts(parts), _) => return Ok(BodyDraft { body: multipart(parts, holes), content_type: None }),
        (Body::Data(data), Some(media)) if media.contains("json") => (json(data, holes)?, "application/json"),
        (Body::Data(data), None) if data.trim_start().starts_with('{') => {
            holes.notes.push("the body is JSON although curl called it a form; it is sent as JSON".to_owned());
            (json(data, holes)?, "application/json")
        }
        (Body::Data(data), Some(media)) if media.contains("xml") => (text("xml", &xml(data, holes)), "application/xml"),
        (Body::Data(data), None | Some("application/x-www-form-urlencoded")) => {
            let fields: Vec<_> = url::form_urlencoded::parse(data.as_bytes()).into_owned().collect();
            let body = format!("      body:\n        form:\n{}", indented(&pairs(&fields, holes)));
            (body, "application/x-www-form-urlencoded")
        }
        (Body::Data(data), Some(_)) => (text("text", &holes.fill_text(data)), "text/plain"),
    };
    Ok(BodyDraft { body, content_type: media.filter(|media| media != usual) })
}

fn indented(lines: &str) -> String {
    lines.lines().flat_map(|line| ["  ", line, "\n"]).collect()
}

fn text(kind: &str, text: &str) -> String {
    format!("      body:\n        {kind}: {}\n", quoted(text))
}

fn multipart(parts: &[(String, String, Option<String>)], holes: &mut Holes) -> String {
    let mut lines = String::new();
    for (name, value, content_type) in parts {
        let value = quoted(&holes.fill(name, value));
        let _ = match content_type {
            None => writeln!(lines, "          {}: {value}", key(name)),
            Some(media) => {
                writeln!(lines, "          {}: {{ value: {value}, content_type: {} }}", key(name), quoted(media))
            }
        };
    }
    format!("      body:\n        multipart:\n{lines}")
}

fn json(data: &str, holes: &mut Holes) -> Result<String> {
    let Ok(mut value) = serde_json::from_str::<Value>(data) else {
        bail!("the body of the curl command is not JSON, although its Content-Type says so");
    };
    fill_json("", &mut value, holes);
    let Value::Object(members) = &value else {
        return Ok(format!("      body:\n        json: {}\n", flow(&value)));
    };
    let lines: Vec<_> =
        members.iter().map(|(name, value)| format!("          {}: {}\n", key(name), flow(value))).collect();
    Ok(format!("      body:\n        json:\n{}", lines.concat()))
}

/// At most as deep as serde_json parses, 128.
fn fill_json(name: &str, value: &mut Value, holes: &mut Holes) {
    match value {
        Value::String(text) => *text = holes.fill(name, text),
        Value::Number(number) => {
            let digits = number.to_string();
            let template = holes.fill(name, &digits);
            if template != digits {
                *value = Value::String(template);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill_json(name, item, holes)),
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| fill_json(name, value, holes)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Fills the elements that hold text only, by their local names; the rest stays as it is written.
fn xml(data: &str, holes: &mut Holes) -> String {
    let mut out = String::with_capacity(data.len());
    let mut rest = data;
    while let Some(end) = rest.find('>') {
        let (tag, after) = rest.split_at(end + 1);
        out.push_str(tag);
        rest = after;
        let opened = tag.rsplit_once('<').map_or("", |(_, inside)| inside);
        let Some(close) = rest.find('<').filter(|at| rest[*at..].starts_with("</")) else { continue };
        if opened.starts_with(['/', '!', '?']) || opened.ends_with("/>") {
            continue;
        }
        let name = opened.split(|c: char| c.is_whitespace() || c == '>').next().unwrap_or_default();
        let name = name.rsplit(':').next().unwrap_or_default();
        let (written, after) = rest.split_at(close);
        let value =
            quick_xml::escape::unescape(written).map_or_else(|_| written.to_owned(), std::borrow::Cow::into_owned);
        let template = holes.fill(name, &value);
        out.push_str(if template == value { written } else { &template });
        rest = after;
    }
    out.push_str(rest);
    out
}
