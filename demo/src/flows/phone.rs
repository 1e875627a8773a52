//! What the users' telephones show: received messages, the code of the authenticator app, open confirmations.
//!
//! This is the only way in which a code leaves the demo server: a person who tries a login looks at the telephone
//! (`GET /demo/phone?login=zhangsan`) and presses its buttons (`POST /demo/phone/confirm`, `…/deny`).
//! Nothing that checks a login may read from here.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use crate::Server;
use crate::people::PEOPLE;
use crate::wire::{Flaw, Wire, flaw, form, utf8};

/// How many messages all telephones keep together.
const KEPT: usize = 64;

#[derive(Default)]
pub(super) struct Messages(Mutex<VecDeque<Message>>);

struct Message {
    login: String,
    from: &'static str,
    text: String,
}

/// A telephone as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    /// The texts of messages, oldest first.
    pub messages: Vec<String>,
    /// What the authenticator app shows now.
    pub authenticator: String,
    /// What waits to be confirmed.
    pub waiting: usize,
}

impl Phone {
    /// The six digits in the newest message.
    pub fn code(&self) -> Option<String> {
        let text = self.messages.last()?;
        let runs = text.split(|c: char| !c.is_ascii_digit());
        runs.filter(|run| run.len() == 6).map(str::to_owned).next()
    }
}

impl Messages {
    /// Delivers a message to the telephone of `login`.
    pub(super) fn deliver(&self, login: &str, from: &'static str, text: String) {
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if messages.len() == KEPT {
            messages.pop_front();
        }
        messages.push_back(Message { login: login.to_owned(), from, text });
    }

    /// Sender and text of what came for `login`, oldest first.
    fn of(&self, login: &str) -> Vec<(&'static str, String)> {
        let messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        messages.iter().filter(|message| message.login == login).map(|m| (m.from, m.text.clone())).collect()
    }
}

impl Server {
    /// The telephone of `login` now.
    pub(crate) fn phone(&self, login: &str) -> Phone {
        Phone {
            messages: self.flows.messages.of(login).into_iter().map(|(_, text)| text).collect(),
            authenticator: self.flows.authenticators.shows(login, self.now()).unwrap_or_default(),
            waiting: self.flows.push.waiting(login, self.now()),
        }
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/demo/phone", get(show))
        .route("/demo/phone/confirm", post(confirm))
        .route("/demo/phone/deny", post(deny))
}

async fn show(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = wire.query().and_then(|query| query.exactly(["login"])).and_then(known);
    match read {
        Ok(login) => {
            let phone = server.phone(&login);
            let messages: Vec<_> = server.flows.messages.of(&login);
            let messages: Vec<_> =
                messages.iter().map(|(from, text)| json!({ "from": from, "for": asks(from), "text": text })).collect();
            Json(json!({
                "login": login,
                "messages": messages,
                "authenticator": { "for": "totp", "code": phone.authenticator, "secret": server.flows.authenticators.secret(&login) },
                "waiting": phone.waiting,
            }))
            .into_response()
        }
        Err(flaw) => unknown_user(&flaw),
    }
}

async fn confirm(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    press(&server, &wire, true)
}

async fn deny(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    press(&server, &wire, false)
}

fn press(server: &Server, wire: &Wire, confirmed: bool) -> Response {
    let read = wire.expect_type("application/x-www-form-urlencoded", "utf-8");
    let read = read.and_then(|()| form(&wire.body, utf8)?.exactly(["login"])).and_then(known);
    match read {
        Ok(login) => {
            Json(json!({ "pressed": server.flows.push.press(&login, confirmed, server.now()) })).into_response()
        }
        Err(flaw) => unknown_user(&flaw),
    }
}

/// The connectors that ask for the code in a message of this sender.
fn asks(from: &str) -> &'static str {
    match from {
        "企业微信" => "wecom-code",
        "钉钉" => "dingtalk-code",
        _ => "sms-code, sms-login",
    }
}

fn known([login]: [String; 1]) -> Result<String, Flaw> {
    if PEOPLE.iter().any(|person| person.login == login) { Ok(login) } else { flaw("no user of this name") }
}

fn unknown_user(flaw: &Flaw) -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "error": flaw.0 }))).into_response()
}
