//! `POST /v1/studio/import`: the draft of a connector for a curl command line, a Postman collection, a HAR file or an OpenAPI
//! document, with what became of each value.
//!
//! Nothing is saved, fetched or run. A person looks at the values, says what they are where the guess is wrong, and calls again.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::Request;

use super::imported::ImportWanted;
use super::problems::{BROKEN, NO_IMPORT};
use super::state::Studio;
use crate::api::body::{Members, read_up_to};
use crate::api::problem::Problem;

/// A file of 16 MiB with most characters escaped; the importer has the bound of the text itself.
const MAX_BODY: usize = 36 << 20;

/// The endpoint.
pub(super) async fn post(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    answer(&studio, request).await.unwrap_or_else(Problem::into_response)
}

async fn answer(studio: &Studio, request: Request<Body>) -> Result<Response, Problem> {
    studio.session(&request)?;
    let bytes = read_up_to(MAX_BODY, request, studio.app.limits().body).await?;
    let wanted = Members::of(&bytes)?.read::<ImportWanted>()?;
    let import = studio.surroundings.import;
    let made = tokio::task::spawn_blocking(move || import(&wanted)).await.map_err(|_| Problem::of(BROKEN))?;
    let imported = made.map_err(|why| Problem::of(NO_IMPORT).detail(why))?;
    Ok(axum::Json(imported).into_response())
}
