//! `POST /v1/sessions/refresh`: the next pair of tokens of a session.
//!
//! A refresh token is good once. Its successor is the same for all calls at that moment, and for ten seconds after, so that a
//! lost reply costs no session; an older token ends the session.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{Request, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Map;

use super::super::body::fields::Text;
use super::super::body::{self, Members};
use super::super::description::{self, Description};
use super::super::problem::{Problem, ProblemKind};
use super::super::reply::SessionBody;
use super::{admitted, answer, call};
use crate::attempt::App;

/// The word of RFC 6749 section 5.2.
const INVALID_GRANT: ProblemKind = ProblemKind::new(
    StatusCode::BAD_REQUEST,
    "invalid_grant",
    "The refresh token is none of this client, was used, or its session is over",
);

/// The body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SessionRefresh")]
struct RefreshBody {
    /// The refresh token of the session's newest pair.
    #[schemars(with = "String")]
    refresh_token: Text,
}

/// The endpoint.
pub(in super::super) async fn post(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let answer = refreshed(&app, request).await;
    call::settle(&app, answer)
}

async fn refreshed(app: &App, request: Request<Body>) -> Result<Response, Problem> {
    let (caller, sessions) = admitted(app, &request)?;
    let bytes = body::read(request, app.limits().body).await?;
    let RefreshBody { refresh_token } = Members::of(&bytes)?.read()?;
    let session = sessions.refresh(&refresh_token.0, &caller.client.name).ok_or_else(|| Problem::of(INVALID_GRANT))?;
    Ok(answer(&caller, &SessionBody::of(&session)))
}

pub(super) fn describe(api: &mut Description) {
    let (session, asked) = (api.schema::<SessionBody<'static>>(), api.schema::<RefreshBody>());
    let mut responses = Map::new();
    responses.insert("200".into(), description::body("The next pair of tokens", "application/json", &session));
    api.problems(&mut responses, &[400, 401, 404, 408, 413, 415, 422, 429]);
    let operation = description::operation("refreshSession", "The next pair of tokens", Some(&asked), responses);
    api.add("/v1/sessions/refresh", "post", operation);
}
