//! `POST /v1/connectors/{id}/authenticate`: one login.
//!
//! Order: who calls, which connector, what they ask. A caller learns nothing about a connector that is not its own:
//! the answer is the same as for one that does not exist.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::Request;
use schemars::JsonSchema;
use serde::Deserialize;

use super::body::fields::{Address, Attributes, Flag, Milliseconds, Password, RequestId, Text};
use super::body::{self, Members};
use super::description::{self, Description};
use super::problem::{Mistake, Problem};
use super::reply::VerdictBody;
use super::{call, reply};
use crate::attempt::connectors::{ConnectorKind, ConnectorSummary};
use crate::attempt::{App, Caller, Login, Mode};
use crate::config::Scope;
use crate::secret::Secret;

/// The body of a login.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Login")]
pub(crate) struct LoginBody {
    /// The user name, byte for byte.
    #[schemars(with = "String")]
    username: Text,
    /// The password, byte for byte; required unless the connector takes none (`GET /v1/connectors/{id}`, `inputs.password`).
    #[serde(default)]
    #[schemars(with = "String", extend("default" = ""))]
    password: Password,
    /// The address of the user's device.
    client_ip: Option<Address>,
    /// The attributes that the connector declares: strings, numbers or booleans.
    attributes: Option<Attributes>,
    /// An id of the caller's for logs; drawn when absent.
    #[schemars(with = "Option<String>", regex(pattern = "^[!-~]{1,128}$"))]
    request_id: Option<RequestId>,
    /// An earlier end than the connector's own timeout.
    #[schemars(with = "Option<u64>", range(min = 1))]
    timeout_ms: Option<Milliseconds>,
    /// Whether an accept is to open a session: then the reply has `session`, also the one that follows a challenge. Needs the scope
    /// `sessions` too, and a connector of `sign_in`.
    #[schemars(with = "Option<bool>")]
    session: Option<Flag>,
}

impl LoginBody {
    /// Contradicts the inputs of the connector.
    pub(crate) fn login(self, about: &ConnectorSummary, mode: Mode) -> Result<Login, Problem> {
        let attributes = self.attributes.map(|Attributes(object)| object).unwrap_or_default();
        let mut mistakes = body::check_attributes("attributes", &attributes, &about.attributes);
        let password = self.password.of(about.no_password).unwrap_or_else(|detail| {
            mistakes.insert(0, Mistake::at(&["password"], detail));
            Secret::default()
        });
        let session = self.session.is_some_and(|Flag(wanted)| wanted);
        if session && mode != Mode::Login {
            mistakes.push(Mistake::at(&["session"], "a send test opens no session"));
        }
        if !mistakes.is_empty() {
            return Err(Problem::invalid(mistakes));
        }
        Ok(Login {
            username: self.username.0,
            password,
            client_ip: self.client_ip.map(|Address(address)| address),
            attributes,
            request_id: self.request_id.map(|RequestId(id)| id),
            timeout: self.timeout_ms.map(|Milliseconds(timeout)| timeout),
            mode,
            rules: None,
            parent: None,
            session,
        })
    }
}

/// The endpoint.
pub(super) async fn post(State(app): State<Arc<App>>, path: RawPathParams, request: Request<Body>) -> Response {
    let answer = answer(&app, &path, request).await;
    call::settle(&app, answer)
}

async fn answer(app: &Arc<App>, path: &RawPathParams, request: Request<Body>) -> Result<Response, Problem> {
    let caller = call::caller(app, &request, Scope::Authenticate)?;
    let connector = call::connector_of_kind(app, &caller, path, ConnectorKind::Authentication)?;
    let parent = app.parent(request.headers());
    let bytes = body::read(request, app.limits().body).await?;
    let login = Members::of(&bytes)?.read::<LoginBody>()?.login(connector.about(), Mode::Login)?;
    if login.session {
        may_open(app, &caller, &connector.about().id)?;
    }
    let outcome = app.login(&caller, connector, Login { parent, ..login }).await?;
    Ok(reply::respond(&outcome.report, outcome.session.as_ref(), &caller.unread))
}

/// Before anything is sent: a login whose accept could open no session is not run.
fn may_open(app: &App, caller: &Caller, connector: &str) -> Result<(), Problem> {
    if !caller.client.scopes.contains(&Scope::Sessions) {
        return Err(Problem::out_of_scope(Scope::Sessions));
    }
    let why = match app.sessions() {
        None => "the daemon keeps no sessions (sign_in in doorward.yaml)",
        Some(sessions) if !sessions.makes(connector) => "logins of this connector open none: sign_in does not list it",
        Some(_) => return Ok(()),
    };
    Err(Problem::invalid(vec![Mistake::at(&["session"], why)]))
}

pub(super) fn describe(api: &mut Description) {
    let (verdict, asked) = (api.schema::<VerdictBody<'static>>(), api.schema::<LoginBody>());
    let mut responses = description::verdicts(&verdict);
    description::answerable(&mut responses);
    api.problems(&mut responses, &[400, 401, 404, 408, 413, 415, 422, 429]);
    let operation = description::operation("authenticate", "One login", Some(&asked), responses);
    api.add("/v1/connectors/{id}/authenticate", "post", operation);
}
