//! `DELETE /v1/sessions/{sid}`: ends one session.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::{IntoResponse as _, Response};
use http::{Request, StatusCode};
use serde_json::{Map, json};

use super::super::description::{self, Description};
use super::super::problem::{Problem, ProblemKind};
use super::{admitted, call};
use crate::attempt::App;
use crate::session::SessionId;

const UNKNOWN: ProblemKind =
    ProblemKind::new(StatusCode::NOT_FOUND, "unknown_session", "There is no such session for this client");

/// The endpoint. A body is not read.
pub(in super::super) async fn delete(
    State(app): State<Arc<App>>,
    path: RawPathParams,
    request: Request<Body>,
) -> Response {
    let answer = ended(&app, &path, &request);
    call::settle(&app, answer)
}

fn ended(app: &App, path: &RawPathParams, request: &Request<Body>) -> Result<Response, Problem> {
    let (caller, sessions) = admitted(app, request)?;
    let id = path.iter().find_map(|(name, value)| (name == "sid").then(|| SessionId::parse(value))).flatten();
    // One of another connector is answered as one that is not there.
    let own = |id: &SessionId| sessions.connector_of(id).is_some_and(|connector| caller.may_use(&connector));
    let id = id.filter(own).filter(|id| sessions.end(id)).ok_or_else(|| Problem::of(UNKNOWN))?;
    tracing::info!(client = caller.client.name, session = id.to_string(), "session ended");
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) fn describe(api: &mut Description) {
    let mut responses = Map::new();
    responses.insert("204".into(), json!({ "description": "Ended" }));
    api.problems(&mut responses, &[401, 404, 429]);
    api.add("/v1/sessions/{sid}", "delete", description::operation("endSession", "End a session", None, responses));
}
