//! The documents of the last send test, so that a rule can be made of a field that the page shows without its value.
//!
//! In memory only, until the next test. A value leaves it only into a rule that somebody asked for, and only one that looks
//! like a code: whoever makes the rule could have the server's reply shown by `map` just as well.

use std::sync::{Mutex, PoisonError};

use crate::document::{Path, Value};
use crate::flow::Report;
use crate::secret::Secret;

/// Longer texts are names, messages and tokens.
const MAX_WORD: usize = 24;
/// Longer numbers are ids and telephone numbers.
const MAX_DIGITS: usize = 6;
/// What fields are called that say how it went.
const NAMES: [&str; 9] = ["code", "status", "success", "result", "state", "err", "ret", "flag", "msg"];

#[derive(Default)]
pub(super) struct LastReply(Mutex<Option<TestedReplies>>);

struct TestedReplies {
    connector: String,
    steps: Vec<StepReply>,
}

struct StepReply {
    step: String,
    document: Value,
    credentials: Vec<Secret>,
}

impl LastReply {
    /// Keeps the documents of a test; those of its later parts go to the first ones.
    pub(super) fn keep(&self, report: Report, continues: bool) {
        let Report { connector, steps, .. } = report;
        let replies = steps.into_iter().filter_map(|step| {
            let trace = *step.trace?;
            let document = trace.reply?.document?;
            Some(StepReply { step: step.name, document, credentials: trace.credentials })
        });
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.as_mut().filter(|kept| continues && kept.connector == connector) {
            Some(kept) => kept.steps.extend(replies),
            None => *kept = Some(TestedReplies { connector, steps: replies.collect() }),
        }
    }

    /// What a field of a step's reply said, as YAML; `None` where it is not known or looks like more than a code.
    pub(super) fn code(&self, connector: &str, step: &str, path: &Path, written: &str) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.as_ref().filter(|kept| kept.connector == connector)?;
        let reply = kept.steps.iter().rev().find(|reply| reply.step == step)?;
        let value = path.get(&reply.document)?;
        let text = value.scalar_text()?;
        let known = reply.credentials.iter().any(|credential| credential.expose() == text);
        (is_code(written, value) && !known).then(|| as_yaml(value, text))
    }
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
