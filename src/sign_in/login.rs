//! `GET /login` and `POST /login`: the form of name and password, and what becomes of it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{Request, StatusCode};

use super::browser::hash;
use super::fields::{Fields, MAX_FORM};
use super::form::{Shown, form};
use super::front::Front;
use super::outcome::{self, LoginPart};
use super::page::{self, Dress, FieldError};
use super::peer;
use super::steps::Purpose;
use crate::attempt::{Login, Mode};
use crate::document::Object;
use crate::lang::Lang;
use crate::secret::Secret;

/// The endpoint of the form.
pub(super) async fn get(State(front): State<Arc<Front>>, request: Request<Body>) -> Response {
    let query = Fields::read(request.uri().query().unwrap_or_default().as_bytes());
    let chosen = query.as_ref().map_or("", |query| query.text("lang"));
    let lang = front.language(chosen, request.headers());
    let (secret, cookies) = front.known(front.browser(request.headers()).secret);
    let shown = Shown { lang, connector: "", username: "", error: None };
    form(&front, StatusCode::OK, &secret, &shown, Dress { cookies, ..Dress::default() })
}

/// The endpoint of what was typed.
pub(super) async fn post(State(front): State<Arc<Front>>, request: Request<Body>) -> Response {
    let headers = request.headers().clone();
    let address = peer::address(&front, &request);
    let browser = front.browser(&headers);
    let body = tokio::time::timeout(front.app.limits().body, axum::body::to_bytes(request.into_body(), MAX_FORM)).await;
    let fields = match body {
        Ok(Ok(body)) => Fields::of_form(&headers, &body),
        _ => return page::odd(&front, front.language("", &headers)),
    };
    let (Ok(fields), Ok(client_ip)) = (fields, address) else { return page::odd(&front, front.language("", &headers)) };
    let lang = front.language(fields.text("lang"), &headers);
    let Some(secret) = browser.secret.clone() else { return page::over(&front, lang) };
    if !front.steps.spend(Purpose::Login, hash(&secret), fields.text("step"), front.now_ms()) {
        return page::over(&front, lang);
    }
    let username = fields.text("username");
    let id = match (fields.text("connector"), front.connectors.as_slice()) {
        ("", [only]) => only.id.as_str(),
        (chosen, _) => chosen,
    };
    let shown = |error| Shown { lang, connector: id, username, error };
    let Some(connector) = front.app.connectors.find(id).filter(|_| front.caller.may_use(id)) else {
        return page::odd(&front, lang);
    };
    let no_password = connector.about().no_password;
    let password = fields.get("password").filter(|_| !no_password).cloned().unwrap_or_default();
    if let Some(error) = missing(lang, username, &password, no_password) {
        return form(&front, StatusCode::UNPROCESSABLE_ENTITY, &secret, &shown(Some(error)), Dress::default());
    }
    let login = Login {
        username: username.to_owned(),
        password,
        client_ip,
        attributes: Object::default(),
        request_id: None,
        timeout: None,
        mode: Mode::Login,
        rules: None,
        parent: front.app.parent(&headers),
        session: true,
    };
    let part = LoginPart { lang, browser: secret, session: browser.session, connector: id, username };
    match front.app.login(&front.caller, connector, login).await {
        Ok(ended) => outcome::page(&front, &part, ended),
        Err(too_many) => outcome::busy(&front, lang, &too_many),
    }
}

/// What the user left out. Nothing is sent then.
fn missing(lang: Lang, username: &str, password: &Secret, no_password: bool) -> Option<FieldError> {
    let empty = |field, text: &str| Some(FieldError { text: text.to_owned(), field });
    match (username.is_empty(), password.expose().is_empty() && !no_password) {
        (true, _) => empty("username", lang.text("signin.no_username")),
        (false, true) => empty("password", lang.text("signin.no_password")),
        (false, false) => None,
    }
}
