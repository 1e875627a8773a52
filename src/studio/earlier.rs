//! `GET /v1/studio/connectors/{id}/history`: the earlier texts of a connector; `/{version}`: one of them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::Request;
use serde_json::json;

use super::problems::{BROKEN, UNKNOWN_FILE, UNREADABLE};
use super::state::Studio;
use crate::api::problem::Problem;

/// The endpoint of the list.
pub(super) async fn list(
    State(studio): State<Arc<Studio>>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    match studio.session(&request) {
        Ok(()) => listed(&studio, id).await.unwrap_or_else(Problem::into_response),
        Err(problem) => problem.into_response(),
    }
}

async fn listed(studio: &Arc<Studio>, id: String) -> Result<Response, Problem> {
    let of = Arc::clone(&studio.history);
    let listed = tokio::task::spawn_blocking(move || of.list(&id)).await.map_err(|_| Problem::of(BROKEN))?;
    let versions = listed.map_err(|error| Problem::of(UNREADABLE).detail(error.kind().to_string()))?;
    Ok(axum::Json(json!({ "kept": studio.history.0.is_some(), "versions": versions })).into_response())
}

/// The endpoint of one text.
pub(super) async fn one(
    State(studio): State<Arc<Studio>>,
    Path((id, version)): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    match studio.session(&request) {
        Ok(()) => text(&studio, id, version).await.unwrap_or_else(Problem::into_response),
        Err(problem) => problem.into_response(),
    }
}

async fn text(studio: &Arc<Studio>, id: String, version: String) -> Result<Response, Problem> {
    let of = Arc::clone(&studio.history);
    let read = tokio::task::spawn_blocking(move || of.read(&id, &version)).await;
    let text = read.map_err(|_| Problem::of(BROKEN))?.map_err(|_| Problem::of(UNKNOWN_FILE))?;
    Ok(axum::Json(json!({ "text": text })).into_response())
}
