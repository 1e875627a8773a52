//! `POST /v1/challenges/test`: an answer to the challenge of a send test. As `POST /v1/challenges`, with the stages of what
//! follows; the reply is that of an interactive send test.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;

use super::body::{self, Members};
use super::challenges::AnswerBody;
use super::description::{self, Description};
use super::problem::Problem;
use super::reply::Traced;
use super::{call, reply, send_test};
use crate::attempt::{App, ChallengeAction, ChallengeCall, Mode};
use crate::config::Scope;
use crate::secret::Secret;
use crate::trace::View;

/// The endpoint.
pub(super) async fn post(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let answer = answer(&app, request).await;
    call::settle(&app, answer)
}

async fn answer(app: &Arc<App>, request: Request<Body>) -> Result<Response, Problem> {
    let caller = call::caller(app, &request, Scope::Test)?;
    let parent = app.parent(request.headers());
    let bytes = body::read(request, app.limits().body).await?;
    let answer = Members::of(&bytes)?.read::<AnswerBody>()?.answer(Mode::Test)?;
    let answers: Vec<Secret> = match &answer.action {
        ChallengeAction::Answers(answers) => answers.values().cloned().collect(),
        ChallengeAction::Next(answer) => vec![answer.clone()],
        ChallengeAction::Poll | ChallengeAction::Resend | ChallengeAction::Cancel => Vec::new(),
    };
    let report = app.answer(&caller, ChallengeCall { parent, ..answer }).await?.report;
    let shown = send_test::shown(&report, View { credentials: &answers, ..View::default() }, true);
    Ok(reply::respond_with_trace(&report, shown, &caller.unread))
}

pub(super) fn describe(api: &mut Description) {
    let (traced, asked) = (api.schema::<Traced<'static>>(), api.schema::<AnswerBody>());
    let mut responses = description::verdicts(&traced);
    api.problems(&mut responses, &[400, 401, 408, 413, 415, 422, 429]);
    let summary = "An answer to the challenge of a send test, with the stages of what follows";
    let operation = description::operation("answerSendTest", summary, Some(&asked), responses);
    api.add("/v1/challenges/test", "post", operation);
}
