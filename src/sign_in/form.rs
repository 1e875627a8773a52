//! The form of name and password, with a step of its own each time that it is shown.

use axum::response::Response;
use http::StatusCode;

use super::browser::hash;
use super::front::Front;
use super::page::{self, Dress, FieldError, Form};
use super::steps::Purpose;
use crate::lang::Lang;
use crate::secret::Secret;

/// What a form shows of what was typed.
pub(super) struct Shown<'a> {
    pub lang: Lang,
    pub connector: &'a str,
    pub username: &'a str,
    pub error: Option<FieldError>,
}

/// A form with a step of its own.
pub(super) fn form(front: &Front, status: StatusCode, browser: &Secret, shown: &Shown<'_>, dress: Dress) -> Response {
    let step = front.steps.make(Purpose::Login, hash(browser), front.ambient);
    let chosen = front.connectors.iter().find(|offered| offered.id == shown.connector).or(front.connectors.first());
    let page = Form {
        lang: shown.lang,
        languages: &front.page.languages,
        name: &front.page.name,
        step: &step,
        connectors: &front.connectors,
        chosen: chosen.map_or("", |offered| offered.id.as_str()),
        username: shown.username,
        error: shown.error.as_ref().map(|it| FieldError { text: it.text.clone(), field: it.field }),
    };
    page::respond(status, &page, dress)
}
