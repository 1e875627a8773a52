//! `POST /v1/studio/import`: the text of a connector for a curl command line, as `doorward new --from-curl` writes it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::Request;
use serde::Deserialize;
use serde_json::json;

use super::problems::{BROKEN, NO_IMPORT};
use super::state::Studio;
use crate::api::body::{Members, read_up_to};
use crate::api::problem::Problem;

/// A command of 256 KiB with every character escaped; the importer has the bound of the command itself.
const MAX_BODY: usize = 2 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandBody {
    command: String,
}

/// The endpoint.
pub(super) async fn post(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    answer(&studio, request).await.unwrap_or_else(Problem::into_response)
}

async fn answer(studio: &Studio, request: Request<Body>) -> Result<Response, Problem> {
    studio.session(&request)?;
    let bytes = read_up_to(MAX_BODY, request, studio.app.limits().body).await?;
    let CommandBody { command } = Members::of(&bytes)?.read::<CommandBody>()?;
    let import = studio.surroundings.import;
    let made = tokio::task::spawn_blocking(move || import(command)).await.map_err(|_| Problem::of(BROKEN))?;
    let text = made.map_err(|why| Problem::of(NO_IMPORT).detail(why))?;
    Ok(axum::Json(json!({ "text": text })).into_response())
}
