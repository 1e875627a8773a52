//! The pages, and how they are sent. Texts are of `lang/`; askama escapes every value for HTML.

use askama::Template;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::front::{Front, Offered};
use crate::lang::Lang;
use crate::verdict::{Challenge, ChallengeField};

/// The header of the API; here it is for operators and tests.
const VERDICT: HeaderName = HeaderName::from_static("doorward-verdict");

/// A picture of another origin that this page shows.
#[derive(Debug, Clone)]
pub(super) struct Picture(pub String);

/// The form of name and password.
#[derive(Template)]
#[template(path = "form.html")]
pub(super) struct Form<'a> {
    pub lang: Lang,
    pub languages: &'a [Lang],
    pub name: &'a str,
    pub step: &'a str,
    pub connectors: &'a [Offered],
    /// The chosen connector's id.
    pub chosen: &'a str,
    pub username: &'a str,
    /// What is wrong, and with which field.
    pub error: Option<FieldError>,
}

/// Something that the user can mend.
pub(super) struct FieldError {
    pub text: String,
    /// `username`, `password`, or none of them.
    pub field: &'static str,
}

/// What an upstream asks beside the password.
#[derive(Template)]
#[template(path = "challenge.html")]
pub(super) struct Asked<'a> {
    pub lang: Lang,
    pub name: &'a str,
    pub step: &'a str,
    pub username: &'a str,
    pub challenge: &'a Challenge,
    pub error: Option<String>,
    /// Seconds between two looks at a push; 0: there is nothing to look for.
    pub poll: u64,
    /// Seconds until another code may be sent; `None`: it never may.
    pub resend: Option<u64>,
    /// Whether the page sends the browser on at once.
    pub go: bool,
}

impl Asked<'_> {
    /// The `autocomplete` word of a field (WHATWG HTML, section 4.10.18.7).
    fn autocomplete(&self, field: &ChallengeField) -> &'static str {
        match self.challenge.kind.as_str() {
            "renew_password" if !field.echo => "new-password",
            "sms" | "totp" => "one-time-code",
            _ => "off",
        }
    }

    fn time_left(&self) -> String {
        let minutes = self.challenge.expires_in.as_secs().div_ceil(60);
        self.lang.fill("signin.time", &[("minutes", &minutes)])
    }

    fn resend_hint(&self) -> Option<String> {
        let seconds = self.resend.filter(|seconds| *seconds > 0)?;
        Some(self.lang.fill("signin.resend_after", &[("seconds", &seconds)]))
    }
}

/// A page that says something and leads on.
#[derive(Template)]
#[template(path = "notice.html")]
pub(super) struct Notice<'a> {
    pub lang: Lang,
    pub name: &'a str,
    pub title: &'static str,
    pub text: String,
    /// Where the link leads, and what stands on it.
    pub to: &'a str,
    pub link: &'static str,
    /// Whether the browser goes there by itself.
    pub go: bool,
}

/// Who is signed in.
#[derive(Template)]
#[template(path = "home.html")]
pub(super) struct Home<'a> {
    pub lang: Lang,
    pub name: &'a str,
    pub step: &'a str,
    pub subject: &'a str,
}

/// What goes out with a page.
#[derive(Default)]
pub(super) struct Dress {
    pub cookies: Vec<HeaderValue>,
    pub verdict: Option<&'static str>,
    pub picture: Option<Picture>,
}

/// A page as a response.
pub(super) fn respond(status: StatusCode, page: &impl Template, dress: Dress) -> Response {
    // Texts into memory: rendering does not fail. An empty page beside its status would say as much.
    let mut response = Response::new(Body::from(page.render().unwrap_or_default()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    for cookie in dress.cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    if let Some(verdict) = dress.verdict {
        headers.insert(VERDICT, HeaderValue::from_static(verdict));
    }
    if let Some(picture) = dress.picture {
        response.extensions_mut().insert(picture);
    }
    response
}

/// A page that leads to a new login.
pub(super) fn begin_anew(front: &Front, lang: Lang, status: StatusCode, title: &'static str, text: String) -> Response {
    let name = front.page.name.as_str();
    let notice = Notice { lang, name, title, text, to: "/login", link: lang.text("signin.begin_anew"), go: false };
    respond(status, &notice, Dress::default())
}

/// A used or old step: nothing is sent twice.
pub(super) fn over(front: &Front, lang: Lang) -> Response {
    let (title, text) = (lang.text("signin.over"), lang.text("signin.over_text").to_owned());
    begin_anew(front, lang, StatusCode::GONE, title, text)
}

/// What was sent is no form of ours.
pub(super) fn odd(front: &Front, lang: Lang) -> Response {
    let (title, text) = (lang.text("signin.odd"), lang.text("signin.odd_text").to_owned());
    begin_anew(front, lang, StatusCode::BAD_REQUEST, title, text)
}

/// A form of another site.
pub(super) fn foreign(front: &Front, headers: &HeaderMap) -> Response {
    let lang = front.language("", headers);
    let (title, text) = (lang.text("signin.foreign"), lang.text("signin.foreign_text").to_owned());
    begin_anew(front, lang, StatusCode::FORBIDDEN, title, text)
}
