//! Which path leads where, and what all endpoints share.
//!
//! No middleware: each endpoint names its scope itself, so that none is open by omission of a layer.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};

use super::problem::Problem;
use super::{App, authenticate, challenges, connector_pages, health, metrics, openapi, reload, send_test, utility};

/// The whole API.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/connectors", get(connector_pages::list))
        .route("/v1/connectors/{id}", get(connector_pages::one))
        .route("/v1/connectors/{id}/authenticate", post(authenticate::post))
        .route("/v1/connectors/{id}/test", post(send_test::post))
        .route("/v1/challenges", post(challenges::post))
        .route("/v1/utilities/{id}", post(utility::post))
        .route("/v1/reload", post(reload::post))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::get))
        .route("/openapi.json", get(openapi::get))
        .fallback(async |State(app): State<Arc<App>>| app.settle(Err(Problem::UnknownPath)))
        .method_not_allowed_fallback(async |State(app): State<Arc<App>>| app.settle(Err(Problem::WrongMethod)))
        .with_state(app)
}
