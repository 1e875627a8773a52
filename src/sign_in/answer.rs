//! `POST /login/answer`, `GET /login/wait`, `GET /login/return`: how a login goes on that waits for its user.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Request, StatusCode};
use indexmap::IndexMap;

use super::browser::hash;
use super::fields::{Fields, MAX_FORM};
use super::form::{Shown, form};
use super::front::Front;
use super::outcome::{self, LoginPart};
use super::page::{self, Dress};
use super::steps::Waiting;
use crate::attempt::{ChallengeAction, ChallengeCall, Mode};
use crate::lang::Lang;
use crate::secret::Secret;

/// Before the name of an answer, so that no upstream's field is taken for one of the page's own.
const ANSWER: &str = "answer.";

/// The endpoint of answers, and of the buttons beside them.
pub(super) async fn post(State(front): State<Arc<Front>>, request: Request<Body>) -> Response {
    let headers = request.headers().clone();
    let body = tokio::time::timeout(front.app.limits().body, axum::body::to_bytes(request.into_body(), MAX_FORM)).await;
    let Some(Ok(fields)) = body.ok().and_then(Result::ok).map(|body| Fields::of_form(&headers, &body)) else {
        return page::odd(&front, front.language("", &headers));
    };
    let lang = front.language(fields.text("lang"), &headers);
    let browser = front.browser(&headers);
    let taken = browser.secret.as_ref().and_then(|it| front.steps.take(hash(it), fields.text("step"), front.now_ms()));
    let (Some(secret), Some(waiting)) = (browser.secret, taken) else { return page::over(&front, lang) };
    let going = Going { lang, secret, session: browser.session, headers: &headers };
    let action = match fields.text("action") {
        "resend" => ChallengeAction::Resend,
        "poll" => ChallengeAction::Poll,
        "cancel" => return cancelled(&front, &going, &waiting).await,
        _ => ChallengeAction::Answers(answers(&waiting, &fields)),
    };
    go_on(&front, going, waiting, action).await
}

/// The user begins anew.
async fn cancelled(front: &Front, going: &Going<'_>, waiting: &Waiting) -> Response {
    let id = waiting.challenge.id.clone();
    let call = ChallengeCall::of_api(id, ChallengeAction::Cancel, Mode::Login);
    // What it comes to changes nothing: the step is used up.
    let _ = front.app.answer(&front.caller, call).await;
    let shown = Shown { lang: going.lang, connector: &waiting.connector, username: &waiting.username, error: None };
    form(front, StatusCode::OK, &going.secret, &shown, Dress::default())
}

/// The fields that the challenge has, and no others.
fn answers(waiting: &Waiting, fields: &Fields) -> IndexMap<String, Secret> {
    let asked = waiting.challenge.fields.iter().map(|field| &field.name);
    asked.map(|name| (name.clone(), fields.get(&format!("{ANSWER}{name}")).cloned().unwrap_or_default())).collect()
}

/// The endpoint that a waiting page loads again. The challenge stays as it is while nothing is confirmed.
pub(super) async fn wait(State(front): State<Arc<Front>>, request: Request<Body>) -> Response {
    let headers = request.headers().clone();
    let Ok(query) = Fields::read(request.uri().query().unwrap_or_default().as_bytes()) else {
        return page::odd(&front, front.language("", &headers));
    };
    let lang = front.language(query.text("lang"), &headers);
    let browser = front.browser(&headers);
    let taken = browser.secret.as_ref().and_then(|it| {
        let (browser, step, now) = (hash(it), query.text("step"), front.now_ms());
        // Only what can be confirmed elsewhere: a link must not be a way to use an answer up.
        front.steps.take_if(browser, step, now, |waiting| waiting.challenge.poll_after.is_some())
    });
    let (Some(secret), Some(waiting)) = (browser.secret, taken) else { return page::over(&front, lang) };
    let going = Going { lang, secret, session: browser.session, headers: &headers };
    go_on(&front, going, waiting, ChallengeAction::Poll).await
}

/// The endpoint where another page sends the browser back. The login is looked for among this browser's own.
pub(super) async fn back(State(front): State<Arc<Front>>, request: Request<Body>) -> Response {
    let headers = request.headers().clone();
    let lang = front.language("", &headers);
    let Ok(query) = Fields::read(request.uri().query().unwrap_or_default().as_bytes()) else {
        return page::odd(&front, lang);
    };
    let browser = front.browser(&headers);
    let awaited = |waiting: &Waiting| {
        let challenge = &waiting.challenge;
        let told = |name: &String| query.get(name).is_some();
        challenge.kind == "redirect"
            && challenge.returns.iter().all(told)
            && state_of(waiting).as_deref()
                == query
                    .get("state")
                    .map(Secret::expose)
                    .filter(|_| challenge.returns.iter().any(|name| name == "state"))
    };
    let taken = browser.secret.as_ref().and_then(|it| front.steps.returned(hash(it), awaited));
    let (Some(secret), Some(waiting)) = (browser.secret, taken) else { return page::over(&front, lang) };
    let names = waiting.challenge.returns.iter();
    let answers = names.map(|name| (name.clone(), query.get(name).cloned().unwrap_or_default())).collect();
    let going = Going { lang, secret, session: browser.session, headers: &headers };
    go_on(&front, going, waiting, ChallengeAction::Answers(answers)).await
}

/// The `state` that the page was sent with, where the answer must bring it back.
fn state_of(waiting: &Waiting) -> Option<String> {
    let challenge = &waiting.challenge;
    let wanted = challenge.returns.iter().any(|name| name == "state");
    let url = challenge.url.as_deref().filter(|_| wanted).and_then(|url| url::Url::parse(url).ok())?;
    url.query_pairs().find(|(name, _)| name == "state").map(|(_, value)| value.into_owned())
}

struct Going<'a> {
    lang: Lang,
    secret: Secret,
    session: Option<Secret>,
    headers: &'a HeaderMap,
}

async fn go_on(front: &Front, going: Going<'_>, waiting: Waiting, action: ChallengeAction) -> Response {
    let Going { lang, secret, session, headers } = going;
    let (id, parent) = (waiting.challenge.id.clone(), front.app.parent(headers));
    let call = ChallengeCall { parent, ..ChallengeCall::of_api(id, action, Mode::Login) };
    let part = LoginPart { lang, browser: secret, session, connector: &waiting.connector, username: &waiting.username };
    match front.app.answer(&front.caller, call).await {
        Ok(ended) => outcome::page(front, &part, ended),
        Err(too_many) => outcome::busy(front, lang, &too_many),
    }
}
