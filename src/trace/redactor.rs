//! Which value may be seen, and the second layer of redaction over everything that is.
//!
//! Beside the credentials themselves the redactor knows what this very run made of them: rendered parts of requests, `env`,
//! captures. An upstream that echoes a digest of the password in its message does not get it onto the screen.

use serde::Serialize;

use crate::context::{User, Variable};
use crate::cookies::SetCookie;
use crate::crypto::encoding::url_decode;
use crate::document::Value;
use crate::flow::report::{StepReport, StepTrace};
use crate::mask::{MASK, Mask, NUMBER, telling};
use crate::request::ShapePart;
use crate::secret::Secret;

/// How a report is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct View<'a> {
    /// Everything in clear.
    pub reveal: bool,
    /// The run ended because its first request was rendered and not sent: there is no verdict.
    pub rehearsed: bool,
    /// Credentials that the caller knows, for a run that ended before its first step.
    pub credentials: &'a [Secret],
}

/// Masks what may not be seen.
pub(super) struct Redactor {
    mask: Mask,
    /// Texts of settings that come from the environment, in the spellings of a request.
    settings: Vec<Secret>,
    pub(super) reveal: bool,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("reveal", &self.reveal).finish_non_exhaustive()
    }
}

/// A value as it is shown.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RedactedValue {
    /// `string`, `number`, `boolean`, `null`, `array`, `object`, `bytes`.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// Characters of a string, items of an array, members of an object, bytes of bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) length: Option<usize>,
    /// The value, or the mask.
    pub(super) value: serde_json::Value,
}

impl Redactor {
    pub(super) fn new(steps: &[StepReport], view: View<'_>) -> Self {
        if view.reveal {
            return Self { mask: Mask::default(), settings: Vec::new(), reveal: true };
        }
        let mut known: Vec<String> = view.credentials.iter().map(|secret| secret.expose().to_owned()).collect();
        let mut settings = Vec::new();
        for trace in steps.iter().filter_map(|step| step.trace.as_deref()) {
            for setting in &trace.settings {
                let text = setting.value.expose();
                // In the query of a URL it may be several parts.
                let parts = text.split(['&', '=', '?', '#']);
                settings.extend(parts.chain([text]).flat_map(spellings));
                known.extend((!setting.in_url).then(|| text.to_owned()));
            }
            known.extend(trace.credentials.iter().map(|secret| secret.expose().to_owned()));
            derived(trace, &mut known);
        }
        let escaped: Vec<String> = known.iter().flat_map(|text| escaped(text)).collect();
        known.extend(escaped);
        known.sort_unstable();
        known.dedup();
        let known: Vec<Secret> = known.into_iter().map(Secret::new).collect();
        let settings = settings.into_iter().filter(|text| !text.is_empty()).map(Secret::new).collect();
        Self { mask: Mask::new(&User::default(), &known), settings, reveal: false }
    }

    /// A text that may be seen, without any credential in it.
    pub(super) fn text(&self, text: &str) -> String {
        if self.reveal { text.to_owned() } else { self.mask.hide(text) }
    }

    /// A name that an upstream chose: one that looks like a token may be one, and then the name is the secret.
    pub(super) fn name(&self, name: &str) -> String {
        if !self.reveal && looks_like_token(name) { MASK.to_owned() } else { self.text(name) }
    }

    /// Whether a part of a request holds the text of a setting that comes from the environment.
    pub(super) fn holds_setting(&self, part: &ShapePart) -> bool {
        // Searched, not shown. What is in another charset cannot be searched.
        let text = str::from_utf8(part.reveal());
        let holds = |text: &str| self.settings.iter().any(|setting| text.contains(setting.expose()));
        let decoded = |text: &str| url_decode(text).is_ok_and(|bytes| holds(&String::from_utf8_lossy(&bytes)));
        let holds_either = |text: &str| holds(text) || decoded(text);
        part.place != "path" && !self.settings.is_empty() && text.map_or(true, holds_either)
    }

    /// A value: with its content when `allowed`, else type and length.
    pub(super) fn value(&self, value: &Value, allowed: bool) -> RedactedValue {
        let (kind, length) = (value.kind(), length(value));
        let value = if self.reveal || allowed { self.clear(value) } else { MASK.into() };
        RedactedValue { kind, length, value }
    }

    /// Bytes that go over the wire: the same.
    pub(super) fn bytes(&self, bytes: &[u8], allowed: bool) -> RedactedValue {
        let text = String::from_utf8_lossy(bytes);
        let value = if self.reveal || allowed { self.text(&text) } else { MASK.to_owned() };
        RedactedValue { kind: "bytes", length: Some(bytes.len()), value: value.into() }
    }

    /// A value that may be seen as JSON, its texts redacted. A number with a credential in it is masked whole.
    fn clear(&self, value: &Value) -> serde_json::Value {
        let json = serde_json::to_value(value).unwrap_or_default();
        if self.reveal { json } else { self.json(json) }
    }

    /// JSON that may be seen, its texts, names and numbers redacted.
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
        if text.chars().count() >= NUMBER {
            known.push(text.to_owned());
        }
    };
    let mut made = Vec::new();
    for (_, value) in trace.env.iter().filter(|(name, _)| !is_public(&Variable::Env(name.clone()), &trace.public)) {
        telling(value, &mut made);
    }
    for value in trace.captures.iter().filter(|capture| !capture.public).filter_map(|capture| capture.value.as_ref()) {
        telling(value, &mut made);
    }
    made.into_iter().for_each(&mut add);
    for part in trace.request.iter().flat_map(|request| &request.shape).filter(|part| carries(part, &trace.public)) {
        // Searched for, never shown: as it goes out, without the quotes of JSON, and as the upstream reads it.
        let text = String::from_utf8_lossy(part.reveal());
        add(&text);
        add(text.trim_matches('"'));
        for (decoded, _) in url::form_urlencoded::parse(part.reveal()) {
            add(&decoded);
        }
    }
    for added in trace.request.iter().flat_map(|request| &request.signed) {
        add(added.credentials());
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

/// A text as the places of a request write it.
fn spellings(text: &str) -> Vec<String> {
    let form: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let json = crate::document::to_json(&text.into());
    let mut all = vec![text.to_owned(), form.replace('+', "%20"), form, json.trim_matches('"').to_owned()];
    all.extend(crate::template::escape_xml(text).map(std::borrow::Cow::into_owned));
    all
}

/// Whether a name has a word in it that looks generated: many digits, or random letters.
fn looks_like_token(name: &str) -> bool {
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        let count = |is: fn(&u8) -> bool| word.bytes().filter(is).count();
        let (length, digits) = (word.len(), count(u8::is_ascii_digit));
        let (upper, lower) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
        let random = length >= 16 && (digits >= 3 || upper.min(lower) > length / 4);
        digits >= NUMBER || random || length > 64
    })
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
