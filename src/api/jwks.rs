//! `GET /.well-known/jwks.json`: the keys by which anybody verifies the access tokens of sessions alone (RFC 7517). Open: they are
//! public.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use serde_json::{Map, json};

use super::call;
use super::description::{self, Description};
use super::problem::{Problem, ProblemKind};
use crate::attempt::App;

const NO_KEYS: ProblemKind =
    ProblemKind::new(StatusCode::NOT_FOUND, "no_keys", "The daemon signs no tokens (sign_in.signing in doorward.yaml)");

/// The endpoint.
pub(super) async fn get(State(app): State<Arc<App>>) -> Response {
    let keys = app.sessions().and_then(crate::session::Sessions::jwks);
    let answer = keys.map(|keys| {
        // A key is published for an hour before it signs, so five minutes are early enough.
        let headers =
            [(header::CONTENT_TYPE, "application/jwk-set+json"), (header::CACHE_CONTROL, "public, max-age=300")];
        (headers, keys).into_response()
    });
    call::settle(&app, answer.ok_or_else(|| Problem::of(NO_KEYS)))
}

pub(super) fn describe(api: &mut Description) {
    let mut responses = Map::new();
    let set = json!({ "type": "object", "properties": { "keys": { "type": "array" } }, "required": ["keys"] });
    responses.insert("200".into(), description::body("The JWK Set", "application/jwk-set+json", &set));
    api.problems(&mut responses, &[404]);
    let mut operation = description::operation("getKeys", "The keys that verify access tokens", None, responses);
    operation["security"] = json!([]);
    api.add("/.well-known/jwks.json", "get", operation);
}
