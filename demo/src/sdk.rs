//! Servers behind mobile apps: the app's SDK has fields of its own, and wants the server's data back.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;

use super::json::{attempt, code, malformed, message};
use super::people::LoginResult;
use super::wire::{Flaw, Wire, flaw, json as read_json};
use super::{Attempt, Server, token};

/// The apps that may ask, by their number.
const CLIENTS: [&str; 2] = ["1", "2"];

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/sdk/login", post(with_client)).route("/app/login", post(with_server_info))
}

/// `{ user-name, user-password: plain, clientid }`; an unknown app is an error of its own.
async fn with_client(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    Json(match server.decide(&server.salted, &wire, read(&wire)) {
        Ok((refusal, _)) => json!({ "code": code(refusal), "msg": message(refusal) }),
        Err(flaw) if flaw == unknown_client() => json!({ "code": 1001, "msg": flaw.0 }),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

fn read(wire: &Wire) -> Result<Attempt, Flaw> {
    wire.expect_type("application/json", "utf-8")?;
    let fields = read_json(&wire.body)?;
    let [login, sent, client] = fields.exactly(["user-name", "user-password", "clientid"])?;
    if !CLIENTS.contains(&client.as_str()) {
        return flaw(unknown_client().0);
    }
    Ok(Attempt { login, sent })
}

fn unknown_client() -> Flaw {
    Flaw("未知客户端".to_owned())
}

/// `{ username, password: md5 }`; the answer holds what the app needs next: token, address, time to live, more.
async fn with_server_info(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    Json(match server.decide(&server.md5, &wire, attempt(&wire, ["username", "password"])) {
        Ok((LoginResult::Accepted, login)) => {
            let person = server.md5.person(&login);
            json!({ "errcode": 0, "errmsg": "ok", "result": {
                "token": token(),
                "url": "https://app.example.com/v3/",
                "expires_in": 7200,
                "user": { "id": 9_007_199_254_740_993_u64, "loginName": person.login, "name": person.name },
                "push": ["wss://push1.example.com", "wss://push2.example.com"],
            } })
        }
        Ok((refusal, _)) => json!({ "errcode": code(refusal), "errmsg": message(refusal) }),
        Err(flaw) => json!({ "errcode": 400, "errmsg": flaw.0 }),
    })
    .into_response()
}
