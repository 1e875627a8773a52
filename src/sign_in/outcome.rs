//! From a verdict to the page that says it. The one place that picks statuses, and that gives a browser its session.

use axum::response::Response;
use http::{HeaderValue, StatusCode};

use super::browser::hash;
use super::form::{Shown, form};
use super::front::Front;
use super::page::{self, Asked, Dress, FieldError, Notice, Picture};
use super::steps::Waiting;
use crate::attempt::{AttemptOutcome, TooManyCalls};
use crate::lang::Lang;
use crate::secret::Secret;
use crate::session::IssuedSession;
use crate::verdict::{Accept, Challenge, Reason, Verdict};

/// Whose login it is.
pub(super) struct LoginPart<'a> {
    pub lang: Lang,
    pub browser: Secret,
    /// What the browser held before.
    pub session: Option<Secret>,
    pub connector: &'a str,
    pub username: &'a str,
}

/// The page of a verdict.
pub(super) fn page(front: &Front, part: &LoginPart<'_>, ended: AttemptOutcome) -> Response {
    let AttemptOutcome { report, session, .. } = ended;
    let (lang, verdict) = (part.lang, Some(report.verdict.name()));
    let dress = Dress { verdict, ..Dress::default() };
    match (report.verdict, session) {
        (Verdict::Accept(accept), Some(session)) => signed_in(front, part, &accept, &session, dress),
        (Verdict::Challenge(challenge), _) => ask(front, part, challenge, dress),
        (Verdict::Reject(reject), _) if reject.reason == Reason::ChallengeExpired => {
            let (title, text) = (lang.text("signin.over"), lang.text("signin.over_text").to_owned());
            page::begin_anew(front, lang, StatusCode::FORBIDDEN, title, text)
        }
        (Verdict::Reject(reject), _) => {
            let field = if reject.reason == Reason::InvalidCredentials { "password" } else { "" };
            let error = Some(FieldError { text: refusal(lang, reject.reason), field });
            let shown = Shown { lang, connector: part.connector, username: part.username, error };
            form(front, StatusCode::FORBIDDEN, &part.browser, &shown, dress)
        }
        (Verdict::Unavailable(_), _) => away(front, lang, dress),
        // An accept without its session cannot be: one was wanted.
        (Verdict::Misconfigured(_) | Verdict::Accept(_), _) => {
            let (title, text) = (lang.text("signin.broken"), lang.text("signin.broken_text").to_owned());
            notice(front, lang, StatusCode::INTERNAL_SERVER_ERROR, (title, text), dress)
        }
    }
}

/// What a reject means, for its user.
fn refusal(lang: Lang, reason: Reason) -> String {
    lang.find(&format!("reason.{}", reason.as_str())).unwrap_or_default().to_owned()
}

/// It is not known whether the password is right: the page does not say that it is wrong.
fn away(front: &Front, lang: Lang, dress: Dress) -> Response {
    let (title, text) = (lang.text("signin.away"), lang.text("signin.away_text").to_owned());
    notice(front, lang, StatusCode::SERVICE_UNAVAILABLE, (title, text), dress)
}

/// Too many logins run.
pub(super) fn busy(front: &Front, lang: Lang, _: &TooManyCalls) -> Response {
    away(front, lang, Dress::default())
}

fn notice(front: &Front, lang: Lang, status: StatusCode, said: (&'static str, String), dress: Dress) -> Response {
    let (title, text) = said;
    let (name, link) = (front.page.name.as_str(), lang.text("signin.begin_anew"));
    page::respond(status, &Notice { lang, name, title, text, to: "/login", link, go: false }, dress)
}

/// A new session, and the end of whatever the browser held. The last step after a POST is a page and no redirect.
fn signed_in(front: &Front, part: &LoginPart<'_>, accept: &Accept, session: &IssuedSession, dress: Dress) -> Response {
    if let Some(old) = part.session.as_ref().and_then(|old| front.sessions.of_browser(old.expose())) {
        front.sessions.end(&old.id);
    }
    let (_, browser) = front.cookies.draw(front.ambient);
    let mut cookies = vec![front.cookies.give_session(&session.cookie), browser];
    let delivered =
        accept.delivery.cookies.iter().filter_map(|cookie| HeaderValue::from_str(cookie.set_cookie.expose()).ok());
    cookies.extend(delivered);
    let lang = part.lang;
    let name = front.page.name.as_str();
    let text = lang.fill("signin.done_text", &[("user", &accept.subject)]);
    let (title, link) = (lang.text("signin.done"), lang.text("signin.go_on"));
    page::respond(
        StatusCode::OK,
        &Notice { lang, name, title, text, to: "/", link, go: true },
        Dress { cookies, ..dress },
    )
}

fn ask(front: &Front, part: &LoginPart<'_>, challenge: Challenge, dress: Dress) -> Response {
    let (lang, username) = (part.lang, part.username.to_owned());
    let mut shown = challenge.clone();
    // A link of another kind could run something.
    shown.url = shown.url.filter(|url| ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme)));
    // Without what is only shown: a picture may be large.
    let kept = Challenge { message: None, image: None, error: None, ..challenge };
    let waiting = Waiting {
        browser: hash(&part.browser),
        connector: part.connector.to_owned(),
        username: username.clone(),
        challenge: kept,
    };
    let step = front.steps.wait(waiting, front.ambient);
    let error = shown.error.as_ref().map(|error| refusal(lang, error.reason));
    let page = Asked {
        lang,
        name: &front.page.name,
        step: &step,
        username: &username,
        poll: shown.poll_after.map_or(0, |after| after.as_secs().max(2)),
        resend: shown.resend_after.map(|after| after.as_secs()),
        go: shown.kind == "redirect" && error.is_none(),
        challenge: &shown,
        error,
    };
    let picture = shown.image.as_deref().and_then(|image| url::Url::parse(image).ok());
    let picture = picture.filter(|url| url.scheme() == "https").map(|url| Picture(url.origin().ascii_serialization()));
    page::respond(StatusCode::OK, &page, Dress { picture, ..dress })
}
