//! `POST /v1/studio/session`: a link's secret for a session's token; `DELETE` ends the session.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{Request, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::access::LinkError;
use super::problems::{TOO_MANY_LINKS, WRONG_LINK};
use super::state::Studio;
use crate::api::body::{Members, read_up_to};
use crate::api::call::bearer;
use crate::api::problem::Problem;

/// A link's secret is 22 characters.
const MAX_BODY: usize = 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkBody {
    link: String,
}

/// The endpoint.
pub(super) async fn post(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    open(&studio, request).await.unwrap_or_else(Problem::into_response)
}

async fn open(studio: &Studio, request: Request<Body>) -> Result<Response, Problem> {
    let bytes = read_up_to(MAX_BODY, request, studio.app.limits().body).await?;
    let LinkBody { link } = Members::of(&bytes)?.read::<LinkBody>()?;
    let token = studio.access.open(&link, Instant::now()).map_err(|error| match error {
        LinkError::Unknown => Problem::of(WRONG_LINK),
        LinkError::TooMany => Problem::of(TOO_MANY_LINKS),
    })?;
    Ok(axum::Json(json!({ "token": token.expose() })).into_response())
}

/// The endpoint of its end.
pub(super) async fn delete(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    let ended = studio.session(&request).and_then(|()| bearer(request.headers())).map(|token| {
        studio.access.close(token.unwrap_or_default());
        StatusCode::NO_CONTENT.into_response()
    });
    ended.unwrap_or_else(Problem::into_response)
}
