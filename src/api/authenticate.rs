//! `POST /v1/connectors/{id}/authenticate`: one login.
//!
//! Order: who calls, which connector, what they ask. A caller learns nothing about a connector that is not its own:
//! the answer is the same as for one that does not exist.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::Request;

use super::body::{self, LoginBody};
use super::callers::Caller;
use super::problem::Problem;
use super::{App, reply};
use crate::attempt::connectors::{Connector, Kind};
use crate::attempt::login;
use crate::attempt::login::Mode;
use crate::config::Scope;

/// The endpoint.
pub(crate) async fn post(State(app): State<Arc<App>>, path: RawPathParams, request: Request<Body>) -> Response {
    app.settle(answer(&app, &path, request).await)
}

async fn answer(app: &Arc<App>, path: &RawPathParams, request: Request<Body>) -> Result<Response, Problem> {
    let caller = app.caller(&request, Scope::Authenticate)?;
    let connector = find(app, &caller, path, Kind::Authentication)?;
    let bytes = body::read(request, app.limits.body).await?;
    let asked = LoginBody::parse(body::object(&bytes)?, connector.about())?;
    let ended = login::run(app, &caller, connector, asked, Mode::Login).await?;
    Ok(reply::respond(&ended.report, &caller.unread))
}

/// The connector of the path, if this caller may use it and it is of this kind.
pub(crate) fn find(
    app: &App,
    caller: &Caller,
    path: &RawPathParams,
    kind: Kind,
) -> Result<Arc<dyn Connector>, Problem> {
    any_kind(app, caller, path)
        .and_then(|found| if found.about().kind == kind { Ok(found) } else { Err(Problem::UnknownConnector) })
}

/// The connector of the path, if this caller may use it.
pub(crate) fn any_kind(app: &App, caller: &Caller, path: &RawPathParams) -> Result<Arc<dyn Connector>, Problem> {
    let id = path.iter().find_map(|(name, value)| (name == "id").then_some(value)).ok_or(Problem::UnknownConnector)?;
    app.connectors.find(id).filter(|_| caller.may_use(id)).ok_or(Problem::UnknownConnector)
}
