//! `POST /v1/sessions/kick`: ends every session that a user, or everybody, began up to now; a login that runs opens none either.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::super::body::fields::{Flag, Text};
use super::super::body::{self, Members};
use super::super::description::{self, Description};
use super::super::problem::{Mistake, Problem};
use super::{admitted, answer, call};
use crate::attempt::{App, Caller};
use crate::session::Sessions;

/// The body: `connector` and `user`, or `all`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Kick")]
struct KickBody {
    /// The connector whose user it is.
    #[schemars(with = "Option<String>")]
    connector: Option<Text>,
    /// The user as the upstream names them; spellings of one name are one.
    #[schemars(with = "Option<String>")]
    user: Option<Text>,
    /// Everybody; for clients that may use every connector.
    #[schemars(with = "Option<bool>")]
    all: Option<Flag>,
}

/// When it was.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Kicked")]
struct KickedBody {
    /// What began at this time or before is over (RFC 3339).
    not_before: String,
}

/// The endpoint.
pub(in super::super) async fn post(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let answer = kicked(&app, request).await;
    call::settle(&app, answer)
}

async fn kicked(app: &App, request: Request<Body>) -> Result<Response, Problem> {
    let (caller, sessions) = admitted(app, &request)?;
    let bytes = body::read(request, app.limits().body).await?;
    let time = kick(&caller, sessions, Members::of(&bytes)?.read()?)?;
    // The clock's own time is one that can be written.
    let time = i64::try_from(time).ok().and_then(|time| Timestamp::from_millisecond(time).ok()).unwrap_or_default();
    Ok(answer(&caller, &KickedBody { not_before: format!("{time:.3}") }))
}

fn kick(caller: &Caller, sessions: &Sessions, body: KickBody) -> Result<u64, Problem> {
    let refused = |at, detail: &str| Err(Problem::invalid(vec![Mistake::at(&[at], detail)]));
    let client = caller.client.name.as_str();
    match (body.connector, body.user, body.all.is_some_and(|Flag(all)| all)) {
        (Some(_), _, true) | (_, Some(_), true) => refused("all", "`all`, or `connector` and `user`: not both"),
        (None, None, true) if caller.client.connectors.is_some() => {
            refused("all", "this client may use some connectors only, and may kick their users only")
        }
        (None, None, true) => {
            tracing::warn!(client, "everybody's sessions were ended");
            Ok(sessions.kick_all())
        }
        (Some(connector), Some(_), false) if !caller.may_use(&connector.0) => {
            refused("connector", "there is no such connector for this client")
        }
        (Some(Text(connector)), Some(Text(user)), false) => {
            tracing::info!(client, connector, "a user's sessions were ended");
            Ok(sessions.kick(&connector, &user))
        }
        (None, _, false) => refused("connector", "missing; or write `all`"),
        (Some(_), None, false) => refused("user", "missing"),
    }
}

pub(super) fn describe(api: &mut Description) {
    let (kicked, asked) = (api.schema::<KickedBody>(), api.schema::<KickBody>());
    let mut responses = Map::new();
    responses.insert("200".into(), description::body("Ended", "application/json", &kicked));
    api.problems(&mut responses, &[400, 401, 404, 408, 413, 415, 422, 429]);
    let summary = "End every session that a user, or everybody, began up to now";
    api.add("/v1/sessions/kick", "post", description::operation("kickSessions", summary, Some(&asked), responses));
}
