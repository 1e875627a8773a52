//! `POST /v1/challenges`: an answer to an open challenge, or a poll, a resend, a cancellation.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::json;

use super::body::fields::Text;
use super::body::{self, Members};
use super::description::{self, Description};
use super::problem::{Mistake, Problem};
use super::reply::VerdictBody;
use super::{call, reply};
use crate::attempt::{App, ChallengeAction, ChallengeCall, Mode};
use crate::config::Scope;
use crate::document::Value;
use crate::secret::Secret;

/// What is wanted of a challenge: answers or an action.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerBody {
    challenge: Text,
    answers: Option<Answers>,
    action: Option<Action>,
}

/// By the names of the fields. Texts only: a code as a number would lose its leading zeros.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
struct Answers(IndexMap<String, Secret>);

#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
struct Action(ChallengeAction);

impl TryFrom<Value> for Answers {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        const EXPECTED: &str = "expected an object of strings";
        let Value::Object(object) = value else { return Err(EXPECTED) };
        let answers = object.into_iter().map(|(name, value)| match value {
            Value::Text(text) => Ok((name, Secret::new(text))),
            _ => Err(EXPECTED),
        });
        answers.collect::<Result<_, _>>().map(Self)
    }
}

impl TryFrom<Value> for Action {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value.scalar_text() {
            Some("resend") => Ok(Self(ChallengeAction::Resend)),
            Some("poll") => Ok(Self(ChallengeAction::Poll)),
            Some("cancel") => Ok(Self(ChallengeAction::Cancel)),
            _ => Err("expected `resend`, `poll` or `cancel`"),
        }
    }
}

impl AnswerBody {
    pub(crate) fn answer(self, mode: Mode) -> Result<ChallengeCall, Problem> {
        let mistake = |at, detail| Problem::invalid(vec![Mistake::at(&[at], detail)]);
        let action = match (self.answers, self.action) {
            (Some(Answers(answers)), None) => ChallengeAction::Answers(answers),
            (None, Some(Action(action))) => action,
            (Some(_), Some(_)) => return Err(mistake("action", "`answers` or `action`, not both")),
            (None, None) => return Err(mistake("answers", "missing; or write an `action`")),
        };
        Ok(ChallengeCall::of_api(self.challenge.0, action, mode))
    }
}

/// The endpoint.
pub(super) async fn post(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let answer = answer(&app, request).await;
    call::settle(&app, answer)
}

async fn answer(app: &Arc<App>, request: Request<Body>) -> Result<Response, Problem> {
    let caller = call::caller(app, &request, Scope::Authenticate)?;
    let parent = app.parent(request.headers());
    let bytes = body::read(request, app.limits().body).await?;
    let answer = Members::of(&bytes)?.read::<AnswerBody>()?.answer(Mode::Login)?;
    let outcome = app.answer(&caller, ChallengeCall { parent, ..answer }).await?;
    Ok(reply::respond(&outcome.report, outcome.session.as_ref(), &caller.unread))
}

pub(super) fn describe(api: &mut Description) {
    let (verdict, asked) = (api.schema::<VerdictBody<'static>>(), api.schema::<AnswerBody>());
    let mut responses = description::verdicts(&verdict);
    description::answerable(&mut responses);
    api.problems(&mut responses, &[400, 401, 408, 413, 415, 422, 429]);
    let summary = "An answer to a challenge, a poll, a resend, or its end";
    api.add("/v1/challenges", "post", description::operation("answerChallenge", summary, Some(&asked), responses));
}

/// Answers or an action, never both; `null` counts as absent.
impl JsonSchema for AnswerBody {
    fn schema_name() -> Cow<'static, str> {
        "Answer".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let id = json!({ "type": "string", "description": "The id of the open challenge." });
        let answers = json!({
            "type": "object",
            "additionalProperties": { "type": "string" },
            "description": "The user's answers by the names of the fields; a redirect brings what its `answers` name.",
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
    fn read(text: &str) -> Result<ChallengeCall, Problem> {
        Members::of(text.as_bytes())?.read::<AnswerBody>()?.answer(Mode::Login)
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
            let Err(problem) = read(text) else { panic!("{text} is read") };
            assert_eq!(problem.mistakes()[0].pointer, pointer, "{text}");
        }
    }
}
