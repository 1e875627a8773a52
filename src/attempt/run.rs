//! One attempt, from the bounds before it to the audit line after it.
//!
//! The call polls its run. A caller that goes away ends it as long as the user's credential has not left; after that a task
//! of its own finishes it, counted and audited, because the upstream may have counted the attempt. A panic is a
//! misconfigured verdict.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::connectors::{Call, Connector, Rehearsed};
use super::login::{Ended, Entered, Mode, SOON};
use super::record::{Marks, record};
use super::shares::{Full, Running};
use crate::api::App;
use crate::api::callers::Caller;
use crate::api::challenges::OfClient;
use crate::audit::Place;
use crate::flow::progress::Progress;
use crate::flow::report::{Report, StepEnd};
use crate::flow::{Login, Resumption, Saved};
use crate::guard::{Attempt, Outcome, Refusal, Ticket};
use crate::metrics::{Gone, Held, Metrics, Shed};
use crate::state::Claim;
use crate::verdict::{Cause, Challenge, Misconfigured, Reason, Reject, Unavailable, Verdict};

/// What an attempt runs.
pub(crate) enum Work {
    /// A login from its first step.
    Begin(Box<Login>),
    /// A login that waited. The state goes back under its id when a bound is met before anything was sent.
    GoOn { resumption: Box<Resumption>, id: String, claim: Claim, state: Zeroizing<Vec<u8>>, left: Duration },
}

/// What a login holds while it runs.
struct Permits {
    running: Running,
    ticket: Ticket,
}

/// A bound that a login met before anything was sent.
#[derive(Debug, Clone, Copy)]
enum Bound {
    /// The audit trail has no place, and the configuration says to refuse.
    Audit,
    /// The daemon, the connector or the client has as many logins running as it may.
    Logins(Full),
    /// The user or the address failed too often.
    Guard(Refusal),
}

impl Bound {
    fn verdict(self) -> Verdict {
        match self {
            Self::Audit | Self::Logins(_) => {
                Verdict::Unavailable(Unavailable { cause: Cause::Overloaded, retry_after: Some(SOON) })
            }
            Self::Guard(Refusal { retry_after, .. }) => {
                Verdict::Reject(Reject { retry_after: Some(retry_after), ..Reject::because(Reason::TooManyAttempts) })
            }
        }
    }

    fn explain(self) -> &'static str {
        match self {
            Self::Audit => "the audit trail cannot be written, and audit.when_full says to refuse; nothing was sent",
            Self::Logins(Full::Daemon) => "the daemon runs as many logins as limits.in_flight allows; nothing was sent",
            Self::Logins(Full::Connector) => {
                "this connector has its share of limits.in_flight, and the rest is for others; nothing was sent"
            }
            Self::Logins(Full::Client) => {
                "this client has its share of limits.in_flight, and the rest is for others; nothing was sent"
            }
            Self::Guard(_) => "too many failures of this user or address; nothing was sent",
        }
    }

    fn count(self, metrics: &Metrics) {
        match self {
            Self::Audit => metrics.shed(Shed::Audit),
            // Counted where the place was asked for.
            Self::Logins(_) => {}
            Self::Guard(Refusal { by, .. }) => metrics.refused(by),
        }
    }
}

/// What a report says about whose it is.
struct Names {
    request_id: String,
    username: String,
    account: String,
}

/// One attempt, from the call to its audit line.
pub(crate) struct Account {
    pub app: Arc<App>,
    pub caller: Arc<Caller>,
    pub connector: Arc<dyn Connector>,
    pub username: String,
    /// The name for guard and audit.
    pub account: String,
    pub client_ip: Option<IpAddr>,
    pub request_id: String,
    pub started: Instant,
    pub mode: Mode,
    pub place: Option<Place>,
}

impl Account {
    /// The attempt of a login that waited.
    pub(crate) fn of(app: &Arc<App>, caller: &Arc<Caller>, connector: &Arc<dyn Connector>, saved: &Saved) -> Self {
        Self {
            app: Arc::clone(app),
            caller: Arc::clone(caller),
            connector: Arc::clone(connector),
            username: saved.username().to_owned(),
            account: saved.account().to_owned(),
            client_ip: saved.client_ip(),
            request_id: saved.request_id().to_owned(),
            started: Instant::now(),
            mode: Mode::Login,
            place: None,
        }
    }

    /// Bounds, run, verdict, audit.
    pub(crate) async fn through(mut self, entered: Entered, work: Work) -> Ended {
        let permits = match self.bounds() {
            Ok(permits) => permits,
            Err(bound) => {
                bound.count(&self.app.metrics);
                self.put_back(work).await;
                let report = self.report(bound.verdict(), bound.explain());
                return self.close(report).await.into();
            }
        };
        let names = self.names();
        let connector = Arc::clone(&self.connector);
        let (progress, metrics) = (Progress::default(), Arc::clone(&self.app.metrics));
        if let Work::GoOn { .. } = work {
            // The state is taken and the answer may be good once only: whoever goes away now, this is finished.
            progress.credential_leaves();
        }
        let shared = progress.clone();
        let run = async move {
            let ended = self.run(work, &shared, permits.ticket).await;
            drop((permits.running, entered));
            ended
        };
        let run = Attended { run: Some(Box::pin(AssertUnwindSafe(run).catch_unwind())), progress, metrics };
        // The run catches its panics; what is left is a panic of the bookkeeping.
        run.await.unwrap_or_else(|_| broken(connector.as_ref(), names).into())
    }

    /// Nothing was sent: the challenge stays open. Should that fail, the user begins anew.
    async fn put_back(&self, work: Work) {
        if let Work::GoOn { resumption, id, claim, state, left } = work {
            let client = &self.caller.client.name;
            let pause = resumption.saved.pause(&state);
            let _ = self.app.challenges.put_back((client, &id, &claim), &pause, left, Instant::now() + SOON).await;
        }
    }

    fn call(&self, progress: &Progress, work: &Work) -> Call {
        let taken = match work {
            Work::Begin(_) => None,
            Work::GoOn { id, claim, .. } => Some((id.clone(), claim.clone())),
        };
        let client = self.caller.client.name.clone();
        let pauses = OfClient { challenges: Arc::clone(&self.app.challenges), client, taken };
        Call { progress: progress.clone(), pauses: Arc::new(pauses) }
    }

    /// The bounds, cheapest first. None of them waits.
    fn bounds(&mut self) -> Result<Permits, Bound> {
        if let Some(trail) = &self.app.trail {
            self.place = Some(trail.place().map_err(|_| Bound::Audit)?);
        }
        let about = self.connector.about();
        let running = self.app.begin(&about.id, &self.caller.client).map_err(Bound::Logins)?;
        let attempt = Attempt {
            client: &self.caller.client.name,
            connector: &self.connector.about().id,
            username: &self.account,
            client_ip: self.client_ip,
        };
        let ticket = self.app.guard.enter(&attempt, self.started).map_err(Bound::Guard)?;
        Ok(Permits { running, ticket })
    }

    /// The run and its bookkeeping.
    async fn run(self, work: Work, progress: &Progress, ticket: Ticket) -> Ended {
        let metrics = Arc::clone(&self.app.metrics);
        let _held = Held::new(|change| metrics.in_flight(change));
        let connector = Arc::clone(&self.connector);
        let (mode, call) = (self.mode, self.call(progress, &work));
        let run = async move {
            match (work, mode) {
                (Work::GoOn { resumption, .. }, _) => connector.resume(*resumption, call).await.into(),
                (Work::Begin(login), Mode::Login | Mode::Test) => connector.run(*login, call).await.into(),
                (Work::Begin(login), Mode::Rehearse) => {
                    let Rehearsed { report, ready } = connector.rehearse(*login).await;
                    Ended { report, rehearsed: ready }
                }
            }
        };
        let mut ended = AssertUnwindSafe(run).catch_unwind().await.unwrap_or_else(|_| {
            metrics.panicked();
            broken(self.connector.as_ref(), self.names()).into()
        });
        // A rehearsal has no verdict to count or to keep; the ticket goes back as if nothing had happened.
        if !ended.rehearsed {
            ticket.close(outcome(&ended.report), Instant::now());
            ended.report = self.close(ended.report).await;
        }
        ended
    }

    fn names(&self) -> Names {
        let Self { request_id, username, account, .. } = self;
        Names { request_id: request_id.clone(), username: username.clone(), account: account.clone() }
    }

    /// A verdict without a run.
    pub(crate) fn report(&self, verdict: Verdict, explain: &str) -> Report {
        let about = self.connector.about();
        Report {
            connector: about.id.clone(),
            revision: about.revision.clone(),
            request_id: self.request_id.clone(),
            account: self.account.clone(),
            username: self.username.clone(),
            verdict,
            explain: explain.to_owned(),
            steps: Vec::new(),
            credential_sends: 0,
            took: self.started.elapsed(),
        }
    }

    /// Audits, counts and logs the verdict, and returns the one that may leave.
    pub(crate) async fn close(self, report: Report) -> Report {
        let marks = Marks { client_ip: self.client_ip, test: self.mode != Mode::Login, place: self.place };
        record(&self.app, &self.caller, report, marks).await
    }
}

/// A run that is polled by whoever waits for it. Nobody else polls it, so the flag cannot change between the look at it and
/// the end of the run.
struct Attended {
    /// `None` when it has ended.
    run: Option<BoxFuture<'static, std::thread::Result<Ended>>>,
    progress: Progress,
    metrics: Arc<Metrics>,
}

impl Future for Attended {
    type Output = std::thread::Result<Ended>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(run) = &mut self.run else { return Poll::Pending };
        let ended = ready!(run.as_mut().poll(cx));
        self.run = None;
        Poll::Ready(ended)
    }
}

impl Drop for Attended {
    /// The caller went away.
    fn drop(&mut self) {
        let Some(run) = self.run.take() else { return };
        if !self.progress.credential_left() {
            self.metrics.gone(Gone::Ended);
            return;
        }
        self.metrics.gone(Gone::Finished);
        // Without a runtime the daemon is at its end.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(run);
        }
    }
}

/// What the guard counts. Every reject of an upstream counts alike, whatever it says about the name, so that nobody can
/// learn from the guard which names exist. Input that was refused before anything was sent tells nothing and counts
/// nothing.
fn outcome(report: &Report) -> Outcome {
    match &report.verdict {
        Verdict::Accept(_) => Outcome::Succeeded,
        // The send quota's no, which is ours: it says nothing about the password. (A row of a connector has no time.)
        Verdict::Reject(Reject { reason: Reason::TooManyAttempts, retry_after: Some(_), .. }) => Outcome::Neutral,
        Verdict::Reject(reject) if report.credential_sends > 0 || reject.reason != Reason::InvalidInput => {
            Outcome::Failed
        }
        // A gateway's or a database's trouble, in whatever words. A redirect back to the login page is none.
        Verdict::Unavailable(_) if report.steps.last().is_some_and(|step| step.mute && is_trouble(step.status)) => {
            Outcome::Neutral
        }
        // A server that says "wrong" in a way that the connector cannot read was guessed at all the same.
        Verdict::Unavailable(unavailable)
            if (report.credential_sends > 0 || answered_here(report))
                && unavailable.cause == Cause::UnexpectedReply =>
        {
            Outcome::Unreadable
        }
        // A wrong answer is a guess, whether another one is allowed or not; a first challenge and a resend are none.
        Verdict::Challenge(Challenge { error: Some(error), .. })
            if matches!(error.reason, Reason::MfaFailed | Reason::InvalidCredentials)
                || (error.reason == Reason::InvalidInput && report.credential_sends > 0) =>
        {
            Outcome::Failed
        }
        Verdict::Reject(_) | Verdict::Challenge(_) | Verdict::Unavailable(_) | Verdict::Misconfigured(_) => {
            Outcome::Neutral
        }
    }
}

/// Statuses by which a server, or what stands in front of it, says that it has trouble, no such route or no time.
fn is_trouble(status: Option<u16>) -> bool {
    status.is_some_and(|status| status >= 400)
}

/// Whether the run ended in a factor that sent nothing: an answer was compared here, and that was a guess.
fn answered_here(report: &Report) -> bool {
    report.steps.last().is_some_and(|step| step.factor && step.status.is_none() && step.end == StepEnd::Ended)
}

/// The report of a run that panicked. What it said goes nowhere: it might hold data.
fn broken(connector: &dyn Connector, names: Names) -> Report {
    let about = connector.about();
    Report {
        connector: about.id.clone(),
        revision: about.revision.clone(),
        request_id: names.request_id,
        account: names.account,
        username: names.username,
        verdict: Verdict::Misconfigured(Misconfigured { what: "a fault inside the daemon; see its log".to_owned() }),
        explain: "the daemon panicked during this login; the log names the place".to_owned(),
        steps: Vec::new(),
        credential_sends: 0,
        took: Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::report::StepReport;

    /// A form's server sends whoever is wrong back to its login page, and a rule that names the status of the right ones does not hold.
    #[test]
    fn a_status_that_decides_nothing_was_a_guess_unless_it_says_trouble() {
        let counted = |status: u16, cause: Cause| {
            let step = StepReport {
                name: "login".to_owned(),
                factor: true,
                end: StepEnd::Ended,
                status: Some(status),
                mute: true,
                took: Duration::ZERO,
                trace: None,
            };
            outcome(&Report {
                connector: "c".to_owned(),
                revision: String::new(),
                request_id: String::new(),
                account: "alice".to_owned(),
                username: "alice".to_owned(),
                verdict: Verdict::Unavailable(Unavailable::from(cause)),
                explain: String::new(),
                steps: vec![step],
                credential_sends: 1,
                took: Duration::ZERO,
            })
        };
        for status in [302, 303, 307] {
            assert_eq!(counted(status, Cause::UnexpectedReply), Outcome::Unreadable, "{status}");
        }
        for (status, cause) in [
            (404, Cause::UnexpectedReply),
            (429, Cause::UnexpectedReply),
            (500, Cause::UpstreamError),
            (503, Cause::UpstreamError),
        ] {
            assert_eq!(counted(status, cause), Outcome::Neutral, "{status}");
        }
    }
}
