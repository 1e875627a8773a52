//! Which value may be seen, and the second net over everything that is.
//!
//! Beside the credentials themselves the net knows what this very run made of them: rendered parts of requests, `env`,
//! captures. An upstream that echoes a digest of the password in its message does not get it onto the screen.

use serde::Serialize;

use super::View;
use crate::context::{User, Variable};
use crate::cookies::SetCookie;
use crate::document::Value;
use crate::flow::report::{StepReport, StepTrace};
use crate::mask::{DERIVED, MASK, Mask};
use crate::request::ShapePart;
use crate::secret::Secret;

/// Masks what may not be seen.
pub(super) struct Net {
    mask: Mask,
    pub(super) reveal: bool,
}

impl std::fmt::Debug for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Net").field("reveal", &self.reveal).finish_non_exhaustive()
    }
}

/// A value as it is shown.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Shown {
    /// `string`, `number`, `boolean`, `null`, `array`, `object`, `bytes`.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// Characters of a string, items of an array, members of an object, bytes of bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) length: Option<usize>,
    /// The value, or the mask.
    pub(super) value: serde_json::Value,
}

impl Net {
    pub(super) fn new(steps: &[StepReport], view: View<'_>) -> Self {
        if view.reveal {
            return Self { mask: Mask::default(), reveal: true };
        }
        let mut known: Vec<String> = view.credentials.iter().map(|secret| secret.expose().to_owned()).collect();
        for trace in steps.iter().filter_map(|step| step.trace.as_deref()) {
            known.extend(trace.credentials.iter().map(|secret| secret.expose().to_owned()));
            derived(trace, &mut known);
        }
        let escaped: Vec<String> = known.iter().flat_map(|text| escaped(text)).collect();
        known.extend(escaped);
        known.sort_unstable();
        known.dedup();
        let known: Vec<Secret> = known.into_iter().map(Secret::new).collect();
        Self { mask: Mask::new(&User::default(), &known), reveal: false }
    }

    /// A text that may be seen, without any credential in it.
    pub(super) fn text(&self, text: &str) -> String {
        if self.reveal { text.to_owned() } else { self.mask.hide(text) }
    }

    /// A value: with its content when `allowed`, else type and length.
    pub(super) fn value(&self, value: &Value, allowed: bool) -> Shown {
        let (kind, length) = (value.kind(), length(value));
        let value = if self.reveal || allowed { self.clear(value) } else { MASK.into() };
        Shown { kind, length, value }
    }

    /// Bytes that go over the wire: the same.
    pub(super) fn bytes(&self, bytes: &[u8], allowed: bool) -> Shown {
        let text = String::from_utf8_lossy(bytes);
        let value = if self.reveal || allowed { self.text(&text) } else { MASK.to_owned() };
        Shown { kind: "bytes", length: Some(bytes.len()), value: value.into() }
    }

    /// A value that may be seen as JSON, its texts through the net. A number with a credential in it is masked whole.
    fn clear(&self, value: &Value) -> serde_json::Value {
        let json = serde_json::to_value(value).unwrap_or_default();
        if self.reveal { json } else { self.json(json) }
    }

    /// JSON that may be seen, its texts, names and numbers through the net.
    pub(super) fn json(&self, json: serde_json::Value) -> serde_json::Value {
        use serde_json::Value as Json;
        match json {
            Json::Number(number) if self.mask.finds(&number.to_string()) => MASK.into(),
            Json::String(text) => self.text(&text).into(),
            Json::Array(items) => items.into_iter().map(|item| self.json(item)).collect(),
            Json::Object(members) => {
                Json::Object(members.into_iter().map(|(name, value)| (self.text(&name), self.json(value))).collect())
            }
            other => other,
        }
    }
}

/// What this step made of credentials, as far as its connector does not declare it public.
fn derived(trace: &StepTrace, known: &mut Vec<String>) {
    let mut add = |text: &str| {
        if text.chars().count() >= DERIVED {
            known.push(text.to_owned());
        }
    };
    for (name, value) in &trace.env {
        let public = is_public(&Variable::Env(name.clone()), &trace.public);
        if let (Value::Text(text), false) = (value, public) {
            add(text);
        }
    }
    for capture in trace.captures.iter().filter(|capture| !capture.public) {
        if let Some(Value::Text(text)) = &capture.value {
            add(text);
        }
    }
    for part in trace.request.iter().flat_map(|request| &request.shape).filter(|part| carries(part, &trace.public)) {
        // Searched for, never shown: as it goes out, without the quotes of JSON, and as the upstream reads it.
        let text = String::from_utf8_lossy(part.reveal());
        add(&text);
        add(text.trim_matches('"'));
        for (decoded, _) in url::form_urlencoded::parse(part.reveal()) {
            add(&decoded);
        }
    }
    for (_, value) in trace.request.iter().flat_map(|request| &request.signed) {
        let text = String::from_utf8_lossy(value);
        add(text.split_once(' ').map_or(&*text, |(_, credentials)| credentials));
    }
    for (_, value) in trace.request.iter().flat_map(|request| &request.from_jar) {
        add(&String::from_utf8_lossy(value));
    }
    for (_, field) in trace.reply.iter().flat_map(|reply| &reply.headers).filter(|(name, _)| name == "set-cookie") {
        if let Ok(cookie) = SetCookie::parse(field, 0) {
            add(&cookie.value);
        }
    }
}

/// The spellings of JSON writers that escape everything beyond ASCII, and the slash too (PHP's `json_encode`).
fn escaped(text: &str) -> Vec<String> {
    use std::fmt::Write as _;
    if text.is_ascii() && !text.contains('/') {
        return Vec::new();
    }
    let json = crate::document::to_json(&text.into());
    let mut ascii = String::new();
    for c in json.trim_matches('"').chars() {
        let mut units = [0; 2];
        match c {
            c if c.is_ascii() => ascii.push(c),
            c => c.encode_utf16(&mut units).iter().for_each(|unit| {
                let _ = write!(ascii, "\\u{unit:04x}");
            }),
        }
    }
    vec![ascii.replace('/', "\\/"), ascii]
}

/// Whether a part of a request holds a credential, or what may have been computed from one.
fn carries(part: &ShapePart, public: &[String]) -> bool {
    let derived = |variable: &Variable| {
        matches!(variable, Variable::Env(_) | Variable::Step { .. }) && !is_public(variable, public)
    };
    part.variables.iter().any(|variable| is_secret(variable) || derived(variable))
}

/// Whether the value of `variable` may be seen. What is a credential by its name cannot be declared public.
pub(super) fn is_public(variable: &Variable, public: &[String]) -> bool {
    !is_secret(variable) && public.contains(&variable.to_string())
}

fn is_secret(variable: &Variable) -> bool {
    variable.is_credential() || matches!(variable, Variable::Secret(_) | Variable::Login(_))
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Text(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Object(members) => Some(members.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
