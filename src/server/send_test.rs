//! `POST /v1/connectors/{id}/test`: a login for real that shows every stage, or (`"mode": "render"`) one that stops before
//! it sends.
//!
//! It counts as an attempt: guard, bounds and audit are those of a login. Only accept is 2xx here too, so a rendering is
//! a problem, 409.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::Request;

use super::body::{self, Faults, LoginBody};
use super::login::Mode;
use super::problem::Problem;
use super::{App, authenticate, login, reply};
use crate::config::Scope;
use crate::document::Value;

/// The endpoint.
pub(super) async fn post(State(app): State<Arc<App>>, path: RawPathParams, request: Request<Body>) -> Response {
    app.settle(answer(&app, &path, request).await)
}

async fn answer(app: &Arc<App>, path: &RawPathParams, request: Request<Body>) -> Result<Response, Problem> {
    let caller = app.caller(&request, Scope::Test)?;
    let connector = authenticate::find(app, &caller, path)?;
    let bytes = body::read(request, app.limits.body).await?;
    let mut object = body::object(&bytes)?;
    let mut faults = Faults::default();
    let mode = faults.optional(&mut object, "mode", "`send` or `render`", |value| match value {
        Value::Text(text) if text == "send" => Some(Mode::Test),
        Value::Text(text) if text == "render" => Some(Mode::Render),
        _ => None,
    });
    let asked = LoginBody::parse_with(faults, object, &connector.about().attributes)?;
    let mode = mode.unwrap_or(Mode::Test);
    let report = login::run(app, &caller, Arc::clone(&connector), asked, mode).await?;
    let trace = connector.trace(&report);
    match mode {
        Mode::Render => Err(Problem::Rendered { explain: report.explain, trace }),
        Mode::Login | Mode::Test => Ok(reply::respond_with_trace(&report, trace)),
    }
}
