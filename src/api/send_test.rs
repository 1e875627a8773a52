//! `POST /v1/connectors/{id}/test`: a login for real that shows every stage, or (`"mode": "render"`) one that stops before
//! it sends.
//!
//! It counts as an attempt: guard, bounds and audit are those of a login. Only accept is 2xx here too, so a rendering is
//! a problem, 409. What is shown went through the allow-list of `trace`.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::{Request, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::authenticate::LoginBody;
use super::body::fields::Flag;
use super::body::{self, Members};
use super::description::{self, Description};
use super::problem::{Problem, ProblemKind};
use super::reply::Traced;
use super::{call, reply};
use crate::attempt::connectors::ConnectorKind;
use crate::attempt::{App, Login, Mode};
use crate::config::Scope;
use crate::document::Value;
use crate::flow::Report;
use crate::trace::{Trace, View};
use crate::verdict::Verdict;

/// No verdict, and nothing that reads as success.
const RENDERED: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "rendered", "The request was rendered and not sent");

/// `send` or `render`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct TestMode(pub Mode);

impl TryFrom<Value> for TestMode {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value.scalar_text() {
            Some("send") => Ok(Self(Mode::Test)),
            Some("render") => Ok(Self(Mode::DryRun)),
            _ => Err("expected `send` or `render`"),
        }
    }
}

/// The endpoint.
pub(super) async fn post(State(app): State<Arc<App>>, path: RawPathParams, request: Request<Body>) -> Response {
    let answer = answer(&app, &path, request).await;
    call::settle(&app, answer)
}

async fn answer(app: &Arc<App>, path: &RawPathParams, request: Request<Body>) -> Result<Response, Problem> {
    let caller = call::caller(app, &request, Scope::Test)?;
    let connector = call::connector_of_kind(app, &caller, path, ConnectorKind::Authentication)?;
    let parent = app.parent(request.headers());
    let bytes = body::read(request, app.limits().body).await?;
    let mut members = Members::of(&bytes)?;
    let mode = members.take::<TestMode>("mode").map_or(Mode::Test, |TestMode(mode)| mode);
    let interactive = members.take::<Flag>("interactive").is_some_and(|Flag(interactive)| interactive);
    let login = members.read::<LoginBody>()?.login(connector.about(), mode)?;
    let known = [login.password.clone()];
    let ended = app.login(&caller, connector, Login { parent, ..login }).await?;
    let view = View { reveal: false, rehearsed: ended.dry_run, credentials: &known };
    let shown = shown(&ended.report, view, interactive);
    if ended.dry_run {
        return Err(rendered(shown));
    }
    Ok(reply::respond_with_trace(&ended.report, shown, &caller.unread))
}

/// What may be seen of a report. `interactive`: of a challenge also what its user has to see to answer it, and its id.
pub(crate) fn shown(report: &Report, view: View<'_>, interactive: bool) -> serde_json::Value {
    // Strings, numbers and our own values: none of this can fail.
    let trace = Trace::of(report, view);
    let mut shown = trace.to_json(serde_json::to_value(reply::body(report)).unwrap_or_default());
    shown["summary"] = serde_json::to_value(trace.summary()).unwrap_or_default();
    shown["rows"] = serde_json::to_value(trace.rows()).unwrap_or_default();
    if let (true, false, Verdict::Challenge(challenge)) = (interactive, view.rehearsed, &report.verdict) {
        shown["open_challenge"] = serde_json::to_value(reply::ChallengeBody::of(challenge)).unwrap_or_default();
    }
    shown
}

fn rendered(mut shown: serde_json::Value) -> Problem {
    let problem = match shown["explain"].as_str() {
        Some(explain) => Problem::of(RENDERED).detail(explain.to_owned()),
        None => Problem::of(RENDERED),
    };
    let mut take = |name: &str| shown.get_mut(name).map(serde_json::Value::take);
    problem.with(|body| (body.trace, body.summary, body.rows) = (take("trace"), take("summary"), take("rows")))
}

/// The body of `test`: a login's, with a mode.
struct SendTestBody;

impl JsonSchema for SendTestBody {
    fn schema_name() -> Cow<'static, str> {
        "SendTest".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = LoginBody::json_schema(generator);
        let mode = json_schema!({
            "enum": ["send", "render", null],
            "description": "`render`: stop before sending; `send` when absent",
        });
        let interactive = json_schema!({
            "type": ["boolean", "null"],
            "description": "Whether a challenge is to be answered: the reply then has it in clear, in `open_challenge`.",
        });
        if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
            // A send test opens none.
            properties.shift_remove("session");
            properties.insert("mode".to_owned(), mode.into());
            properties.insert("interactive".to_owned(), interactive.into());
        }
        schema
    }
}

pub(super) fn describe(api: &mut Description) {
    let (traced, asked) = (api.schema::<Traced<'static>>(), api.schema::<SendTestBody>());
    let mut responses = description::verdicts(&traced);
    api.problems(&mut responses, &[400, 401, 404, 408, 409, 413, 415, 422, 429]);
    let summary = "A login for real that shows every stage; counts as an attempt";
    api.add("/v1/connectors/{id}/test", "post", description::operation("sendTest", summary, Some(&asked), responses));
}
