//! `GET /v1/status`: the operator's overview: is it ready, which connectors run, when were they read, which version is it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use schemars::JsonSchema;
use serde::Serialize;

use super::call;
use super::connector_pages::{ListedConnector, own};
use super::description::Description;
use super::health::{Readiness, readiness};
use crate::attempt::App;

/// How the daemon is.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Status {
    /// The version of the program.
    version: &'static str,
    /// What `/readyz` says.
    readiness: Readiness,
    /// When the connectors were last read (RFC 3339).
    read_at: String,
    /// The connectors of this client.
    connectors: Vec<ListedConnector>,
}

/// The endpoint.
pub(super) async fn get(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let (_, readiness) = readiness(&app).await;
    let read_at = format!("{:.0}", app.reloads.last());
    call::read(&app, &request, "application/json", |caller| {
        let connectors = own(&app, caller);
        let status = Status { version: env!("CARGO_PKG_VERSION"), readiness, read_at, connectors };
        // Strings and numbers only: this cannot fail.
        serde_json::to_vec(&status).unwrap_or_default()
    })
}

pub(super) fn describe(api: &mut Description) {
    let status = api.schema::<Status>();
    api.reading("/v1/status", "get", "getStatus", "How the daemon is", &status, &[401, 429]);
}
