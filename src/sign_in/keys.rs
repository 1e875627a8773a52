//! `GET /oauth/jwks` and `GET /.well-known/jwks.json`: the keys by which anybody verifies access tokens alone.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};

use super::front::Front;

/// The endpoint.
pub(super) async fn get(State(front): State<Arc<Front>>) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/jwk-set+json"), (header::CACHE_CONTROL, "public, max-age=300")];
    front.sessions.jwks().map_or_else(|| StatusCode::NOT_FOUND.into_response(), |keys| (headers, keys).into_response())
}
