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
use super::door_rules::DoorRules;
use super::outcome::{AttemptOutcome, Mode, TooManyCalls};
use super::pending::PendingChallenge;
use super::record::{AuditContext, record};
use super::run::{Attempt, ResumedLogin, Work};
use super::sessions::SessionWish;
use crate::clock::{Ambient as _, System};
use crate::config::Scope;
use crate::flow::report::{LoginNames, Report};
use crate::flow::{Action, Resumption, SavedLogin};
use crate::otel::{LoginSpan, RemoteParent};
use crate::secret::Secret;
use crate::state::{STORE_TIMEOUT, TakenChallenge};
use crate::verdict::{Cause, Reason, Reject, Unavailable, Verdict};

/// What is wanted of an open challenge.
pub(crate) struct ChallengeCall {
    pub id: String,
    pub action: ChallengeAction,
    /// A login, or a send test that shows its stages.
    pub mode: Mode,
    /// Of the door that the answer comes through; `None` at the API.
    pub rules: Option<Arc<dyn DoorRules>>,
    /// Can only shorten the connector's own timeout.
    pub timeout: Option<Duration>,
    /// The caller's span above this call.
    pub parent: Option<RemoteParent>,
}

impl ChallengeCall {
    /// A call of the API.
    pub(crate) fn of_api(id: String, action: ChallengeAction, mode: Mode) -> Self {
        Self { id, action, mode, rules: None, timeout: None, parent: None }
    }
}

#[derive(Debug)]
pub(crate) enum ChallengeAction {
    /// By the names of the fields.
    Answers(IndexMap<String, Secret>),
    /// Of the next field; where nothing is typed, whether it is confirmed by now.
    Next(Secret),
    /// Whether it is confirmed by now.
    Poll,
    /// The code once more.
    Resend,
    /// The end of the login.
    Cancel,
}

/// One call, without what it wants.
struct Answering<'a> {
    app: &'a Arc<App>,
    caller: &'a Arc<Caller>,
    mode: Mode,
    rules: Option<Arc<dyn DoorRules>>,
    deadline: Option<Instant>,
}

/// What a call wants of a challenge that it took.
struct Asked {
    action: ChallengeAction,
    span: Option<Arc<LoginSpan>>,
}

impl App {
    /// Goes on with a login that waits, to its verdict.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        caller: &Arc<Caller>,
        answer: ChallengeCall,
    ) -> Result<AttemptOutcome, TooManyCalls> {
        // Before the state is taken: a call that is refused here must leave the challenge open.
        let permit = self.call_permit(caller)?;
        let ChallengeCall { id, action, mode, rules, timeout, parent } = answer;
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let owner = caller.challenge_owner(mode, rules.as_deref());
        let taken = self.challenges.take(&owner, &id, Instant::now() + STORE_TIMEOUT).await;
        let answering = Answering { app: self, caller, mode, rules, deadline };
        Ok(match taken {
            Err(error) => {
                let explain = format!("the challenge cannot be looked up: {error}");
                answering.unknown(Verdict::Unavailable(Unavailable::from(Cause::State)), &explain).await.into()
            }
            Ok(None) => answering.expired("the challenge is unknown, used, expired or another owner's").await.into(),
            Ok(Some(TakenChallenge { bytes, claim })) => {
                let attempted = Asked { action, span: self.begin_span(parent) };
                answering.resume(permit, PendingChallenge { id, bytes, claim }, attempted).await
            }
        })
    }

    /// The verdict on an answer to a question that no longer waits.
    pub(crate) async fn expired(self: &Arc<Self>, caller: &Arc<Caller>, rules: Arc<dyn DoorRules>) -> Report {
        let answering = Answering { app: self, caller, mode: Mode::Login, rules: Some(rules), deadline: None };
        answering.expired(OTHER_NAME).await
    }
}

const OTHER_NAME: &str = "the answer came under another user name than the question was asked for; its id is used up";

impl Answering<'_> {
    async fn resume(self, permit: CallPermit, pending: PendingChallenge, asked: Asked) -> AttemptOutcome {
        let Asked { action, span } = asked;
        let (wish, state) = SessionWish::of(&pending.bytes);
        let Some(saved) = SavedLogin::read(state) else {
            return self.expired("the challenge was opened by another version of this program").await.into();
        };
        // It may have been taken away since.
        let wish = wish.filter(|_| self.caller.client.scopes.contains(&Scope::Sessions));
        let left = saved.left_ms(System.unix_ms());
        if left == 0 {
            return self.expired("the challenge is too old").await.into();
        }
        // An old answer to a changed file could mean anything.
        let Some(connector) = self.same_revision(&saved) else {
            return self.expired("the connector has changed since the challenge was opened").await.into();
        };
        // Whoever has their own challenge and its code must not be logged in under the name that this request sends.
        if self.rules.as_ref().is_some_and(|rules| rules.username() != saved.username()) {
            return self.expired(OTHER_NAME).await.into();
        }
        let attempt = Attempt::of(self.app, self.caller, &connector, &saved, self.mode);
        let attempt = Attempt { rules: self.rules, span, wish, ..attempt };
        let Some(action) = wanted(action, &saved) else { return cancelled(attempt).await.into() };
        let trace = self.mode != Mode::Login;
        let resumption = Resumption { id: pending.id.clone(), saved, action, deadline: self.deadline, trace };
        let resumed = ResumedLogin { resumption, pending, left: Duration::from_millis(left) };
        attempt.run(permit, Work::Resume(Box::new(resumed))).await
    }

    fn same_revision(&self, saved: &SavedLogin) -> Option<Arc<dyn Connector>> {
        let id = saved.connector();
        let connector = self.app.connectors.find(id).filter(|_| self.caller.may_use(id))?;
        (connector.about().revision == saved.revision()).then_some(connector)
    }

    async fn expired(&self, explain: &str) -> Report {
        self.unknown(Verdict::Reject(Reject::because(Reason::ChallengeExpired)), explain).await
    }

    /// A verdict on a challenge of which neither connector nor user is known.
    async fn unknown(&self, verdict: Verdict, explain: &str) -> Report {
        let names = LoginNames { request_id: uuid::Uuid::new_v4().to_string(), ..LoginNames::default() };
        let reservation = self.app.trail().and_then(|trail| trail.reserve().ok());
        let door = self.rules.as_ref().map(|rules| rules.door().to_owned());
        let test = self.mode != Mode::Login;
        let context = AuditContext { client_ip: None, door, test, reservation, span: None };
        record(self.app, self.caller, Report::without_run(names, verdict, explain), context).await
    }
}

/// What the flow does for `action`; `None` for the end of the login.
fn wanted(action: ChallengeAction, saved: &SavedLogin) -> Option<Action> {
    let poll = || if saved.is_early(System.unix_ms()) { Action::Early } else { Action::Poll };
    Some(match action {
        // While a confirmation is awaited, answers without a field are a poll in other words.
        ChallengeAction::Answers(answers) if answers.is_empty() && saved.is_early(System.unix_ms()) => Action::Early,
        ChallengeAction::Answers(answers) => Action::Answer(answers),
        ChallengeAction::Next(answer) if saved.wants_text() => Action::Next(answer),
        ChallengeAction::Next(_) | ChallengeAction::Poll => poll(),
        ChallengeAction::Resend => Action::Resend,
        ChallengeAction::Cancel => return None,
    })
}

/// The user (or the console) ended the login.
async fn cancelled(mut attempt: Attempt) -> Report {
    attempt.reservation = attempt.app.trail().and_then(|trail| trail.reserve().ok());
    let report = attempt.report(Verdict::Reject(Reject::because(Reason::Other)), "the challenge was cancelled");
    attempt.close(report).await
}
