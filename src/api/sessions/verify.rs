//! `POST /v1/sessions/verify`: whether an access token is good, and whose it is, in the words of RFC 7662. The session counts as
//! used by that.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::super::body::fields::Text;
use super::super::body::{self, Members};
use super::super::description::{self, Description};
use super::super::problem::Problem;
use super::{admitted, answer, call};
use crate::attempt::App;
use crate::session::ActiveSession;

/// The body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TokenToVerify")]
struct VerifyBody {
    /// The access token.
    #[schemars(with = "String")]
    token: Text,
}

/// What is known of a token (RFC 7662 section 2.2). Of one that is not good nothing but that.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "TokenState")]
pub(super) struct TokenState {
    /// Whether it is good now.
    active: bool,
    /// Who it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// `Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// The client that it was given to.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// The connector that authenticated the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    connector: Option<String>,
    /// The session's public name.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    /// When the user logged in, in seconds since 1970; no refresh changes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<u64>,
    /// When the token ends, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<u64>,
}

impl TokenState {
    fn of(session: ActiveSession) -> Self {
        Self {
            active: true,
            sub: Some(session.subject),
            token_type: Some("Bearer"),
            client_id: Some(session.client),
            connector: Some(session.connector),
            sid: Some(session.id.to_string()),
            auth_time: Some(session.authenticated_ms / 1000),
            exp: Some(session.access_ends_ms / 1000),
        }
    }
}

/// The endpoint.
pub(in super::super) async fn post(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let answer = verified(&app, request).await;
    call::settle(&app, answer)
}

async fn verified(app: &App, request: Request<Body>) -> Result<Response, Problem> {
    let (caller, sessions) = admitted(app, &request)?;
    let bytes = body::read(request, app.limits().body).await?;
    let VerifyBody { token } = Members::of(&bytes)?.read()?;
    // Of another connector's user this client learns nothing, not even that there is one.
    let session = sessions.verify(&token.0).filter(|session| caller.may_use(&session.connector));
    Ok(answer(&caller, &session.map(TokenState::of).unwrap_or_default()))
}

pub(super) fn describe(api: &mut Description) {
    let (state, asked) = (api.schema::<TokenState>(), api.schema::<VerifyBody>());
    let mut responses = Map::new();
    responses.insert("200".into(), description::body("Whether the token is good", "application/json", &state));
    api.problems(&mut responses, &[400, 401, 404, 408, 413, 415, 422, 429]);
    let summary = "Whether an access token is good, and whose it is";
    api.add("/v1/sessions/verify", "post", description::operation("verifySession", summary, Some(&asked), responses));
}
