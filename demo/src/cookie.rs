//! A portal made for browsers: only a cookie says whether the login succeeded.
//!
//! It sends a session cookie with every reply, redirects after a right password and after a wrong one, and shows a page
//! with status 200 for locked accounts. Nothing but `SSOTOKEN` means "yes".

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Response};
use axum::routing::{get, post};

use super::json::message;
use super::people::LoginResult;
use super::wire::{Flaw, Wire, form, utf8};
use super::{Attempt, Server, token};

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/portal/login", post(login)).route("/portal/", get(page))
}

/// The login page, as browsers and misconfigured connectors get it.
async fn page() -> Html<String> {
    Html(login_page(""))
}

/// A form `j_username`, `j_password` in; cookies and a redirect, or a page, out.
async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let session = format!("JSESSIONID={}; Path=/; HttpOnly", token());
    match server.decide(&server.salted, &wire, read(&wire)) {
        Ok((LoginResult::Accepted, _)) => {
            let granted = format!("SSOTOKEN={}; Path=/; HttpOnly; SameSite=Lax", token());
            redirect("/portal/home", [session, granted])
        }
        Ok((LoginResult::Wrong, _)) => {
            let taken = "SSOTOKEN=; Path=/; Max-Age=0".to_owned();
            redirect("/portal/?error=1", [session, taken])
        }
        Ok((refusal, _)) => {
            let cookies = AppendHeaders([(header::SET_COOKIE, session)]);
            (cookies, Html(login_page(message(refusal)))).into_response()
        }
        Err(flaw) => (StatusCode::BAD_REQUEST, Html(login_page(&flaw.0))).into_response(),
    }
}

fn read(wire: &Wire) -> Result<Attempt, Flaw> {
    wire.expect_type("application/x-www-form-urlencoded", "utf-8")?;
    let [login, sent] = form(&wire.body, utf8)?.exactly(["j_username", "j_password"])?;
    Ok(Attempt { login, sent })
}

fn redirect(to: &'static str, cookies: [String; 2]) -> Response {
    let cookies = AppendHeaders(cookies.map(|cookie| (header::SET_COOKIE, cookie)));
    let location = [(header::LOCATION, HeaderValue::from_static(to))];
    (StatusCode::FOUND, location, cookies).into_response()
}

/// `error` is this server's own text, which needs no escaping.
fn login_page(error: &str) -> String {
    format!(
        "<!DOCTYPE html><html><head><title>统一认证门户</title></head><body>\
         <p class=\"error\">{error}</p><form method=\"post\" action=\"/portal/login\">\
         <input name=\"j_username\"><input name=\"j_password\" type=\"password\"><button>登录</button></form></body></html>"
    )
}
