//! A platform that asks the user's telephone: the login waits until the user presses a button there.
//!
//! `POST /push/login` with a form `username`, `password` gives `pushId`, or a token for a user without a telephone;
//! `GET
//! /push/state?pushId=…` gives `WAITING`, `CONFIRMED` (once, with the account), `DENIED` or `TIMEOUT`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::enrolled;
use super::tickets::TicketStore;
use crate::json::{code, malformed, message};
use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, form, utf8};
use crate::{Attempt, Server, token};

/// How long the telephone asks, in milliseconds.
const ASKS: u64 = 2 * 60 * 1000;

/// Logins that wait for a button. Ids outlive the question, so that "too late" differs from "unknown".
pub(crate) struct Sessions(TicketStore<Asked>);

struct Asked {
    login: String,
    until: u64,
    pressed: Option<bool>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self(TicketStore::for_seconds(10 * 60))
    }

    /// How many questions the telephone of `login` shows.
    pub(super) fn waiting(&self, login: &str, now: u64) -> usize {
        let mut waiting = 0;
        self.0.newest(now, |asked| {
            waiting += usize::from(asked.waits(login, now));
            None::<()>
        });
        waiting
    }

    /// Presses a button of the newest question; false when none is shown.
    pub(crate) fn press(&self, login: &str, confirmed: bool, now: u64) -> bool {
        let press = |asked: &mut Asked| asked.waits(login, now).then(|| asked.pressed = Some(confirmed));
        self.0.newest(now, press).is_some()
    }
}

impl Asked {
    fn waits(&self, login: &str, now: u64) -> bool {
        self.login == login && now < self.until && self.pressed.is_none()
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/push/login", post(login)).route("/push/state", get(state))
}

async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    Json(match server.decide(&server.salted, &wire, read(&wire)) {
        Ok((LoginResult::Accepted, login)) if enrolled(&login) => {
            let device = format!("{} 的手机", server.salted.person(&login).name);
            let asked = Asked { login: login.clone(), until: server.now() + ASKS, pressed: None };
            let id = server.flows.push.0.put(server.now(), asked);
            ok(&json!({ "pushId": id, "device": device, "loginName": login }))
        }
        Ok((LoginResult::Accepted, login)) => ok(&json!({ "token": token(), "loginName": login })),
        Ok((refusal, _)) => json!({ "code": code(refusal), "msg": message(refusal), "data": null }),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

fn read(wire: &Wire) -> Result<Attempt, Flaw> {
    wire.expect_type("application/x-www-form-urlencoded", "utf-8")?;
    let [login, sent] = form(&wire.body, utf8)?.exactly(["username", "password"])?;
    Ok(Attempt { login, sent })
}

async fn state(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let now = server.now();
    let sessions = &server.flows.push.0;
    Json(match server.read(&wire, wire.query().and_then(|query| query.exactly(["pushId"]))) {
        Ok([id]) => match sessions.with(now, &id, |asked| (asked.pressed, now < asked.until)) {
            Some((Some(true), _)) => match sessions.take(now, &id) {
                Some(asked) => ok(&json!({ "state": "CONFIRMED", "loginName": asked.login, "token": token() })),
                None => unknown(),
            },
            Some((Some(false), _)) => ok(&json!({ "state": "DENIED" })),
            Some((None, true)) => ok(&json!({ "state": "WAITING" })),
            Some((None, false)) => ok(&json!({ "state": "TIMEOUT" })),
            None => unknown(),
        },
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

fn ok(data: &Value) -> Value {
    json!({ "code": 0, "msg": "ok", "data": data })
}

fn unknown() -> Value {
    json!({ "code": 404, "msg": "推送不存在或已使用", "data": null })
}
