//! `POST /v1/reload`: reads the configuration and the connectors again. Answers with keys, ids and what was found in the files.
//!
//! 200 means that the files were read, not that all of them are valid: see `refused` of both.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::Request;
use schemars::JsonSchema;
use serde::Serialize;

use super::call;
use super::description::Description;
use super::problem::{BROKEN, Problem};
use crate::attempt::connectors::Reloaded;
use crate::attempt::{App, Caller, ConfigurationReload, ReloadOutcome, ReloadedDoors};
use crate::config::Scope;

/// The endpoint. A body is not read.
pub(super) async fn post(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let answer = match call::caller(&app, &request, Scope::Reload) {
        Ok(caller) => answer(&app, caller).await,
        Err(problem) => Err(problem),
    };
    call::settle(&app, answer)
}

/// What a reload came to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Reload")]
struct ReloadBody {
    #[serde(flatten)]
    connectors: Reloaded,
    /// The configuration; absent where the daemon has no file of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<ConfigurationReload>,
    /// The doors; absent where there are none, and for a client that may use some connectors only.
    #[serde(skip_serializing_if = "Option::is_none")]
    doors: Option<ReloadedDoors>,
}

async fn answer(app: &Arc<App>, caller: Arc<Caller>) -> Result<Response, Problem> {
    tracing::info!(client = caller.client.name, "reload requested");
    let ReloadOutcome { mut connectors, mut configuration, doors } =
        app.reload().await.ok_or_else(|| Problem::of(BROKEN))?;
    // A client sees the ids of its own connectors only, and of the configuration, which names other clients, no line.
    for ids in [&mut connectors.changed, &mut connectors.removed, &mut connectors.refused] {
        ids.retain(|id| caller.may_use(id));
    }
    connectors.diagnostics.retain(|found| caller.may_use(&found.connector));
    if let Some(configuration) = configuration.as_mut().filter(|_| caller.client.connectors.is_some()) {
        configuration.diagnostics.clear();
    }
    let doors = doors.filter(|_| caller.client.connectors.is_none());
    Ok(Json(ReloadBody { connectors, configuration, doors }).into_response())
}

pub(super) fn describe(api: &mut Description) {
    let reloaded = api.schema::<ReloadBody>();
    api.reading("/v1/reload", "post", "reload", "Read the configuration and the connectors again", &reloaded, &[401]);
}
