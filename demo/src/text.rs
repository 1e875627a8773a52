//! Servers from before JSON: a line of text in, a line of text out.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::json::{code, message};
use super::people::LoginResult;
use super::wire::{Flaw, Wire, flaw, form, utf8};
use super::{Attempt, Server};

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/text/auth", post(pairs)).route("/line/login", post(line))
}

/// A form `uid`, `pwd` (md5) in; `code,200,msg,认证通过` out.
async fn pairs(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let text = match server.decide(&server.md5, &wire, read_form(&wire)) {
        Ok((LoginResult::Accepted, _)) => "code,200,msg,认证通过".to_owned(),
        Ok((refusal, _)) => format!("code,{},msg,{}", code(refusal), message(refusal)),
        Err(flaw) => format!("code,400,msg,{}", flaw.0),
    };
    plain(text)
}

fn read_form(wire: &Wire) -> Result<Attempt, Flaw> {
    wire.expect_type("application/x-www-form-urlencoded", "utf-8")?;
    let [login, sent] = form(&wire.body, utf8)?.exactly(["uid", "pwd"])?;
    Ok(Attempt { login, sent })
}

/// `AUTH user=<name>;password=<base64>` in; `OK <name>` or `ERR <code> <message>` out.
async fn line(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    plain(match server.decide(&server.salted, &wire, read_line(&wire)) {
        Ok((LoginResult::Accepted, login)) => format!("OK {}", server.salted.person(&login).name),
        Ok((refusal, _)) => format!("ERR {} {}", code(refusal), message(refusal)),
        Err(flaw) => format!("ERR 400 {}", flaw.0),
    })
}

fn read_line(wire: &Wire) -> Result<Attempt, Flaw> {
    wire.expect_type("text/plain", "utf-8")?;
    let text = wire.text()?;
    if text.contains(['\r', '\n']) {
        return flaw("more than one line");
    }
    let fields: Option<Vec<_>> = text.strip_prefix("AUTH ").map(|rest| rest.split(';').collect());
    let Some([user, password]) = fields.as_deref() else {
        return flaw("not AUTH with two fields");
    };
    let (Some(login), Some(encoded)) = (user.strip_prefix("user="), password.strip_prefix("password=")) else {
        return flaw("the fields are not user and password");
    };
    let bytes = STANDARD.decode(encoded).map_err(|_| Flaw("the password is not base64".to_owned()))?;
    Ok(Attempt { login: login.to_owned(), sent: utf8(&bytes)? })
}

fn plain(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
