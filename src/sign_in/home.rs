//! `GET /` and `POST /logout`: who is signed in, and the end of that.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, Request, StatusCode, header};

use super::browser::hash;
use super::fields::{Fields, MAX_FORM};
use super::front::Front;
use super::page::{self, Dress, Home, Notice};
use super::steps::Purpose;

/// The endpoint of who is signed in; without a session the login's.
pub(super) async fn get(State(front): State<Arc<Front>>, request: Request<Body>) -> Response {
    let lang = front.language("", request.headers());
    let browser = front.browser(request.headers());
    let session = browser.session.as_ref().and_then(|it| front.sessions.of_browser(it.expose()));
    let Some(session) = session else { return to_login() };
    let (secret, cookies) = front.known(browser.secret);
    let step = front.steps.make(Purpose::Logout, hash(&secret), front.ambient);
    let home = Home { lang, name: &front.page.name, step: &step, subject: &session.subject };
    page::respond(StatusCode::OK, &home, Dress { cookies, ..Dress::default() })
}

/// 303: a GET of this very origin, which brings nothing along.
fn to_login() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/login"));
    response
}

/// The endpoint of signing out. The cookie decides whose session ends.
pub(super) async fn logout(State(front): State<Arc<Front>>, request: Request<Body>) -> Response {
    let headers = request.headers().clone();
    let body = tokio::time::timeout(front.app.limits().body, axum::body::to_bytes(request.into_body(), MAX_FORM)).await;
    let Some(Ok(fields)) = body.ok().and_then(Result::ok).map(|body| Fields::of_form(&headers, &body)) else {
        return page::odd(&front, front.language("", &headers));
    };
    let lang = front.language(fields.text("lang"), &headers);
    let browser = front.browser(&headers);
    let spent = browser
        .secret
        .as_ref()
        .is_some_and(|it| front.steps.spend(Purpose::Logout, hash(it), fields.text("step"), front.now_ms()));
    if !spent {
        return page::over(&front, lang);
    }
    if let Some(session) = browser.session.as_ref().and_then(|it| front.sessions.of_browser(it.expose())) {
        front.sessions.end(&session.id);
        tracing::info!(client = super::front::CLIENT, session = session.id.to_string(), "session ended");
    }
    let cookies = vec![front.cookies.take_session()];
    let (title, text) = (lang.text("signin.out"), lang.text("signin.out_text").to_owned());
    let (name, link) = (front.page.name.as_str(), lang.text("signin.begin_anew"));
    let notice = Notice { lang, name, title, text, to: "/login", link, go: false };
    page::respond(StatusCode::OK, &notice, Dress { cookies, ..Dress::default() })
}
