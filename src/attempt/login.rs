//! The ways into an attempt: a login, a login that goes on, one that is ended, and a challenge of which nothing is known.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::connectors::Connector;
use super::record::{Marks, record};
use super::run::{Account, Work};
use crate::account::bounded;
use crate::api::App;
use crate::api::body::LoginBody;
use crate::api::callers::Caller;
use crate::api::challenges::Waits;
use crate::api::problem::Problem;
use crate::clock::{Ambient as _, System};
use crate::flow::report::Report;
use crate::flow::{Action, Login, Resumption, Saved};
use crate::metrics::Shed;
use crate::verdict::{Reason, Reject, Verdict};

/// What who met a bound of the daemon is told: logins take well under a second.
pub(crate) const SOON: Duration = Duration::from_secs(1);

/// How a connector is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A login.
    Login,
    /// A send test: the same, with every stage recorded.
    Test,
    /// A send test that sends nothing.
    Rehearse,
}

/// What a login came to.
pub(crate) struct Ended {
    /// The report.
    pub report: Report,
    /// A request was rendered and not sent: the report's verdict means nothing.
    pub rehearsed: bool,
}

impl From<Report> for Ended {
    fn from(report: Report) -> Self {
        Self { report, rehearsed: false }
    }
}

/// A place among the caller's open calls, given back when dropped.
pub(crate) struct Entered {
    _place: Option<OwnedSemaphorePermit>,
}

/// Lets a call in, unless its caller has too many open.
pub(crate) fn enter(app: &App, caller: &Caller) -> Result<Entered, Problem> {
    caller.enter().map(|place| Entered { _place: place }).map_err(|_| {
        app.metrics.shed(Shed::Client);
        Problem::TooMany(SOON)
    })
}

/// Runs one login to its verdict. Fails only when the caller has too many calls open.
pub(crate) async fn run(
    app: &Arc<App>,
    caller: &Arc<Caller>,
    connector: Arc<dyn Connector>,
    asked: LoginBody,
    mode: Mode,
) -> Result<Ended, Problem> {
    let entered = enter(app, caller)?;
    let account = bounded(&connector.account(&asked.username)).into_owned();
    let attempt = Account {
        app: Arc::clone(app),
        caller: Arc::clone(caller),
        connector,
        username: asked.username.clone(),
        account,
        client_ip: asked.client_ip,
        request_id: asked.request_id.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
        started: Instant::now(),
        mode,
        place: None,
    };
    let login = Login {
        username: asked.username,
        password: asked.password,
        client_ip: asked.client_ip,
        attributes: asked.attributes,
        request_id: attempt.request_id.clone(),
        deadline: asked.timeout.map(|timeout| attempt.started + timeout),
        trace: mode != Mode::Login,
    };
    Ok(attempt.through(entered, Work::Begin(Box::new(login))).await)
}

/// Goes on with a login that waits, to its verdict.
pub(crate) async fn resume(
    app: &Arc<App>,
    caller: &Arc<Caller>,
    entered: Entered,
    connector: Arc<dyn Connector>,
    waits: Waits,
    saved: Saved,
    action: Action,
) -> Report {
    let attempt = Account::of(app, caller, &connector, &saved);
    let left = Duration::from_millis(saved.left_ms(System.unix_ms()));
    let Waits { id, state, claim } = waits;
    let resumption = Resumption { id: id.clone(), saved, action, deadline: None, trace: false };
    let work = Work::GoOn { resumption: Box::new(resumption), id, claim, state, left };
    attempt.through(entered, work).await.report
}

/// The user (or the console) ended the login.
pub(crate) async fn cancelled(
    app: &Arc<App>,
    caller: &Arc<Caller>,
    connector: &Arc<dyn Connector>,
    saved: &Saved,
) -> Report {
    let mut attempt = Account::of(app, caller, connector, saved);
    attempt.place = app.trail.as_ref().and_then(|trail| trail.place().ok());
    let report = attempt.report(Verdict::Reject(Reject::because(Reason::Other)), "the challenge was cancelled");
    attempt.close(report).await
}

/// A verdict on a challenge of which nothing is known: no connector and no user.
pub(crate) async fn unheard(app: &Arc<App>, caller: &Arc<Caller>, verdict: Verdict, explain: &str) -> Report {
    let report = Report {
        connector: String::new(),
        revision: String::new(),
        request_id: uuid::Uuid::new_v4().to_string(),
        account: String::new(),
        username: String::new(),
        verdict,
        explain: explain.to_owned(),
        steps: Vec::new(),
        credential_sends: 0,
        took: Duration::ZERO,
    };
    let place = app.trail.as_ref().and_then(|trail| trail.place().ok());
    record(app, caller, report, Marks { client_ip: None, test: false, place }).await
}
