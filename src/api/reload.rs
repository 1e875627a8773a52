//! `POST /v1/reload`: reads the connectors again. Answers with ids and with what was found in the files.
//!
//! 200 means that the files were read, not that all of them are valid: see `refused`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::Request;

use super::call;
use super::description::Description;
use super::problem::{BROKEN, Problem};
use crate::attempt::connectors::Reloaded;
use crate::attempt::{App, Caller};
use crate::config::Scope;

/// The endpoint. A body is not read.
pub(super) async fn post(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let answer = match call::caller(&app, &request, Scope::Reload) {
        Ok(caller) => answer(&app, caller).await,
        Err(problem) => Err(problem),
    };
    call::settle(&app, answer)
}

async fn answer(app: &App, caller: Arc<Caller>) -> Result<Response, Problem> {
    tracing::info!(client = caller.client.name, "reload requested");
    let mut reloaded = app.reload().await.ok_or_else(|| Problem::of(BROKEN))?;
    // A client sees the ids of its own connectors only.
    for ids in [&mut reloaded.changed, &mut reloaded.removed, &mut reloaded.refused] {
        ids.retain(|id| caller.may_use(id));
    }
    reloaded.diagnostics.retain(|found| caller.may_use(&found.connector));
    Ok(Json(reloaded).into_response())
}

pub(super) fn describe(api: &mut Description) {
    let reloaded = api.schema::<Reloaded>();
    api.reading("/v1/reload", "post", "reload", "Read the connectors again", &reloaded, &[401]);
}
