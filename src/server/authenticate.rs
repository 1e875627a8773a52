//! `POST /v1/connectors/{id}/authenticate`: one login.
//!
//! Order: who calls, which connector, what they ask. A caller learns nothing about a connector that is not its own:
//! the answer is the same as for one that does not exist.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::{IntoResponse as _, Response};
use http::Request;

use super::body::{self, LoginBody};
use super::connectors::{Connector, Kind};
use super::{App, Problem, login, reply};
use crate::config::{Client, Scope};

/// The endpoint.
pub(super) async fn post(State(app): State<Arc<App>>, path: RawPathParams, request: Request<Body>) -> Response {
    match answer(&app, &path, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(app: &Arc<App>, path: &RawPathParams, request: Request<Body>) -> Result<Response, Problem> {
    let caller = app.caller(&request, Scope::Authenticate)?;
    let connector = find(app, &caller, path)?;
    let bytes = body::read(request, app.patience).await?;
    let asked = LoginBody::parse(&bytes, &connector.about().attributes)?;
    let report = login::run(app, &caller, connector, asked).await;
    Ok(reply::respond(&report))
}

/// The connector of the path, if this caller may use it and it can check users.
fn find(app: &App, caller: &Client, path: &RawPathParams) -> Result<Arc<dyn Connector>, Problem> {
    let id = path.iter().find_map(|(name, value)| (name == "id").then_some(value)).ok_or(Problem::UnknownConnector)?;
    app.connectors
        .find(id)
        .filter(|connector| caller.may_use(id) && connector.about().kind == Kind::Authentication)
        .ok_or(Problem::UnknownConnector)
}
