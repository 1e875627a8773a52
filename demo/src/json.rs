//! The commonest 4A servers: a JSON object with the digest of the password in, `code`, `msg` and `result` out.
//!
//! Status 200 whatever the answer, as most of them do: the truth is in `code`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::people::{Directory, LoginResult};
use super::wire::{Flaw, Wire, json as read_json};
use super::{Attempt, Server, token};

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/api/login", post(md5)).route("/api/v2/login", post(md5_sha1))
}

/// `{ user-name, user-password: md5 }`.
async fn md5(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    answer(&server, &server.md5, &wire, ["user-name", "user-password"])
}

/// `{ account, credential: sha1 of the hexadecimal md5 }`.
async fn md5_sha1(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    answer(&server, &server.md5_sha1, &wire, ["account", "credential"])
}

fn answer(server: &Server, directory: &Directory, wire: &Wire, names: [&str; 2]) -> Response {
    Json(match server.decide(directory, wire, attempt(wire, names)) {
        Ok((LoginResult::Accepted, login)) => {
            let person = directory.person(&login);
            json!({ "code": 200, "msg": "登录成功", "result": {
                "token": token(), "loginName": person.login, "name": person.name, "mobile": person.mobile,
            } })
        }
        Ok((refusal, _)) => json!({ "code": code(refusal), "msg": message(refusal), "result": null }),
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

/// Reads a JSON object of a user name and a credential, and nothing else.
pub(super) fn attempt(wire: &Wire, names: [&str; 2]) -> Result<Attempt, Flaw> {
    wire.expect_type("application/json", "utf-8")?;
    let [login, sent] = read_json(&wire.body)?.exactly(names)?;
    Ok(Attempt { login, sent })
}

/// The answer to a request that is not as the protocol says.
pub(super) fn malformed(flaw: &Flaw) -> Value {
    json!({ "code": 400, "msg": format!("请求格式错误: {}", flaw.0), "result": null })
}

/// The number that these servers give to an answer.
pub(super) fn code(result: LoginResult) -> u16 {
    match result {
        LoginResult::Accepted => 200,
        LoginResult::Wrong => 500,
        LoginResult::Locked => 423,
        LoginResult::Disabled => 403,
        LoginResult::PasswordExpired => 426,
    }
}

/// What they tell the user.
pub(super) fn message(result: LoginResult) -> &'static str {
    match result {
        LoginResult::Accepted => "登录成功",
        LoginResult::Wrong => "用户名或密码错误",
        LoginResult::Locked => "账号已锁定，请联系管理员",
        LoginResult::Disabled => "账号已停用",
        LoginResult::PasswordExpired => "密码已过期，请修改密码",
    }
}
