//! `POST /v1/challenges`: an answer to an open challenge, or a poll, a resend, an end.
//!
//! The state is taken from its store before anything else is looked at, so of any number of callers with one id one goes
//! on. What cannot go on (unknown, used, expired, another client's, another revision's) is reject(challenge_expired), the
//! same for all of them: nobody learns which ids exist.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use futures_util::FutureExt as _;
use http::Request;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::body;
use super::callers::Caller;
use super::challenge_body::{Asked, ChallengeBody};
use super::problem::Problem;
use super::{App, reply};
use crate::attempt::connectors::Connector;
use crate::attempt::login::{self, Entered};
use crate::clock::{Ambient as _, System};
use crate::config::Scope;
use crate::flow::report::Report;
use crate::flow::{Action, Pauses, Saved, Waiting};
use crate::state::{Challenges, Claim, Held, Pause};
use crate::verdict::{Cause, Reason, Reject, Unavailable, Verdict};

/// A store answers in milliseconds; a user at a prompt hears soon that it does not.
const PATIENCE: Duration = Duration::from_secs(1);

/// The endpoint.
pub(crate) async fn post(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    app.settle(answer(&app, request).await)
}

async fn answer(app: &Arc<App>, request: Request<Body>) -> Result<Response, Problem> {
    let caller = app.caller(&request, Scope::Authenticate)?;
    let bytes = body::read(request, app.limits.body).await?;
    let ChallengeBody { id, asked } = ChallengeBody::parse(body::object(&bytes)?)?;
    // Before the state is taken: who is refused here must still find it.
    let entered = login::enter(app, &caller)?;
    let client = &caller.client.name;
    let taken = app.challenges.take(client, &id, Instant::now() + PATIENCE).await;
    let report = match taken {
        Err(error) => {
            let explain = format!("the challenge cannot be looked up: {error}");
            login::unheard(app, &caller, Verdict::Unavailable(Unavailable::from(Cause::State)), &explain).await
        }
        Ok(None) => expired(app, &caller, "the challenge is unknown, used, expired or another client's").await,
        Ok(Some(Held { state, claim })) => go_on(app, &caller, entered, Waits { id, state, claim }, asked).await,
    };
    Ok(reply::respond(&report, &caller.unread))
}

/// What was taken from the store.
pub(crate) struct Waits {
    /// The id that was used.
    pub id: String,
    /// What stood under it, as it was kept.
    pub state: Zeroizing<Vec<u8>>,
    /// The right to put it back.
    pub claim: Claim,
}

async fn go_on(app: &Arc<App>, caller: &Arc<Caller>, entered: Entered, waits: Waits, asked: Asked) -> Report {
    let Some(saved) = Saved::read(&waits.state) else {
        return expired(app, caller, "the challenge was opened by another version of this program").await;
    };
    if saved.left_ms(System.unix_ms()) == 0 {
        return expired(app, caller, "the challenge is too old").await;
    }
    // One revision: what a changed file would make of an old answer is nobody's to guess.
    let Some(connector) = still_the_same(app, caller, &saved) else {
        return expired(app, caller, "the connector has changed since the challenge was opened").await;
    };
    let action = match asked {
        // An answer of nothing to whom waits for a confirmation is a poll in other words.
        Asked::Answers(answers) if answers.is_empty() && saved.is_early(System.unix_ms()) => Action::Early,
        Asked::Answers(answers) => Action::Answer(answers),
        Asked::Poll if saved.is_early(System.unix_ms()) => Action::Early,
        Asked::Poll => Action::Poll,
        Asked::Resend => Action::Resend,
        Asked::Cancel => return login::cancelled(app, caller, &connector, &saved).await,
    };
    login::resume(app, caller, entered, connector, waits, saved, action).await
}

fn still_the_same(app: &App, caller: &Caller, saved: &Saved) -> Option<Arc<dyn Connector>> {
    let connector = app.connectors.find(saved.connector()).filter(|_| caller.may_use(saved.connector()))?;
    (connector.about().revision == saved.revision()).then_some(connector)
}

async fn expired(app: &Arc<App>, caller: &Arc<Caller>, explain: &str) -> Report {
    login::unheard(app, caller, Verdict::Reject(Reject::because(Reason::ChallengeExpired)), explain).await
}

/// The challenges of one client.
pub(crate) struct OfClient {
    pub challenges: Arc<Challenges>,
    pub client: String,
    /// The id of a login that goes on, and the right to put it back.
    pub taken: Option<(String, Claim)>,
}

impl Pauses for OfClient {
    fn put<'a>(
        &'a self,
        id: &'a str,
        pause: Pause<'a>,
        ttl: Duration,
        deadline: Instant,
    ) -> Waiting<'a, Result<(), String>> {
        async move {
            let kept = match &self.taken {
                Some((known, claim)) if known == id => {
                    self.challenges.put_back((&self.client, id, claim), &pause, ttl, deadline).await
                }
                _ => self.challenges.put((&self.client, id), &pause, ttl, deadline).await,
            };
            kept.map_err(|error| error.to_string())
        }
        .boxed()
    }
}
