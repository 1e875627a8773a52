//! `GET /v1/sessions`: the sessions that are open, of the client's connectors. No token, and no secret of one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, json};

use super::super::description::{self, Description};
use super::super::problem::{Mistake, Problem};
use super::{admitted, answer, call};
use crate::attempt::App;
use crate::session::OpenSession;

/// More are for a program that asks by connector and user.
const MOST: usize = 1000;

/// A session that is open.
#[derive(Debug, Serialize, JsonSchema)]
struct ListedSession {
    /// Its public name.
    id: String,
    /// The connector that authenticated the user.
    connector: String,
    /// The user as the upstream names them.
    user: String,
    /// The client that it was opened for.
    client_id: String,
    /// When the user logged in, in seconds since 1970.
    auth_time: u64,
    /// When it was last used, in seconds since 1970.
    used: u64,
    /// When it ends, whatever is done, in seconds since 1970.
    ends: u64,
}

/// The sessions, the newest first.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Sessions")]
struct ListBody {
    sessions: Vec<ListedSession>,
    /// Whether there are more than are listed: ask by `connector` and `user`.
    more: bool,
}

/// The endpoint.
pub(in super::super) async fn get(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let answer = listed(&app, &request);
    call::settle(&app, answer)
}

/// What the query asks for.
#[derive(Default)]
struct Asked {
    connector: Option<String>,
    user: Option<String>,
}

fn asked(query: &str) -> Result<Asked, Problem> {
    let mut asked = Asked::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let place = match &*name {
            "connector" => &mut asked.connector,
            "user" => &mut asked.user,
            _ => {
                return Err(Problem::invalid(vec![Mistake::at(
                    &[&name],
                    "no such parameter; `connector` and `user` are",
                )]));
            }
        };
        if place.replace(value.into_owned()).is_some() {
            return Err(Problem::invalid(vec![Mistake::at(&[&name], "it comes twice")]));
        }
    }
    if asked.user.is_some() && asked.connector.is_none() {
        return Err(Problem::invalid(vec![Mistake::at(&["connector"], "missing: a user is one of a connector")]));
    }
    Ok(asked)
}

fn listed(app: &App, request: &Request<Body>) -> Result<Response, Problem> {
    let (caller, sessions) = admitted(app, request)?;
    let Asked { connector, user } = asked(request.uri().query().unwrap_or_default())?;
    let wanted = |id: &str| caller.may_use(id) && connector.as_deref().is_none_or(|wanted| wanted == id);
    let mut open = sessions.list(wanted, user.as_deref());
    open.sort_by(|a, b| b.authenticated_ms.cmp(&a.authenticated_ms).then(a.id.cmp(&b.id)));
    let more = open.len() > MOST;
    open.truncate(MOST);
    let sessions = open.into_iter().map(ListedSession::of).collect();
    Ok(answer(&caller, &ListBody { sessions, more }))
}

impl ListedSession {
    fn of(session: OpenSession) -> Self {
        Self {
            id: session.id.to_string(),
            connector: session.connector,
            user: session.subject,
            client_id: session.client,
            auth_time: session.authenticated_ms / 1000,
            used: session.used_ms / 1000,
            ends: session.ends_ms / 1000,
        }
    }
}

pub(super) fn describe(api: &mut Description) {
    let list = api.schema::<ListBody>();
    let mut responses = Map::new();
    responses.insert("200".into(), description::body("The sessions that are open", "application/json", &list));
    api.problems(&mut responses, &[401, 404, 422, 429]);
    let mut operation = description::operation("listSessions", "The sessions that are open", None, responses);
    let parameter =
        |name: &str| json!({ "name": name, "in": "query", "required": false, "schema": { "type": "string" } });
    operation["parameters"] = json!([parameter("connector"), parameter("user")]);
    api.add("/v1/sessions", "get", operation);
}
