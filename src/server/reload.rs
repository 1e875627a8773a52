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
use super::problem::Problem;
use crate::config::Scope;

/// The endpoint. A body is not read.
pub(super) async fn post(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let answer = match app.caller(&request, Scope::Reload) {
        Ok(caller) => reload(&app, caller).await,
        Err(problem) => Err(problem),
    };
    app.settle(answer)
}

async fn reload(app: &Arc<App>, caller: Arc<Caller>) -> Result<Response, Problem> {
    tracing::info!(client = caller.client.name, "reload asked for");
    // A task of its own: a caller that goes away does not leave half a reload.
    let (connectors, metrics) = (Arc::clone(&app.connectors), Arc::clone(&app.metrics));
    let task = tokio::spawn(async move {
        let mut reloaded = connectors.reload().await;
        metrics.reloaded(if reloaded.refused.is_empty() { "ok" } else { "refused" });
        // A client sees the ids of its own connectors only.
        for ids in [&mut reloaded.changed, &mut reloaded.removed, &mut reloaded.refused] {
            ids.retain(|id| caller.may_use(id));
        }
        reloaded
    });
    task.await.map(|reloaded| Json(reloaded).into_response()).map_err(|_| Problem::Broken)
}
