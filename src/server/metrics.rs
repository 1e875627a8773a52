//! `GET /metrics`: OpenMetrics text, for clients with the scope `read`; of connectors, those of the client.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{Request, header};

use super::{App, health};
use crate::config::Scope;
use crate::metrics::CONTENT_TYPE;

/// The endpoint.
pub(super) async fn get(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    app.settle(app.caller(&request, Scope::Read).map(|caller| {
        health::gauge(&app);
        let text = app.metrics.text_of(|connector| caller.may_use(connector));
        ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
    }))
}
