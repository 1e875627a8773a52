//! `GET /v1/logins/{request_id}`: what became of a login, and why, as the audit trail says it, without the user.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::{IntoResponse as _, Response};
use http::{Request, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use super::call;
use super::description::Description;
use super::problem::{Problem, ProblemKind};
use crate::attempt::{App, Caller, RecordSource};
use crate::audit::LoginRecord;

/// Also of a login that is another client's: nothing tells which ids there were.
const UNKNOWN_LOGIN: ProblemKind =
    ProblemKind::new(StatusCode::NOT_FOUND, "unknown_login", "No login of this id is known");

/// A login.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Login<'a> {
    /// The id of the path.
    request_id: &'a str,
    /// Where it was found: `memory` (the last minutes) or `audit`.
    source: &'static str,
    /// Its verdicts, the oldest first: one, or one for each answer to a challenge. Ids are the callers'; two logins may have
    /// the same.
    verdicts: Vec<LoginRecord>,
}

/// The endpoint.
pub(super) async fn get(State(app): State<Arc<App>>, path: RawPathParams, request: Request<Body>) -> Response {
    let answer = match call::reader(&app, &request) {
        Ok(caller) => answer(&app, &path, &caller).await,
        Err(problem) => Err(problem),
    };
    call::settle(&app, answer)
}

async fn answer(app: &App, path: &RawPathParams, caller: &Caller) -> Result<Response, Problem> {
    let id = path.iter().find_map(|(name, value)| (name == "request_id").then_some(value)).unwrap_or_default();
    let Some(found) = app.explain(caller, id).await? else {
        let where_to_look = "the last minutes and the newest 64 MiB of the audit trail were searched";
        return Err(Problem::of(UNKNOWN_LOGIN).detail(where_to_look.to_owned()));
    };
    let source = match found.source {
        RecordSource::Memory => "memory",
        RecordSource::Audit => "audit",
    };
    // Strings and numbers only: this cannot fail.
    let text = serde_json::to_vec(&Login { request_id: id, source, verdicts: found.records }).unwrap_or_default();
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::from(caller.unread.counted(text))).into_response())
}

pub(super) fn describe(api: &mut Description) {
    let login = api.schema::<Login<'static>>();
    let path = "/v1/logins/{request_id}";
    api.reading(path, "get", "explainLogin", "What became of a login, and why", &login, &[401, 404, 429]);
}
