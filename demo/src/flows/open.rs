//! An open platform: the calling application gets a token of its own, then a user logs in, then it asks for that user's name.
//!
//! `POST /open/oauth/token` (client credentials as a form) gives `access_token`; with it as a Bearer token, `POST
//! /open/user/login { account, password }` gives an `openId`, good for one question within five minutes, and `GET
//! /open/user/info?openId=…` gives the account.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::app_tokens::{AppTokens, TOKEN};
use super::tickets::TicketStore;
use crate::Server;
use crate::json::{attempt, code, malformed, message};
use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, form, utf8};

/// The one application. A demo's, printed in the documents.
pub(crate) const CLIENT: (&str, &str) = ("doorward", "demo-client-secret");

/// Tokens of the application, and of the users that logged in.
pub(super) struct Sessions {
    pub(super) apps: AppTokens,
    logins: TicketStore<String>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self { apps: AppTokens::new(), logins: TicketStore::for_seconds(5 * 60) }
    }

    /// Whether the request has a living token.
    fn admits(&self, wire: &Wire, now: u64) -> bool {
        let written = wire.header(header::AUTHORIZATION).ok();
        let token = written.and_then(|value| value.strip_prefix("Bearer "));
        token.is_some_and(|token| self.apps.admit(now, token))
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/open/oauth/token", post(token))
        .route("/open/user/login", post(login))
        .route("/open/user/info", get(info))
}

async fn token(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = || {
        wire.expect_type("application/x-www-form-urlencoded", "utf-8")?;
        form(&wire.body, utf8)?.exactly(["grant_type", "client_id", "client_secret"])
    };
    match server.read(&wire, read()) {
        Ok([grant, id, secret]) if grant == "client_credentials" && (&*id, &*secret) == CLIENT => {
            let token = server.flows.open.apps.give(server.now());
            Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": TOKEN })).into_response()
        }
        Ok(_) => (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_client" }))).into_response(),
        Err(Flaw(text)) => {
            let error = json!({ "error": "invalid_request", "error_description": text });
            (StatusCode::BAD_REQUEST, Json(error)).into_response()
        }
    }
}

async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    if !server.flows.open.admits(&wire, server.now()) {
        return stranger();
    }
    let read = attempt(&wire, ["account", "password"]);
    Json(match server.decide(&server.salted, &wire, read) {
        Ok((LoginResult::Accepted, login)) => {
            answer(0, "ok", &json!({ "openId": server.flows.open.logins.put(server.now(), login) }))
        }
        Ok((refusal, _)) => answer(code(refusal), message(refusal), &Value::Null),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

async fn info(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    if !server.flows.open.admits(&wire, server.now()) {
        return stranger();
    }
    Json(match server.read(&wire, wire.query().and_then(|query| query.exactly(["openId"]))) {
        Ok([id]) => match server.flows.open.logins.take(server.now(), &id) {
            Some(login) => {
                let person = server.salted.person(&login);
                let user = json!({ "account": person.login, "name": person.name, "mobile": person.mobile });
                answer(0, "ok", &user)
            }
            None => answer(404, "openId 不存在或已使用", &Value::Null),
        },
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

fn answer(code: u16, message: &str, data: &Value) -> Value {
    json!({ "code": code, "msg": message, "data": data })
}

/// A token that is not known or no longer good.
fn stranger() -> Response {
    (StatusCode::UNAUTHORIZED, Json(answer(401, "access_token 无效或已过期", &Value::Null))).into_response()
}
