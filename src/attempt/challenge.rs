//! An answer to an open challenge: a poll, a resend, a cancellation, or what the user typed.
//!
//! The state is taken from its store before anything else is looked at, so of any number of calls with one id one goes on.
//! What cannot go on (unknown, used, expired, another owner's, another revision's) is reject(challenge_expired), the same for
//! all of them: nothing tells which ids exist.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use tokio::time::Instant;

use super::App;
use super::callers::{CallPermit, Caller};
use super::connectors::Connector;
use super::outcome::{Mode, TooManyCalls};
use super::pending::PendingChallenge;
use super::record::{AuditContext, record};
use super::run::{Attempt, ResumedLogin, Work};
use crate::clock::{Ambient as _, System};
use crate::flow::report::{LoginNames, Report};
use crate::flow::{Action, Resumption, SavedLogin};
use crate::otel::{LoginSpan, RemoteParent};
use crate::secret::Secret;
use crate::state::{STORE_TIMEOUT, TakenChallenge};
use crate::verdict::{Cause, Reason, Reject, Unavailable, Verdict};

/// What is wanted of an open challenge.
#[derive(Debug)]
pub(crate) struct ChallengeCall {
    pub id: String,
    pub action: ChallengeAction,
    /// A login, or a send test that shows its stages.
    pub mode: Mode,
    /// The caller's span above this call.
    pub parent: Option<RemoteParent>,
}

#[derive(Debug)]
pub(crate) enum ChallengeAction {
    /// By the names of the fields.
    Answers(IndexMap<String, Secret>),
    /// Whether it is confirmed by now.
    Poll,
    /// The code once more.
    Resend,
    /// The end of the login.
    Cancel,
}

impl App {
    /// Goes on with a login that waits, to its verdict.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        caller: &Arc<Caller>,
        answer: ChallengeCall,
    ) -> Result<Report, TooManyCalls> {
        // Before the state is taken: a call that is refused here must leave the challenge open.
        let permit = self.call_permit(caller)?;
        let ChallengeCall { id, action, mode, parent } = answer;
        let taken = self.challenges.take(&caller.challenge_owner(mode), &id, Instant::now() + STORE_TIMEOUT).await;
        Ok(match taken {
            Err(error) => {
                let explain = format!("the challenge cannot be looked up: {error}");
                unknown(self, caller, mode, Verdict::Unavailable(Unavailable::from(Cause::State)), &explain).await
            }
            Ok(None) => expired(self, caller, mode, "the challenge is unknown, used, expired or another owner's").await,
            Ok(Some(TakenChallenge { bytes, claim })) => {
                let asked = Asked { action, span: self.begin_span(parent) };
                resume(self, caller, permit, PendingChallenge { id, bytes, claim, mode }, asked).await
            }
        })
    }
}

/// What a call wants of a challenge that it took.
struct Asked {
    action: ChallengeAction,
    span: Option<Arc<LoginSpan>>,
}

async fn resume(
    app: &Arc<App>,
    caller: &Arc<Caller>,
    permit: CallPermit,
    pending: PendingChallenge,
    Asked { action, span }: Asked,
) -> Report {
    let mode = pending.mode;
    let Some(saved) = SavedLogin::read(&pending.bytes) else {
        return expired(app, caller, mode, "the challenge was opened by another version of this program").await;
    };
    let left = saved.left_ms(System.unix_ms());
    if left == 0 {
        return expired(app, caller, mode, "the challenge is too old").await;
    }
    // An old answer to a changed file could mean anything.
    let Some(connector) = same_revision(app, caller, &saved) else {
        return expired(app, caller, mode, "the connector has changed since the challenge was opened").await;
    };
    let attempt = Attempt { span, ..Attempt::of(app, caller, &connector, &saved, mode) };
    let action = match action {
        // While a confirmation is awaited, answers without a field are a poll in other words.
        ChallengeAction::Answers(answers) if answers.is_empty() && saved.is_early(System.unix_ms()) => Action::Early,
        ChallengeAction::Answers(answers) => Action::Answer(answers),
        ChallengeAction::Poll if saved.is_early(System.unix_ms()) => Action::Early,
        ChallengeAction::Poll => Action::Poll,
        ChallengeAction::Resend => Action::Resend,
        ChallengeAction::Cancel => return cancelled(attempt).await,
    };
    let trace = mode != Mode::Login;
    let resumption = Resumption { id: pending.id.clone(), saved, action, deadline: None, trace };
    let resumed = ResumedLogin { resumption, pending, left: Duration::from_millis(left) };
    attempt.run(permit, Work::Resume(Box::new(resumed))).await.report
}

fn same_revision(app: &App, caller: &Caller, saved: &SavedLogin) -> Option<Arc<dyn Connector>> {
    let connector = app.connectors.find(saved.connector()).filter(|_| caller.may_use(saved.connector()))?;
    (connector.about().revision == saved.revision()).then_some(connector)
}

/// The user (or the console) ended the login.
async fn cancelled(mut attempt: Attempt) -> Report {
    attempt.reservation = attempt.app.trail().and_then(|trail| trail.reserve().ok());
    let report = attempt.report(Verdict::Reject(Reject::because(Reason::Other)), "the challenge was cancelled");
    attempt.close(report).await
}

async fn expired(app: &App, caller: &Caller, mode: Mode, explain: &str) -> Report {
    unknown(app, caller, mode, Verdict::Reject(Reject::because(Reason::ChallengeExpired)), explain).await
}

/// A verdict on a challenge of which neither connector nor user is known.
async fn unknown(app: &App, caller: &Caller, mode: Mode, verdict: Verdict, explain: &str) -> Report {
    let names = LoginNames { request_id: uuid::Uuid::new_v4().to_string(), ..LoginNames::default() };
    let reservation = app.trail().and_then(|trail| trail.reserve().ok());
    let context = AuditContext { client_ip: None, door: None, test: mode != Mode::Login, reservation, span: None };
    record(app, caller, Report::without_run(names, verdict, explain), context).await
}
