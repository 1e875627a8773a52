//! Forms in: with statuses and a form out as OAuth 1 did, and in GBK both ways.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use url::form_urlencoded::Serializer;

use super::json::{code, message};
use super::people::LoginResult;
use super::wire::{Flaw, Wire, flaw, form, gbk, utf8};
use super::{Attempt, Server, token};

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/form/login", post(in_utf8)).route("/gbk/login", post(in_gbk))
}

/// `username`, `password`, `grant` in; 200 or 401 with `result=…&message=…` out.
async fn in_utf8(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let mut body = Serializer::new(String::new());
    let status = match server.decide(&server.salted, &wire, read_utf8(&wire)) {
        Ok((LoginResult::Accepted, login)) => {
            let name = server.salted.person(&login).name;
            body.append_pair("result", "ok").append_pair("ticket", &token()).append_pair("name", name);
            StatusCode::OK
        }
        Ok((refusal, _)) => {
            let result = if refusal == LoginResult::Locked { "locked" } else { "denied" };
            body.append_pair("result", result).append_pair("message", message(refusal));
            StatusCode::UNAUTHORIZED
        }
        Err(flaw) => {
            body.append_pair("result", "malformed").append_pair("message", &flaw.0);
            StatusCode::BAD_REQUEST
        }
    };
    (status, [(header::CONTENT_TYPE, "application/x-www-form-urlencoded")], body.finish()).into_response()
}

fn read_utf8(wire: &Wire) -> Result<Attempt, Flaw> {
    wire.expect_type("application/x-www-form-urlencoded", "utf-8")?;
    let [login, sent, grant] = form(&wire.body, utf8)?.exactly(["username", "password", "grant"])?;
    if grant == "password" { Ok(Attempt { login, sent }) } else { flaw("unknown grant") }
}

/// A form in GBK in, JSON in GBK out: `姓名` and `口令` name the fields.
async fn in_gbk(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let answer = match server.decide(&server.salted, &wire, read_gbk(&wire)) {
        Ok((LoginResult::Accepted, login)) => {
            json!({ "结果": "成功", "代码": 200, "说明": "认证通过", "用户": server.salted.person(&login).login })
        }
        Ok((refusal, _)) => json!({ "结果": "失败", "代码": code(refusal), "说明": message(refusal) }),
        Err(flaw) => json!({ "结果": "错误", "代码": 400, "说明": flaw.0 }),
    };
    let text = answer.to_string();
    let (encoded, _, _) = encoding_rs::GBK.encode(&text);
    ([(header::CONTENT_TYPE, "application/json; charset=GBK")], encoded.into_owned()).into_response()
}

fn read_gbk(wire: &Wire) -> Result<Attempt, Flaw> {
    wire.expect_type("application/x-www-form-urlencoded", "gbk")?;
    let [login, sent] = form(&wire.body, gbk)?.exactly(["姓名", "口令"])?;
    Ok(Attempt { login, sent })
}
