//! Which path leads where, and what all endpoints share.
//!
//! No middleware: each endpoint names its scope itself, so that none is open by omission of a layer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use http::Request;

use super::connectors::Connectors;
use super::{Callers, Problem, authenticate, health};
use crate::config::{Certificate, Client, Scope};

/// What every endpoint may use.
pub struct App {
    /// The connectors.
    pub connectors: Arc<dyn Connectors>,
    /// The clients.
    pub callers: Callers,
    /// How long a body may take to arrive.
    pub patience: Duration,
}

impl App {
    /// The client behind a request. The accept loop puts a verified client certificate into the extensions.
    pub(super) fn caller(&self, request: &Request<Body>, scope: Scope) -> Result<Arc<Client>, Problem> {
        let certificate = request.extensions().get::<Arc<Certificate>>();
        let client = self.callers.identify(request.headers(), certificate.map(AsRef::as_ref))?;
        if client.scopes.contains(&scope) { Ok(client) } else { Err(Problem::OutOfScope(scope)) }
    }
}

/// The whole API.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/connectors/{id}/authenticate", post(authenticate::post))
        .route("/healthz", get(health::healthz))
        .fallback(async || Problem::UnknownPath)
        .method_not_allowed_fallback(async || Problem::WrongMethod)
        .with_state(app)
}
