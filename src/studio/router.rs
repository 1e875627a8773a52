//! Which path leads where. The gate stands around all of them; each call asks for its session itself.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::Uri;

use super::problems::{BAD_REQUEST, BROKEN, UNKNOWN_PATH, WRONG_METHOD};
use super::state::Studio;
use super::{
    cards, change, check, complete, earlier, gate, graph, import, listing, pages, propose, record, rules, save,
    send_test, session,
};
use crate::api::problem::Problem;
use crate::http::{Fault, Served};

/// The studio, to be served.
pub fn served(studio: &Arc<Studio>) -> Served {
    Served {
        router: router(studio),
        on_fault: Arc::new(|_: &Uri, fault| on_fault(fault)),
        limits: studio.app.shared_limits(),
        metrics: Arc::clone(&studio.app.metrics),
    }
}

fn router(studio: &Arc<Studio>) -> Router {
    Router::new()
        .route("/", get(pages::index))
        .route("/assets/{name}", get(pages::asset))
        .route("/lang/{name}", get(pages::texts))
        .route("/v1/studio/session", post(session::post).delete(session::delete))
        .route("/v1/studio/connectors", get(listing::list))
        .route("/v1/studio/connectors/{id}", get(listing::one).put(save::put))
        .route("/v1/studio/connectors/{id}/history", get(earlier::list))
        .route("/v1/studio/connectors/{id}/history/{version}", get(earlier::one))
        .route("/v1/studio/check", post(check::post))
        .route("/v1/studio/cards", post(cards::post))
        .route("/v1/studio/graph", post(graph::post))
        .route("/v1/studio/edit", post(change::post))
        .route("/v1/studio/complete", post(complete::post))
        .route("/v1/studio/tests", post(send_test::post))
        .route("/v1/studio/rule", post(rules::post))
        .route("/v1/studio/mark", post(propose::post_mark))
        .route("/v1/studio/propose", post(propose::post))
        .route("/v1/studio/record", post(record::post))
        .route("/v1/studio/import", post(import::post))
        .route("/v1/studio/answers", post(send_test::post_answer))
        .fallback(async || Problem::of(UNKNOWN_PATH).into_response())
        .method_not_allowed_fallback(async || Problem::of(WRONG_METHOD).into_response())
        .layer(from_fn_with_state(Arc::clone(studio), gate::guard))
        .with_state(Arc::clone(studio))
}

/// A request that did not get as far as the router.
fn on_fault(fault: Fault) -> Response {
    let kind = match fault {
        Fault::Host | Fault::Framing | Fault::Head => BAD_REQUEST,
        Fault::Panic => BROKEN,
    };
    let mut response = Problem::of(kind).into_response();
    gate::dress(response.headers_mut());
    response
}
