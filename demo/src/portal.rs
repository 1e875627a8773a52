//! JSON servers with habits of their own: every refusal under one code, JSON inside a JSON string.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;

use super::json::{attempt, malformed, message};
use super::people::LoginResult;
use super::wire::Wire;
use super::{Server, token};

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/portal/auth", post(one_code)).route("/gateway/login", post(nested))
}

/// `{ loginName, password }`: 200 or 500, and only the message tells one refusal from another.
async fn one_code(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = attempt(&wire, ["loginName", "password"]);
    Json(match server.decide(&server.salted, &wire, read) {
        Ok((LoginResult::Accepted, login)) => {
            let person = server.salted.person(&login);
            json!({ "code": 200, "success": true, "message": "登录成功", "data": {
                "sessionId": token(), "loginName": person.login, "displayName": person.name,
            } })
        }
        Ok((refusal, _)) => json!({ "code": 500, "success": false, "message": message(refusal), "data": {} }),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

/// `{ account, password }`: the gateway in front wraps the answer of the server behind as a string.
async fn nested(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = attempt(&wire, ["account", "password"]);
    let inner = match server.decide(&server.salted, &wire, read) {
        Ok((LoginResult::Accepted, login)) => {
            let person = server.salted.person(&login);
            json!({ "result": "SUCCESS", "ticket": token(), "user": { "id": person.login, "name": person.name } })
        }
        Ok((refusal, _)) => json!({ "result": "FAILED", "reason": reason(refusal), "message": message(refusal) }),
        Err(flaw) => return Json(malformed(&flaw)).into_response(),
    };
    Json(json!({ "code": "0", "data": inner.to_string() })).into_response()
}

fn reason(result: LoginResult) -> &'static str {
    match result {
        LoginResult::Accepted | LoginResult::Wrong => "BAD_CREDENTIALS",
        LoginResult::Locked => "LOCKED",
        LoginResult::Disabled => "DISABLED",
        LoginResult::PasswordExpired => "EXPIRED",
    }
}
