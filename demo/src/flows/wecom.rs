//! WeChat Work (企业微信) as far as a login needs it: token of the application, user by mobile number, message.
//!
//! Paths, parameters, members and error codes are those of its documents: `GET /cgi-bin/gettoken`, `POST
//! /cgi-bin/user/getuserid`, `POST /cgi-bin/message/send`. It knows nothing of codes: it delivers what it is given.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::app_tokens::TOKEN;
use crate::Server;
use crate::people::{PEOPLE, Person};
use crate::wire::{Flaw, Wire};

/// The enterprise and its application's secret. A demo's, printed in the documents.
pub(crate) const CORP: (&str, &str) = ("ww-demo-corp", "demo-corp-secret");
/// The number of the application.
const AGENT: u64 = 1_000_002;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/cgi-bin/gettoken", get(token))
        .route("/cgi-bin/user/getuserid", post(user_id))
        .route("/cgi-bin/message/send", post(send))
}

async fn token(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let read = wire.query().and_then(|query| query.exactly(["corpid", "corpsecret"]));
    Json(match server.read(&wire, read) {
        Ok([id, _]) if id != CORP.0 => error(40013, "invalid corpid"),
        Ok([_, secret]) if secret != CORP.1 => error(40001, "invalid credential"),
        Ok(_) => {
            let token = server.flows.wecom.give(server.now());
            json!({ "errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": TOKEN })
        }
        Err(flaw) => malformed(&flaw),
    })
    .into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByMobile {
    mobile: String,
}

async fn user_id(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    Json(match server.wecom_call::<ByMobile>(&wire) {
        Ok(asked) => match PEOPLE.iter().find(|person| person.mobile == asked.mobile) {
            Some(person) => json!({ "errcode": 0, "errmsg": "ok", "userid": id_of(person) }),
            None => error(46004, "user not exist"),
        },
        Err(answer) => answer,
    })
    .into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    touser: String,
    msgtype: String,
    agentid: u64,
    text: Content,
    safe: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    content: String,
}

async fn send(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    Json(match server.wecom_call::<Message>(&wire) {
        Ok(message) if message.msgtype != "text" => error(40008, "invalid message type"),
        Ok(message) if message.agentid != AGENT => error(40056, "invalid agentid"),
        Ok(message) if message.safe.is_some_and(|safe| safe > 1) => error(40058, "invalid parameter: safe"),
        Ok(message) => match PEOPLE.iter().find(|person| id_of(person) == message.touser) {
            Some(person) => {
                server.flows.messages.deliver(person.login, "企业微信", message.text.content);
                json!({ "errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": crate::token() })
            }
            None => error(81013, "user & party & tag all invalid"),
        },
        Err(answer) => answer,
    })
    .into_response()
}

impl Server {
    /// Token and body of a call, or the answer that refuses it.
    fn wecom_call<T: DeserializeOwned>(&self, wire: &Wire) -> Result<T, Value> {
        let read = || {
            wire.expect_type("application/json", "utf-8")?;
            let [token] = wire.query()?.exactly(["access_token"])?;
            let body =
                serde_json::from_slice(&wire.body).map_err(|_| Flaw("the body is not that of this call".to_owned()))?;
            Ok((token, body))
        };
        let (token, body) = self.read(wire, read()).map_err(|flaw| malformed(&flaw))?;
        let living = self.flows.wecom.admit(self.now(), &token);
        if living { Ok(body) } else { Err(error(40014, "invalid access_token")) }
    }
}

/// An enterprise numbers its members as it likes.
fn id_of(person: &Person) -> String {
    format!("wx{}", &person.mobile[3..])
}

fn error(code: u32, message: &str) -> Value {
    json!({ "errcode": code, "errmsg": message })
}

fn malformed(flaw: &Flaw) -> Value {
    error(40058, &flaw.0)
}
