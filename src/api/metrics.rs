//! `GET /metrics`: OpenMetrics text, for clients with the scope `read`; of connectors, those of the client.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use serde_json::Map;

use super::description::{self, Description};
use super::{call, health};
use crate::attempt::App;
use crate::metrics::CONTENT_TYPE;

/// The endpoint.
pub(super) async fn get(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    call::read(&app, &request, CONTENT_TYPE, |caller| {
        health::gauge(&app);
        app.metrics.text_of(|connector| caller.may_use(connector)).into_bytes()
    })
}

pub(super) fn describe(api: &mut Description) {
    let mut responses = Map::new();
    responses.insert("200".into(), description::text("Metrics", CONTENT_TYPE));
    api.problems(&mut responses, &[401]);
    api.add("/metrics", "get", description::operation("getMetrics", "Metrics for Prometheus", None, responses));
}
