//! DingTalk (钉钉) as far as a login needs it, and the office system whose users it reaches.
//!
//! Paths, headers, members and error codes are those of its documents: `POST /v1.0/oauth2/accessToken`, then `POST
//! /v1.0/robot/oToMessages/batchSend` with the header `x-acs-dingtalk-access-token`. `POST /oa/login` is the office
//! system's own: a form `account`, `password` in, the member's DingTalk id out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::app_tokens::TOKEN;
use crate::json::message;
use crate::people::{LoginResult, PEOPLE, Person};
use crate::wire::{Flaw, Wire, form, json as read_json, utf8};
use crate::{Attempt, Server};

/// The application. A demo's, printed in the documents.
pub(crate) const APP: (&str, &str) = ("ding-demo-app", "demo-app-secret");

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/oa/login", post(login))
        .route("/v1.0/oauth2/accessToken", post(token))
        .route("/v1.0/robot/oToMessages/batchSend", post(send))
}

async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = || {
        wire.expect_type("application/x-www-form-urlencoded", "utf-8")?;
        let [login, sent] = form(&wire.body, utf8)?.exactly(["account", "password"])?;
        Ok(Attempt { login, sent })
    };
    Json(match server.decide(&server.salted, &wire, read()) {
        Ok((LoginResult::Accepted, login)) => {
            let person = server.salted.person(&login);
            json!({ "success": true, "message": "ok", "user": { "account": person.login, "dingTalkId": id_of(person) } })
        }
        Ok((refusal, _)) => json!({ "success": false, "message": message(refusal) }),
        Err(flaw) => json!({ "success": false, "message": format!("bad request: {}", flaw.0) }),
    })
    .into_response()
}

async fn token(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = || {
        wire.expect_type("application/json", "utf-8")?;
        read_json(&wire.body)?.exactly(["appKey", "appSecret"])
    };
    match server.read(&wire, read()) {
        Ok([key, secret]) if (&*key, &*secret) == APP => {
            let token = server.flows.dingtalk.give(server.now());
            Json(json!({ "accessToken": token, "expireIn": TOKEN })).into_response()
        }
        Ok(_) => error("invalidClientIdOrSecret", "无效的clientId或者clientSecret"),
        Err(flaw) => error("invalidParameter", &flaw.0),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Batch {
    robot_code: String,
    user_ids: Vec<String>,
    msg_key: String,
    /// JSON in a string.
    msg_param: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleText {
    content: String,
}

async fn send(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let header = wire.header(HeaderName::from_static("x-acs-dingtalk-access-token"));
    let living = header.is_ok_and(|token| server.flows.dingtalk.admit(server.now(), token));
    if !living {
        return error("InvalidAuthentication", "不合法的access_token");
    }
    match server.read(&wire, batch(&wire)) {
        Ok((batch, _)) if batch.robot_code != APP.0 => error("invalidRobotCode", "robot 不存在"),
        Ok((batch, text)) => {
            let (known, unknown): (Vec<_>, Vec<_>) =
                batch.user_ids.iter().partition(|id| PEOPLE.iter().any(|person| id_of(person) == **id));
            for person in PEOPLE.iter().filter(|person| known.contains(&&id_of(person))) {
                server.flows.messages.deliver(person.login, "钉钉", text.content.clone());
            }
            Json(json!({
                "processQueryKey": crate::token(),
                "invalidStaffIdList": unknown,
                "flowControlledStaffIdList": [],
            }))
            .into_response()
        }
        Err(flaw) => error("invalidParameter", &flaw.0),
    }
}

fn batch(wire: &Wire) -> Result<(Batch, SampleText), Flaw> {
    wire.expect_type("application/json", "utf-8")?;
    let unread = |_| Flaw("the body is not that of this call".to_owned());
    let batch: Batch = serde_json::from_slice(&wire.body).map_err(unread)?;
    if batch.msg_key != "sampleText" {
        return Err(Flaw("unknown msgKey".to_owned()));
    }
    let text = serde_json::from_str(&batch.msg_param).map_err(unread)?;
    Ok((batch, text))
}

/// Ids of DingTalk say nothing about the account.
fn id_of(person: &Person) -> String {
    format!("manager{}", &person.mobile[7..])
}

/// Status 400 for whatever is wrong with a call.
fn error(code: &str, message: &str) -> Response {
    let body: Value = json!({ "code": code, "message": message, "requestid": crate::token() });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
