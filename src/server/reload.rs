//! `POST /v1/reload`: reads the connectors again. Answers with ids; the mistakes themselves are in the log.
//!
//! 200 means that the files were read, not that all of them are valid: see `refused`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::Request;

use super::App;
use super::callers::Caller;
use super::connectors::Reloaded;
use super::problem::Problem;
use crate::config::Scope;

/// The endpoint. A body is not read.
pub(super) async fn post(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let answer = match app.caller(&request, Scope::Reload) {
        Ok(caller) => asked(&app, caller).await,
        Err(problem) => Err(problem),
    };
    app.settle(answer)
}

async fn asked(app: &Arc<App>, caller: Arc<Caller>) -> Result<Response, Problem> {
    tracing::info!(client = caller.client.name, "reload asked for");
    // A task of its own: a caller that goes away does not leave half a reload.
    let app = Arc::clone(app);
    let mut reloaded = tokio::spawn(async move { reload(&app).await }).await.map_err(|_| Problem::Broken)?;
    // A client sees the ids of its own connectors only.
    for ids in [&mut reloaded.changed, &mut reloaded.removed, &mut reloaded.refused] {
        ids.retain(|id| caller.may_use(id));
    }
    Ok(Json(reloaded).into_response())
}

/// Reads the connectors again, whoever asked: the API, SIGHUP or the watch.
pub async fn reload(app: &App) -> Reloaded {
    let reloaded = app.connectors.reload().await;
    app.metrics.reloaded(if reloaded.refused.is_empty() { "ok" } else { "refused" });
    reloaded
}
