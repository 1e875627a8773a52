//! `POST /v1/connectors/{id}/test`: a login for real that shows every stage, or (`"mode": "render"`) one that stops before
//! it sends.
//!
//! It counts as an attempt: guard, bounds and audit are those of a login. Only accept is 2xx here too, so a rendering is
//! a problem, 409. What is shown went through the allow-list of `trace`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::Request;

use super::body::{self, Faults, LoginBody};
use super::problem::Problem;
use super::{call, reply};
use crate::attempt::connectors::Kind;
use crate::attempt::{App, Mode};
use crate::config::Scope;
use crate::document::Value;
use crate::trace::{Trace, View};

/// The endpoint.
pub(crate) async fn post(State(app): State<Arc<App>>, path: RawPathParams, request: Request<Body>) -> Response {
    let answer = answer(&app, &path, request).await;
    call::settle(&app, answer)
}

async fn answer(app: &Arc<App>, path: &RawPathParams, request: Request<Body>) -> Result<Response, Problem> {
    let caller = call::caller(app, &request, Scope::Test)?;
    let connector = call::connector_of_kind(app, &caller, path, Kind::Authentication)?;
    let bytes = body::read(request, app.limits.body).await?;
    let mut object = body::object(&bytes)?;
    let mut faults = Faults::default();
    let mode = faults.optional(&mut object, "mode", "`send` or `render`", |value| match value {
        Value::Text(text) if text == "send" => Some(Mode::Test),
        Value::Text(text) if text == "render" => Some(Mode::DryRun),
        _ => None,
    });
    let asked = LoginBody::parse_with(faults, object, connector.about())?;
    let known = [asked.password.clone()];
    let ended = app.login(&caller, connector, asked.login(mode.unwrap_or(Mode::Test))).await?;
    let view = View { reveal: false, rehearsed: ended.dry_run, credentials: &known };
    // Strings, numbers and our own values: this cannot fail.
    let body = serde_json::to_value(reply::body(&ended.report)).unwrap_or_default();
    let shown = Trace::of(&ended.report, view).to_json(body);
    if ended.dry_run {
        return Err(Problem::Rehearsed(shown));
    }
    Ok(reply::respond_with_trace(&ended.report, shown, &caller.unread))
}
