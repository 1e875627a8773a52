//! `POST /v1/connectors/{id}/authenticate`: one login.
//!
//! Order: who calls, which connector, what they ask. A caller learns nothing about a connector that is not its own:
//! the answer is the same as for one that does not exist.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::Request;

use super::body::{self, LoginBody};
use super::problem::Problem;
use super::{call, reply};
use crate::attempt::connectors::Kind;
use crate::attempt::{App, Mode};
use crate::config::Scope;

/// The endpoint.
pub(super) async fn post(State(app): State<Arc<App>>, path: RawPathParams, request: Request<Body>) -> Response {
    let answer = answer(&app, &path, request).await;
    call::settle(&app, answer)
}

async fn answer(app: &Arc<App>, path: &RawPathParams, request: Request<Body>) -> Result<Response, Problem> {
    let caller = call::caller(app, &request, Scope::Authenticate)?;
    let connector = call::connector_of_kind(app, &caller, path, Kind::Authentication)?;
    let bytes = body::read(request, app.limits.body).await?;
    let login = LoginBody::parse(body::object(&bytes)?, connector.about())?.login(Mode::Login);
    let outcome = app.login(&caller, connector, login).await?;
    Ok(reply::respond(&outcome.report, &caller.unread))
}
