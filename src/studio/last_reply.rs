//! The replies of the last send test, so that a rule or a golden case can be made of what the page shows without values.
//!
//! In memory only, until the next test. A value leaves it only into a rule that somebody asked for, and only one that looks
//! like a code: whoever makes the rule could have the server's reply shown by `map` just as well. A case has stand-ins.

use std::sync::{Mutex, PoisonError};

use crate::document::{Path, Value};
use crate::flow::Report;
use crate::flow::report::StepTrace;
use crate::secret::Secret;

/// Longer texts are names, messages and tokens.
const MAX_WORD: usize = 24;
/// Longer numbers are ids and telephone numbers.
const MAX_DIGITS: usize = 6;
/// Fields that completion offers.
const MAX_FIELDS: usize = 300;
/// What fields are called that say how it went.
const NAMES: [&str; 9] = ["code", "status", "success", "result", "state", "err", "ret", "flag", "msg"];

#[derive(Default)]
pub(super) struct LastReply(Mutex<Option<TestedLogin>>);

/// What a send test came to, and what the upstream said.
pub(super) struct TestedLogin {
    pub connector: String,
    pub username: String,
    pub verdict: &'static str,
    /// The reason or the cause.
    pub detail: Option<String>,
    /// Whether a challenge was answered.
    pub answered: bool,
    pub replies: Vec<StepReply>,
}

/// A reply of one step.
pub(super) struct StepReply {
    pub step: String,
    pub status: u16,
    /// As the trace says it: `JSON`, `a form`.
    pub read_as: String,
    /// The document is a script's.
    pub preprocessed: bool,
    pub document: Option<Value>,
    credentials: Vec<Secret>,
}

impl LastReply {
    /// Keeps what a test brought; its later parts go to the first one.
    pub(super) fn keep(&self, report: Report, continues: bool) {
        let verdict = report.verdict.name();
        let detail = Some(report.verdict.detail().to_owned()).filter(|detail| !detail.is_empty());
        let Report { connector, username, steps, .. } = report;
        let mut replies: Vec<StepReply> =
            steps.into_iter().filter_map(|step| of_step(step.name, *step.trace?)).collect();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = kept.take().filter(|kept| continues && kept.connector == connector) {
            replies.splice(0..0, before.replies);
        }
        *kept = Some(TestedLogin { connector, username, verdict, detail, answered: continues, replies });
    }

    /// Looks at what the last test of a connector brought.
    pub(super) fn of<T>(&self, connector: &str, look: impl FnOnce(&TestedLogin) -> T) -> Option<T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|kept| kept.connector == connector).map(look)
    }

    /// Paths of the fields of a step's reply, by name alone; of all replies where the step has none.
    pub(super) fn fields(&self, connector: &str, step: Option<&str>) -> Vec<String> {
        let paths = |tested: &TestedLogin| {
            let known = tested.replies.iter().any(|reply| Some(reply.step.as_str()) == step);
            let wanted = |reply: &&StepReply| !known || Some(reply.step.as_str()) == step;
            let mut paths: Vec<String> = Vec::new();
            for reply in tested.replies.iter().filter(wanted) {
                let fresh = reply.fields().into_iter().map(|(path, _)| path);
                paths.extend(
                    fresh.collect::<Vec<_>>().into_iter().filter(|path| !paths.contains(path)).collect::<Vec<_>>(),
                );
            }
            paths
        };
        self.of(connector, paths).unwrap_or_default()
    }

    /// What a field of a step's reply said, as YAML; `None` where it is not known or looks like more than a code.
    pub(super) fn code(&self, connector: &str, step: &str, path: &Path, written: &str) -> Option<String> {
        let code = |tested: &TestedLogin| {
            let reply = tested.replies.iter().rev().find(|reply| reply.step == step)?;
            reply.code_of(written, path.get(reply.document.as_ref()?)?)
        };
        self.of(connector, code).flatten()
    }
}

fn of_step(step: String, trace: StepTrace) -> Option<StepReply> {
    let reply = trace.reply?;
    Some(StepReply {
        step,
        status: reply.status,
        read_as: reply.read_as,
        preprocessed: reply.preprocessed,
        document: reply.document,
        credentials: trace.credentials,
    })
}

impl StepReply {
    /// The scalars of its document with their paths as a connector writes them; names that need quotes are left out.
    pub(super) fn fields(&self) -> Vec<(String, &Value)> {
        let mut fields = Vec::new();
        if let Some(document) = &self.document {
            fields_of(document, String::new(), &mut fields);
        }
        fields
    }

    /// What a field says, as YAML, where it looks like a code.
    pub(super) fn code_of(&self, path: &str, value: &Value) -> Option<String> {
        let text = value.scalar_text()?;
        let known = self.credentials.iter().any(|credential| credential.expose() == text);
        (is_code(path, value) && !known).then(|| as_yaml(value, text))
    }
}

/// The depth is bounded by the decoder.
fn fields_of<'v>(value: &'v Value, path: String, fields: &mut Vec<(String, &'v Value)>) {
    match value {
        _ if fields.len() >= MAX_FIELDS => {}
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(name, _)| is_plain(name)) {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                fields_of(member, below, fields);
            }
        }
        Value::Array(items) => {
            if let Some(first) = items.first() {
                fields_of(first, format!("{path}[0]"), fields);
            }
        }
        _ if path.is_empty() => {}
        _ => fields.push((path, value)),
    }
}

fn is_plain(name: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    !name.is_empty() && name.chars().all(fits)
}

fn is_code(path: &str, value: &Value) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
    let named = NAMES.iter().any(|name| last.contains(name));
    named
        && match value {
            Value::Bool(_) => true,
            Value::Number(number) => number.as_str().len() <= MAX_DIGITS,
            Value::Text(text) => {
                let word = text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
                let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= MAX_DIGITS;
                !text.is_empty() && text.len() <= MAX_WORD && (word || digits)
            }
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        }
}

fn as_yaml(value: &Value, text: &str) -> String {
    match value {
        Value::Text(_) => crate::edit::plain(text),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
impl StepReply {
    pub(super) fn made_up(step: &str, status: u16, document: Value) -> Self {
        let (step, read_as) = (step.to_owned(), "JSON".to_owned());
        Self { step, status, read_as, preprocessed: false, document: Some(document), credentials: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::from_json;

    #[test]
    fn only_what_looks_like_a_code_is_one() {
        let document = from_json(
            br#"{"code":200,"resultCode":"0000","success":true,"status":"ok","token":"abc","data":{"state":"SUCCESS"},
               "msg":"Hello, Zhang San","codeId":12345678901,"result":{"code":1},"statusToken":"a1b2c3"}"#,
        )
        .unwrap();
        for (path, expected) in [
            ("code", true),
            ("resultCode", true),
            ("success", true),
            ("status", true),
            ("data.state", true),
            ("result.code", true),
            ("token", false),
            ("msg", false),
            ("codeId", false),
            ("result", false),
            ("statusToken", false),
        ] {
            let value = Path::parse(path).unwrap().get(&document).unwrap().clone();
            assert_eq!(is_code(path, &value), expected, "{path}");
        }
        assert_eq!(as_yaml(&"0000".into(), "0000"), "\"0000\"");
        assert_eq!(as_yaml(&"ok".into(), "ok"), "ok");
    }
}
