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
use super::body::{self, Members};
use super::description::{self, Description};
use super::problem::{Kind, Problem};
use super::reply::Traced;
use super::{call, reply};
use crate::attempt::connectors::Kind as ConnectorKind;
use crate::attempt::{App, Mode};
use crate::config::Scope;
use crate::document::Value;
use crate::trace::{Trace, View};

/// No verdict, and nothing that reads as success.
const RENDERED: Kind = Kind::new(StatusCode::CONFLICT, "rendered", "The request was rendered and not sent");

/// `send` or `render`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
struct TestMode(Mode);

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
    let bytes = body::read(request, app.limits.body).await?;
    let mut members = Members::of(&bytes)?;
    let mode = members.take::<TestMode>("mode").map_or(Mode::Test, |TestMode(mode)| mode);
    let login = members.read::<LoginBody>()?.login(connector.about(), mode)?;
    let known = [login.password.clone()];
    let ended = app.login(&caller, connector, login).await?;
    let view = View { reveal: false, rehearsed: ended.dry_run, credentials: &known };
    // Strings, numbers and our own values: this cannot fail.
    let body = serde_json::to_value(reply::body(&ended.report)).unwrap_or_default();
    let shown = Trace::of(&ended.report, view).to_json(body);
    if ended.dry_run {
        return Err(rendered(shown));
    }
    Ok(reply::respond_with_trace(&ended.report, shown, &caller.unread))
}

fn rendered(mut shown: serde_json::Value) -> Problem {
    let problem = match shown["explain"].as_str() {
        Some(explain) => Problem::of(RENDERED).detail(explain.to_owned()),
        None => Problem::of(RENDERED),
    };
    problem.with(|body| body.trace = shown.get_mut("trace").map(serde_json::Value::take))
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
        if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
            properties.insert("mode".to_owned(), mode.into());
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
