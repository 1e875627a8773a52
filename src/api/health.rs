//! `GET /healthz`: the process answers. `GET /readyz`: it should get logins.
//!
//! Both are open to everybody and name nothing. A connector that is invalid shows as a number and does not make the
//! daemon unready: one connector's trouble stays its own. Neither does a store of challenges that is away: all daemons
//! share it, and taking every one of them out would end the logins of one step too.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, json};

use super::description::{self, Description};

use crate::attempt::connectors::{Connectors, Health};
use crate::attempt::{App, Configuration, ConfigurationReload};
use crate::script::Sandbox;

pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the daemon should get logins.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Readiness {
    /// `ready`; `draining`: it is ending; `refusing`: the audit trail cannot be written and the policy is to refuse.
    status: &'static str,
    /// `ok`, or `unavailable`: challenges cannot be kept now. Logins of one step do without, so this alone does not make
    /// the daemon unready.
    state: &'static str,
    /// What holds script workers in: `whole`; `partial` or `off` where the kernel or the container withholds some or all of
    /// it; `unused` where no connector has a script. Scripts come from the operator, so this alone does not make the daemon
    /// unready.
    sandbox: &'static str,
    /// Whether what runs is what `doorward.yaml` says.
    configuration: ConfigurationHealth,
    /// How many connectors stand how.
    connectors: Counts,
    /// How many doors; absent where there are none. One that is refused is no reason to send logins elsewhere: the other daemons have
    /// the same files.
    #[serde(skip_serializing_if = "Option::is_none")]
    doors: Option<DoorCounts>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct DoorCounts {
    /// Doors that run.
    running: usize,
    /// Doors whose files have mistakes; the last good one of each runs, if there was one.
    refused: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ConfigurationHealth {
    /// `current`; `refused`: the file has a mistake, and what ran before it still runs.
    status: &'static str,
    /// Keys that differ from what runs and are taken over by a restart only.
    restart: Vec<&'static str>,
}

#[derive(Debug, Default, Serialize, JsonSchema)]
struct Counts {
    /// What runs is what the file says.
    current: usize,
    /// The file is invalid; the last good revision runs.
    stale: usize,
    /// The file was never valid; logins are misconfigured.
    invalid: usize,
}

fn counts(connectors: &dyn Connectors) -> Counts {
    let mut counts = Counts::default();
    for connector in connectors.list() {
        match connector.about().health {
            Health::Current => counts.current += 1,
            Health::Stale => counts.stale += 1,
            Health::Invalid => counts.invalid += 1,
        }
    }
    counts
}

/// 200 or 503.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> (StatusCode, Json<Readiness>) {
    let (code, readiness) = readiness(&app).await;
    (code, Json(readiness))
}

/// Whether the daemon should get logins, and the status that says so.
pub(super) async fn readiness(app: &App) -> (StatusCode, Readiness) {
    let status = if app.draining() {
        "draining"
    } else if app.trail().is_some_and(|trail| trail.refuses()) {
        "refusing"
    } else {
        "ready"
    };
    let state = if app.challenges.ready().await { "ok" } else { "unavailable" };
    let code = if status == "ready" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let sandbox = match app.connectors.sandbox() {
        None => "unused",
        Some(Sandbox::WHOLE) => "whole",
        Some(sandbox) if sandbox.parts().iter().any(|(_, on)| *on) => "partial",
        Some(_) => "off",
    };
    let connectors = counts(app.connectors.as_ref());
    let doors = app.reloads.doors();
    let doors = doors.map(|doors| DoorCounts { running: doors.running.len(), refused: doors.refused.len() });
    (code, Readiness { status, state, sandbox, configuration: configuration(app), connectors, doors })
}

fn configuration(app: &App) -> ConfigurationHealth {
    let ConfigurationReload { refused, restart, .. } = app.configuration().map(Configuration::last).unwrap_or_default();
    ConfigurationHealth { status: if refused { "refused" } else { "current" }, restart }
}

/// Shows the same numbers as metrics.
pub(super) fn gauge(app: &App) {
    let Counts { current, stale, invalid } = counts(app.connectors.as_ref());
    app.metrics.connectors("current", current);
    app.metrics.connectors("stale", stale);
    app.metrics.connectors("invalid", invalid);
    for (part, on) in app.connectors.sandbox().into_iter().flat_map(Sandbox::parts) {
        app.metrics.sandbox(part, on);
    }
    app.metrics.challenges(&app.challenges.counts());
    if let Some(sessions) = app.sessions() {
        app.metrics.sessions(&sessions.counts());
    }
}

pub(super) fn describe(api: &mut Description) {
    let mut responses = Map::new();
    responses.insert("200".into(), description::text("The process answers", "text/plain; charset=utf-8"));
    let mut health = description::operation("getHealth", "Whether the process answers", None, responses);
    health["security"] = json!([]);
    api.add("/healthz", "get", health);
    let readiness = api.schema::<Readiness>();
    let mut responses = Map::new();
    responses.insert("200".into(), description::body("Send logins", "application/json", &readiness));
    responses.insert("503".into(), description::body("Send logins elsewhere", "application/json", &readiness));
    let mut ready = description::operation("getReadiness", "Whether the daemon should get logins", None, responses);
    ready["security"] = json!([]);
    api.add("/readyz", "get", ready);
}
