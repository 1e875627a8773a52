//! The body of `POST /v1/challenges`: an id, and either answers or an action.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use super::body::Faults;
use super::problem::Problem;
use crate::attempt::{ChallengeAction, ChallengeAnswer};
use crate::document::{Object, Value};
use crate::secret::Secret;

const KEYS: [&str; 3] = ["challenge", "answers", "action"];

/// Reads a call, or says everything that is wrong with it.
pub(super) fn parse(mut object: Object) -> Result<ChallengeAnswer, Problem> {
    let mut faults = Faults::default();
    faults.unknown_keys(&object, &KEYS);
    let id = faults.text(&mut object, "challenge");
    let action = faults.optional(&mut object, "action", "`resend`, `poll` or `cancel`", |value| match value {
        Value::Text(word) => match word.as_str() {
            "resend" => Some(ChallengeAction::Resend),
            "poll" => Some(ChallengeAction::Poll),
            "cancel" => Some(ChallengeAction::Cancel),
            _ => None,
        },
        _ => None,
    });
    let answers = faults.optional(&mut object, "answers", "an object of strings", texts);
    let action = match (answers, action) {
        (Some(answers), None) => Some(ChallengeAction::Answers(answers)),
        (None, Some(action)) => Some(action),
        (Some(_), Some(_)) => {
            faults.add("action", "`answers` or `action`, not both");
            None
        }
        (None, None) => {
            if faults.is_empty() {
                faults.add("answers", "missing; or write an `action`");
            }
            None
        }
    };
    let answer = id.zip(action).map(|(id, action)| ChallengeAnswer { id, action });
    // Without an answer there is a fault that says why.
    faults.none_or(answer)?.ok_or_else(|| Problem::Invalid(Vec::new()))
}

/// Texts only: a code as a number would lose its leading zeros.
fn texts(value: &Value) -> Option<IndexMap<String, Secret>> {
    let Value::Object(object) = value else { return None };
    let text = |value: &Value| match value {
        Value::Text(text) => Some(Secret::new(text.as_str())),
        _ => None,
    };
    object.iter().map(|(name, value)| Some((name.clone(), text(value)?))).collect()
}

/// The body for the API's description: answers or an action, never both; `null` counts as absent.
pub(crate) struct ChallengeWire;

impl JsonSchema for ChallengeWire {
    fn schema_name() -> Cow<'static, str> {
        "Answer".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let id = json!({ "type": "string", "description": "The id of the open challenge." });
        let answers = json!({
            "type": "object",
            "additionalProperties": { "type": "string" },
            "description": "The user's answers by the names of the fields; a redirect brings `code` and `state`.",
        });
        let action = json!({
            "enum": ["resend", "poll", "cancel"],
            "description": "`resend` (the code once more), `poll` (whether it is confirmed by now) or `cancel`.",
        });
        let one = |title: &str, answers: serde_json::Value, action: serde_json::Value, required: &str| {
            json!({
                "title": title,
                "type": "object",
                "properties": { "challenge": id.clone(), "answers": answers, "action": action },
                "required": ["challenge", required],
                "additionalProperties": false,
            })
        };
        let (absent, none) = (json!({ "type": "null" }), json!({ "type": "null" }));
        json_schema!({
            "description": "What is wanted of a challenge.",
            "oneOf": [one("Answers", answers, absent, "answers"), one("Action", none, action, "action")],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::from_json;

    fn read(text: &str) -> Result<ChallengeAnswer, Problem> {
        let Value::Object(object) = from_json(text.as_bytes()).unwrap() else { panic!("an object") };
        super::parse(object)
    }

    #[test]
    fn answers_or_an_action() {
        for text in [
            r#"{"challenge":"a","answers":{"code":"012345"}}"#,
            r#"{"challenge":"a","answers":{}}"#,
            r#"{"challenge":"a","action":"poll"}"#,
            r#"{"challenge":"a","action":"resend","answers":null}"#,
            r#"{"challenge":"a","action":"cancel"}"#,
        ] {
            assert!(read(text).is_ok(), "{text}");
        }
        for (text, pointer) in [
            (r#"{"challenge":"a"}"#, "/answers"),
            (r#"{"answers":{}}"#, "/challenge"),
            (r#"{"challenge":1,"action":"poll"}"#, "/challenge"),
            (r#"{"challenge":"a","action":"poll","answers":{}}"#, "/action"),
            (r#"{"challenge":"a","action":"accept"}"#, "/action"),
            (r#"{"challenge":"a","answers":{"code":12345}}"#, "/answers"),
            (r#"{"challenge":"a","answers":["1"]}"#, "/answers"),
            (r#"{"challenge":"a","action":"poll","user":"b"}"#, "/user"),
        ] {
            let Err(Problem::Invalid(mistakes)) = read(text) else { panic!("{text} is read") };
            assert_eq!(mistakes[0].pointer, pointer, "{text}");
        }
    }
}
