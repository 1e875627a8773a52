//! Which path leads where, and what all endpoints share.
//!
//! No middleware: each endpoint names its scope itself, so that none is open by omission of a layer.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{delete, get, post};
use http::{StatusCode, Uri};

use super::problem::{BROKEN, Problem, ProblemKind};
use super::{authenticate, call, challenges, connector_pages, health, jwks, login_page, metrics, openapi, reload};
use super::{send_test, sessions, status, test_challenge, utility};
use crate::attempt::App;
use crate::http::{Fault, Served};

const UNKNOWN_PATH: ProblemKind = ProblemKind::new(StatusCode::NOT_FOUND, "unknown_path", "There is no such page");
const WRONG_METHOD: ProblemKind =
    ProblemKind::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "The page does not take this method");
const HOST: ProblemKind =
    ProblemKind::new(StatusCode::BAD_REQUEST, "bad_host", "The request does not name one host in Host (RFC 9112, 3.2)");
const HEAD: ProblemKind = ProblemKind::new(
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    "head_too_large",
    "The request line and the header fields are over 16 KiB",
);
const FRAMING: ProblemKind = ProblemKind::new(
    StatusCode::BAD_REQUEST,
    "bad_framing",
    "Transfer-Encoding is something else than one `chunked` (RFC 9112, 6.1)",
);

/// The whole API.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/connectors", get(connector_pages::list))
        .route("/v1/connectors/{id}", get(connector_pages::one))
        .route("/v1/connectors/{id}/authenticate", post(authenticate::post))
        .route("/v1/connectors/{id}/test", post(send_test::post))
        .route("/v1/challenges", post(challenges::post))
        .route("/v1/challenges/test", post(test_challenge::post))
        .route("/v1/logins/{request_id}", get(login_page::get))
        .route("/v1/utilities/{id}", post(utility::post))
        .route("/v1/sessions", get(sessions::list))
        .route("/v1/sessions/refresh", post(sessions::refresh))
        .route("/v1/sessions/verify", post(sessions::verify))
        .route("/v1/sessions/kick", post(sessions::kick))
        .route("/v1/sessions/{sid}", delete(sessions::delete))
        .route("/v1/reload", post(reload::post))
        .route("/v1/status", get(status::get))
        .route("/.well-known/jwks.json", get(jwks::get))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::get))
        .route("/openapi.json", get(openapi::get))
        .fallback(async |State(app): State<Arc<App>>| call::settle(&app, Err(Problem::of(UNKNOWN_PATH))))
        .method_not_allowed_fallback(async |State(app): State<Arc<App>>| {
            call::settle(&app, Err(Problem::of(WRONG_METHOD)))
        })
        .with_state(app)
}

/// The whole API, to be served. A request that does not reach an endpoint is answered by a problem.
pub fn served(app: &Arc<App>) -> Served {
    let of_faults = Arc::clone(app);
    let on_fault = move |_: &Uri, fault| {
        let kind = match fault {
            Fault::Host => HOST,
            Fault::Framing => FRAMING,
            Fault::Head => HEAD,
            Fault::Panic => BROKEN,
        };
        call::settle(&of_faults, Err(Problem::of(kind)))
    };
    Served {
        router: router(Arc::clone(app)),
        on_fault: Arc::new(on_fault),
        limits: app.shared_limits(),
        metrics: Arc::clone(&app.metrics),
    }
}
