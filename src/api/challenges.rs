//! `POST /v1/challenges`: an answer to an open challenge, or a poll, a resend, a cancellation.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;

use super::problem::Problem;
use super::{body, call, challenge_body, reply};
use crate::attempt::App;
use crate::config::Scope;

/// The endpoint.
pub(super) async fn post(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let answer = answer(&app, request).await;
    call::settle(&app, answer)
}

async fn answer(app: &Arc<App>, request: Request<Body>) -> Result<Response, Problem> {
    let caller = call::caller(app, &request, Scope::Authenticate)?;
    let bytes = body::read(request, app.limits.body).await?;
    let answer = challenge_body::parse(body::object(&bytes)?)?;
    let report = app.answer(&caller, answer).await?;
    Ok(reply::respond(&report, &caller.unread))
}
