//! `POST /v1/studio/tests`: a send test of the saved file or of a draft; `POST /v1/studio/answers`: an answer to its challenge.
//!
//! It runs as any login does, and counts as one: guard, quota of codes, one at a time, ten a minute. The reply is 200 whatever
//! the verdict: it tells a person what happened and lets nobody in.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{Request, StatusCode};
use serde_json::json;

use super::positions::EditorDiagnostic;
use super::problems::{BROKEN, DOES_NOT_LOAD, UNKNOWN_FILE, UTILITY, WITHHELD};
use super::state::{MAX_BODY, SavedFile, Studio};
use super::trust::{TrustSet, TrustedName};
use super::workshop::Trusted;
use crate::api::authenticate::LoginBody;
use crate::api::body::{Members, read_up_to};
use crate::api::challenges::AnswerBody;
use crate::api::problem::{Mistake, Problem};
use crate::api::send_test::{TestMode, shown};
use crate::attempt::connectors::ConnectorKind;
use crate::attempt::{ChallengeAction, Mode, apart};
use crate::catalog::{FileText, LoadedFile};
use crate::connector::Live;
use crate::diagnostic::Diagnostic;
use crate::secret::Secret;
use crate::trace::View;

/// The endpoint.
pub(super) async fn post(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    answer(&studio, request).await.unwrap_or_else(Problem::into_response)
}

/// What is to be tested: a connector that loads, or the reply that says why not.
enum Subject {
    Runs(Box<Live>),
    Refused(Response),
}

async fn answer(studio: &Studio, request: Request<Body>) -> Result<Response, Problem> {
    studio.session(&request)?;
    let bytes = read_up_to(MAX_BODY, request, studio.app.limits().body).await?;
    let mut members = Members::of(&bytes)?;
    let id = members.take::<String>("id").ok_or_else(|| Problem::invalid(vec![Mistake::at(&["id"], "missing")]))?;
    let draft = members.take::<String>("text");
    let mode = members.take::<TestMode>("mode").map_or(Mode::Test, |TestMode(mode)| mode);
    let login = members.read::<LoginBody>()?;
    let live = match subject(studio, &id, draft, mode).await? {
        Subject::Runs(live) => live,
        Subject::Refused(response) => return Ok(response),
    };
    let connector = apart(Arc::new(*live), Arc::clone(&studio.sends));
    if connector.about().kind == ConnectorKind::Utility {
        return Err(Problem::of(UTILITY));
    }
    let login = login.login(connector.about(), mode)?;
    if mode == Mode::Test {
        studio.one_more_test()?;
    }
    studio.under_test.put(Arc::clone(&connector));
    let known = [login.password.clone()];
    let ended = studio.app.login(&studio.caller, connector, login).await?;
    let view = View { rehearsed: ended.dry_run, credentials: &known, ..View::default() };
    let shown = shown(&ended.report, view, true);
    studio.last_reply.keep(ended.report, false);
    Ok(axum::Json(shown).into_response())
}

async fn subject(studio: &Studio, id: &str, draft: Option<String>, mode: Mode) -> Result<Subject, Problem> {
    let saved = studio.saved(id).await?;
    let path = studio.path_of(id, saved.as_ref());
    let trust = saved.as_ref().map(|saved| TrustSet::of(&saved.stored.text)).unwrap_or_default();
    let saved_text = saved.map(|SavedFile { stored, .. }| stored.text);
    let text = draft.or(saved_text).ok_or_else(|| Problem::of(UNKNOWN_FILE))?;
    let grown = TrustSet::of(&text).beyond(&trust);
    if mode == Mode::Test && !grown.is_empty() {
        return Ok(Subject::Refused(withheld(&grown)));
    }
    let trusted = Trusted { names: Some(Arc::new(trust)), directory: studio.folder.path().to_owned() };
    let loaded = studio.surroundings.checked(vec![FileText { path, text: Ok(text) }], &trusted).await;
    let Some(LoadedFile { live, diagnostics, .. }) = loaded.map_err(|_| Problem::of(BROKEN))?.pop() else {
        return Err(Problem::of(BROKEN));
    };
    let live = match live {
        None => Err(diagnostics),
        // Samples do for what is not sent.
        Some(live) if mode == Mode::DryRun => Ok(live),
        Some(live) => studio.surroundings.with_secrets(live),
    };
    Ok(match live {
        Ok(live) => Subject::Runs(Box::new(live)),
        Err(diagnostics) => Subject::Refused(does_not_load(&diagnostics)),
    })
}

fn withheld(grown: &[TrustedName]) -> Response {
    let body = json!({ "status": 409, "code": WITHHELD.code(), "title": WITHHELD.title(), "grown": grown });
    (StatusCode::CONFLICT, axum::Json(body)).into_response()
}

fn does_not_load(diagnostics: &[Diagnostic]) -> Response {
    let diagnostics: Vec<_> = diagnostics.iter().map(EditorDiagnostic::of).collect();
    let (code, title) = (DOES_NOT_LOAD.code(), DOES_NOT_LOAD.title());
    let body = json!({ "status": 409, "code": code, "title": title, "diagnostics": diagnostics });
    (StatusCode::CONFLICT, axum::Json(body)).into_response()
}

/// The endpoint of answers.
pub(super) async fn post_answer(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    answered(&studio, request).await.unwrap_or_else(Problem::into_response)
}

async fn answered(studio: &Studio, request: Request<Body>) -> Result<Response, Problem> {
    studio.session(&request)?;
    let bytes = read_up_to(MAX_BODY, request, studio.app.limits().body).await?;
    let answer = Members::of(&bytes)?.read::<AnswerBody>()?.answer(Mode::Test)?;
    let answers: Vec<Secret> = match &answer.action {
        ChallengeAction::Answers(answers) => answers.values().cloned().collect(),
        ChallengeAction::Next(answer) => vec![answer.clone()],
        ChallengeAction::Poll | ChallengeAction::Resend | ChallengeAction::Cancel => Vec::new(),
    };
    let report = studio.app.answer(&studio.caller, answer).await?.report;
    let view = View { credentials: &answers, ..View::default() };
    let shown = shown(&report, view, true);
    studio.last_reply.keep(report, true);
    Ok(axum::Json(shown).into_response())
}
