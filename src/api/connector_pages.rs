//! `GET /v1/connectors` and `GET /v1/connectors/{id}`: what there is, and what it wants to be asked.
//!
//! A client sees its own connectors only. Nothing of a connector's inside is shown: no address, no step, no rule.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::{IntoResponse as _, Response};
use http::Request;
use schemars::JsonSchema;
use serde::Serialize;

use super::call;
use super::description::Description;
use super::problem::Problem;
use crate::attempt::connectors::{ConnectorKind, ConnectorSummary};
use crate::attempt::{App, Caller};
use crate::config::Scope;

/// All connectors of a client.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct List {
    /// By id.
    connectors: Vec<ListedConnector>,
}

/// One connector.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Connector")]
pub(super) struct ListedConnector {
    /// The file's name without its extension.
    id: String,
    /// For people.
    title: Option<String>,
    /// `authentication` or `utility`.
    kind: &'static str,
    /// Hash of connector, scripts and settings.
    revision: String,
    /// `current`, `stale` (the file became invalid, the last good revision runs) or `invalid` (it never was valid).
    health: &'static str,
    /// What a login or a utility call may or must bring.
    inputs: Inputs,
}

/// What a login or a utility call may or must bring.
#[derive(Debug, Serialize, JsonSchema)]
struct Inputs {
    /// Whether a user name must be sent; a utility wants one only where it reads it.
    username: bool,
    /// Whether a password must be sent; never to a utility, and not where the first factor is a code.
    password: bool,
    /// `user.*` attributes by name: `attributes` of a login, `inputs` of a utility call.
    attributes: BTreeMap<String, Attribute>,
    /// How fields are packed in the password: `json5`, `form` or `pairs`.
    password_fields: Option<&'static str>,
    /// How fields are packed in the user name.
    username_fields: Option<&'static str>,
}

/// One attribute.
#[derive(Debug, Serialize, JsonSchema)]
struct Attribute {
    /// Whether a call without it is refused (422).
    required: bool,
    /// Most characters.
    max: Option<usize>,
}

impl From<&ConnectorSummary> for ListedConnector {
    fn from(about: &ConnectorSummary) -> Self {
        let attribute = |(name, rule): (&String, &crate::attempt::connectors::Attribute)| {
            (name.clone(), Attribute { required: rule.required, max: rule.max })
        };
        Self {
            id: about.id.clone(),
            title: about.title.clone(),
            kind: about.kind.as_str(),
            revision: about.revision.clone(),
            health: about.health.as_str(),
            inputs: Inputs {
                username: about.kind == ConnectorKind::Authentication || about.username,
                password: about.kind == ConnectorKind::Authentication && !about.no_password,
                attributes: about.attributes.iter().map(attribute).collect(),
                password_fields: about.password_fields,
                username_fields: about.username_fields,
            },
        }
    }
}

/// All of them.
pub(super) async fn list(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    call::read(&app, &request, "application/json", |caller| {
        // Strings and numbers only: this cannot fail.
        serde_json::to_vec(&List { connectors: own(&app, caller) }).unwrap_or_default()
    })
}

/// The connectors of a client.
pub(super) fn own(app: &App, caller: &Caller) -> Vec<ListedConnector> {
    let all = app.connectors.list();
    all.iter()
        .map(|connector| connector.about())
        .filter(|about| caller.may_use(&about.id))
        .map(ListedConnector::from)
        .collect()
}

/// One of them.
pub(super) async fn one(State(app): State<Arc<App>>, path: RawPathParams, request: Request<Body>) -> Response {
    call::settle(&app, page(&app, &path, &request))
}

fn page(app: &App, path: &RawPathParams, request: &Request<Body>) -> Result<Response, Problem> {
    let caller = call::caller(app, request, Scope::Read)?;
    let connector = call::connector(app, &caller, path)?;
    Ok(Json(ListedConnector::from(connector.about())).into_response())
}

pub(super) fn describe(api: &mut Description) {
    let list = api.schema::<List>();
    api.reading("/v1/connectors", "get", "listConnectors", "The connectors of this client", &list, &[401]);
    let entry = api.schema::<ListedConnector>();
    let summary = "A connector and the inputs it wants";
    api.reading("/v1/connectors/{id}", "get", "getConnector", summary, &entry, &[401, 404]);
}
