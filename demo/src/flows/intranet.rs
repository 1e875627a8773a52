//! An intranet for browsers whose login form holds a token against forged requests (CSRF).
//!
//! `GET /intranet/login` shows the form and opens a session; the form's hidden token is that session's and good once.
//! After a right password the session gets a new id (against session fixation), `INTRANET_TOKEN` identifies the user,
//! and the browser goes to `/intranet/home`. A wrong password is a page with status 200, a forged form one with 403.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Response};
use axum::routing::get;
use subtle::ConstantTimeEq as _;

use super::tickets::TicketStore;
use crate::json::message;
use crate::people::LoginResult;
use crate::wire::{Flaw, Wire, form, utf8};
use crate::{Attempt, Server, token};

/// The sessions that look at the form: their token.
pub(super) struct Sessions(TicketStore<String>);

impl Sessions {
    pub(super) fn new() -> Self {
        Self(TicketStore::for_seconds(30 * 60))
    }

    /// Opens a session; its id and the token of its form.
    fn open(&self, now: u64) -> (String, String) {
        let csrf = token();
        (self.0.put(now, csrf.clone()), csrf)
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/intranet/login", get(page).post(login))
}

async fn page(State(server): State<Arc<Server>>) -> Response {
    shown(&server, StatusCode::OK, "")
}

async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let (attempt, session, csrf) = match server.read(&wire, read(&wire)) {
        Ok(read) => read,
        Err(flaw) => return shown(&server, StatusCode::BAD_REQUEST, &flaw.0),
    };
    let expected = server.flows.intranet.0.take(server.now(), &session);
    if !expected.is_some_and(|token| bool::from(token.as_bytes().ct_eq(csrf.as_bytes()))) {
        return shown(&server, StatusCode::FORBIDDEN, "页面已失效，请重新打开登录页");
    }
    match server.decide(&server.salted, &wire, Ok(attempt)) {
        Ok((LoginResult::Accepted, login)) => {
            let (session, _) = server.flows.intranet.open(server.now());
            let cookies = [
                format!("INTRANETSESSION={session}; Path=/intranet; HttpOnly"),
                format!("INTRANET_TOKEN={}; Path=/; HttpOnly; Max-Age=28800", token()),
                // The name that the pages greet the user with; it is no secret.
                format!("LAST_LOGIN={}; Path=/", hex::encode(&login)),
            ];
            let cookies = AppendHeaders(cookies.map(|cookie| (header::SET_COOKIE, cookie)));
            let location = [(header::LOCATION, HeaderValue::from_static("/intranet/home"))];
            (StatusCode::FOUND, location, cookies).into_response()
        }
        Ok((refusal, _)) => shown(&server, StatusCode::OK, message(refusal)),
        Err(flaw) => shown(&server, StatusCode::BAD_REQUEST, &flaw.0),
    }
}

fn read(wire: &Wire) -> Result<(Attempt, String, String), Flaw> {
    wire.expect_type("application/x-www-form-urlencoded", "utf-8")?;
    let [csrf, _next, login, sent] = form(&wire.body, utf8)?.exactly(["_csrf", "next", "username", "password"])?;
    let [session] = wire.cookies()?.exactly(["INTRANETSESSION"])?;
    Ok((Attempt { login, sent }, session, csrf))
}

/// The page with the form, in a new session. `error` is this server's own text, which needs no escaping.
fn shown(server: &Server, status: StatusCode, error: &str) -> Response {
    let (session, csrf) = server.flows.intranet.open(server.now());
    let page = format!(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>内网门户</title></head><body>\
         <form action=\"/search\"><input name=\"q\"></form><p class=\"error\">{error}</p>\
         <form id=\"login\" method=\"post\" action=\"login?from=portal\">\
         <input type=\"hidden\" name=\"_csrf\" value=\"{csrf}\"><input type=\"hidden\" name=\"next\" value=\"/intranet/home\">\
         <input name=\"username\"><input type=\"password\" name=\"password\"><button>登录</button></form></body></html>"
    );
    let cookie = [(header::SET_COOKIE, format!("INTRANETSESSION={session}; Path=/intranet; HttpOnly"))];
    (status, cookie, Html(page)).into_response()
}
