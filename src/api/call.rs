//! What all endpoints share: the client of a call, and how an answer or an error is written.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawPathParams;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Request, header};

use super::problem::{Problem, UNKNOWN_CONNECTOR};
use crate::attempt::connectors::{Connector, ConnectorKind};
use crate::attempt::{App, Caller, TooManyCalls};
use crate::config::{Certificate, Scope};
use crate::http::ConnectionSlot;
use crate::metrics::Shed;

/// The client behind a request, if it has `scope`. The listener puts a verified client certificate into the extensions.
pub(super) fn caller(app: &App, request: &Request<Body>, scope: Scope) -> Result<Arc<Caller>, Problem> {
    let certificate = request.extensions().get::<Arc<Certificate>>();
    let token = bearer(request.headers())?;
    // For each call anew, so that a client or a token that was taken away is unknown on connections that it has open, too.
    let callers = app.callers();
    let caller = callers.identify(token, certificate.map(AsRef::as_ref)).ok_or_else(Problem::unauthorized)?;
    if let Some(slot) = request.extensions().get::<Arc<ConnectionSlot>>() {
        slot.authenticated(&caller.client.name, callers.one_logs_in());
    }
    if caller.client.scopes.contains(&scope) { Ok(caller) } else { Err(Problem::out_of_scope(scope)) }
}

/// The answer to a client that may read: `text`, of the media type `media_type`, unless it leaves its earlier replies unread.
pub(super) fn read(
    app: &App,
    request: &Request<Body>,
    media_type: &'static str,
    text: impl FnOnce(&Caller) -> Vec<u8>,
) -> Response {
    let answer = reader(app, request).map(|caller| {
        ([(header::CONTENT_TYPE, media_type)], Body::from(caller.unread.counted(text(&caller)))).into_response()
    });
    settle(app, answer)
}

/// The client behind a request, if it may read and reads: not when it leaves its earlier replies unread.
pub(super) fn reader(app: &App, request: &Request<Body>) -> Result<Arc<Caller>, Problem> {
    let caller = caller(app, request, Scope::Read)?;
    if caller.unread.is_full() {
        app.metrics.shed(Shed::Client);
        return Err(TooManyCalls.into());
    }
    Ok(caller)
}

/// The response of an endpoint; counts faults of the call.
pub(super) fn settle(app: &App, answer: Result<Response, Problem>) -> Response {
    answer.unwrap_or_else(|problem| {
        app.metrics.problem(problem.code());
        problem.into_response()
    })
}

/// The connector of the path, if this caller may use it and it is of this kind.
pub(super) fn connector_of_kind(
    app: &App,
    caller: &Caller,
    path: &RawPathParams,
    kind: ConnectorKind,
) -> Result<Arc<dyn Connector>, Problem> {
    connector(app, caller, path)
        .and_then(|found| if found.about().kind == kind { Ok(found) } else { Err(Problem::of(UNKNOWN_CONNECTOR)) })
}

/// The connector of the path, if this caller may use it.
pub(super) fn connector(app: &App, caller: &Caller, path: &RawPathParams) -> Result<Arc<dyn Connector>, Problem> {
    let id = path
        .iter()
        .find_map(|(name, value)| (name == "id").then_some(value))
        .ok_or_else(|| Problem::of(UNKNOWN_CONNECTOR))?;
    app.connectors.find(id).filter(|_| caller.may_use(id)).ok_or_else(|| Problem::of(UNKNOWN_CONNECTOR))
}

/// The bearer token of a call (RFC 6750 section 2.1). Two `Authorization` headers, another scheme or a text that is no
/// token are refused rather than ignored, so that a certificate never covers for a wrong token.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::unauthorized());
    }
    let text = value.to_str().map_err(|_| Problem::unauthorized())?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => Ok(Some(token)),
        _ => Err(Problem::unauthorized()),
    }
}
