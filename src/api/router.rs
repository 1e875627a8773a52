//! Which path leads where, and what all endpoints share.
//!
//! No middleware: each endpoint names its scope itself, so that none is open by omission of a layer.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use http::Uri;

use super::problem::Problem;
use super::{authenticate, call, challenges, connector_pages, health, metrics, openapi, reload, send_test, utility};
use crate::attempt::App;
use crate::http::{Fault, Served};

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
        .fallback(async |State(app): State<Arc<App>>| call::settle(&app, Err(Problem::UnknownPath)))
        .method_not_allowed_fallback(async |State(app): State<Arc<App>>| call::settle(&app, Err(Problem::WrongMethod)))
        .with_state(app)
}

/// The whole API, to be served. A request that does not reach an endpoint is answered by a problem.
pub fn served(app: &Arc<App>) -> Served {
    let of_faults = Arc::clone(app);
    let on_fault = move |_: &Uri, fault| {
        let problem = match fault {
            Fault::Host => Problem::Host,
            Fault::Framing => Problem::Framing,
            Fault::Panic => Problem::Broken,
        };
        call::settle(&of_faults, Err(problem))
    };
    Served {
        router: router(Arc::clone(app)),
        on_fault: Arc::new(on_fault),
        limits: app.limits,
        metrics: Arc::clone(&app.metrics),
    }
}
