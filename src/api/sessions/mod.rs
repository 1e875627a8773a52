//! `/v1/sessions`: what becomes of the sessions that logins opened (`"session": true`). All need the scope `sessions`, and end at
//! the client's own connectors.

mod end;
mod kick;
mod list;
mod refresh;
mod verify;

pub(super) use end::delete;
pub(super) use kick::post as kick;
pub(super) use list::get as list;
pub(super) use refresh::post as refresh;
pub(super) use verify::post as verify;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Request, StatusCode, header};
use serde::Serialize;

use super::call;
use super::description::Description;
use super::problem::{Problem, ProblemKind};
use crate::attempt::{App, Caller, TooManyCalls};
use crate::config::Scope;
use crate::metrics::Shed;
use crate::session::Sessions;

const NO_SESSIONS: ProblemKind =
    ProblemKind::new(StatusCode::NOT_FOUND, "no_sessions", "The daemon keeps no sessions (sign_in in doorward.yaml)");

/// The client of a call, and the sessions.
fn admitted<'a>(app: &'a App, request: &Request<Body>) -> Result<(Arc<Caller>, &'a Sessions), Problem> {
    let caller = call::caller(app, request, Scope::Sessions)?;
    let sessions = app.sessions().ok_or_else(|| Problem::of(NO_SESSIONS))?;
    if caller.unread.is_full() {
        app.metrics.shed(Shed::Client);
        return Err(TooManyCalls.into());
    }
    Ok((caller, sessions))
}

/// 200 with what holds tokens or says who somebody is: nobody keeps it.
fn answer(caller: &Caller, body: &impl Serialize) -> Response {
    // Strings and numbers only: this cannot fail.
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Body::from(caller.unread.counted(bytes)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(super) fn describe(api: &mut Description) {
    list::describe(api);
    refresh::describe(api);
    verify::describe(api);
    kick::describe(api);
    end::describe(api);
}
