//! One attempt, from its bounds to its audit line.
//!
//! The call polls its run. A caller that disconnects cancels it as long as the user's credential was not sent; after that a
//! background task finishes it, counted and audited, because the upstream may have counted the attempt. A panic is a
//! misconfigured verdict.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::Instant;

use super::App;
use super::bound::Bound;
use super::callers::{CallPermit, Caller};
use super::connectors::{Call, Connector, DryRun};
use super::detach::DetachOnDrop;
use super::door_rules::{DoorRules, InsteadOf};
use super::guess::outcome;
use super::outcome::{AttemptOutcome, Mode, RETRY_AFTER};
use super::pending::{ChallengesOfCaller, PendingChallenge};
use super::record::{AuditContext, record};
use super::sessions::SessionWish;
use super::shares::LoginSlot;
use crate::audit::Reservation;
use crate::flow::progress::Progress;
use crate::flow::report::{LoginNames, Report};
use crate::flow::{Login, Resumption, SavedLogin};
use crate::guard::{AttemptKey, Outcome, SharedTicket, Ticket};
use crate::metrics::GaugeGuard;
use crate::otel::LoginSpan;
use crate::session::{IssuedSession, Sessions};
use crate::verdict::{Misconfigured, Verdict};

/// What an attempt runs.
pub(super) enum Work {
    /// A login from its first step.
    Begin(Box<Login>),
    /// A login that waited. The challenge is put back when a bound is met before anything was sent.
    Resume(Box<ResumedLogin>),
}

pub(super) struct ResumedLogin {
    pub resumption: Resumption,
    pub pending: PendingChallenge,
    /// How long the challenge may still be answered.
    pub left: Duration,
}

/// What a login holds while it runs.
struct Permits {
    slot: LoginSlot,
    ticket: Tickets,
}

/// Of what all daemons count together, or else of this daemon's guard.
struct Tickets {
    own: Option<Ticket>,
    shared: Option<SharedTicket>,
}

impl Tickets {
    fn close(self, outcome: Outcome) {
        if let Some(own) = self.own {
            own.close(outcome, Instant::now());
        }
        if let Some(shared) = self.shared {
            shared.close(outcome);
        }
    }
}

pub(super) struct Attempt {
    pub app: Arc<App>,
    pub caller: Arc<Caller>,
    pub connector: Arc<dyn Connector>,
    pub names: Arc<LoginNames>,
    pub client_ip: Option<IpAddr>,
    pub started: Instant,
    pub mode: Mode,
    /// Of the audit line.
    pub reservation: Option<Reservation>,
    /// Of the door that it comes through.
    pub rules: Option<Arc<dyn DoorRules>>,
    /// Where logins are traced.
    pub span: Option<Arc<LoginSpan>>,
    /// Where a session is wanted of the accept.
    pub wish: Option<SessionWish>,
}

impl Attempt {
    /// The attempt of a login that waited.
    pub(super) fn of(
        app: &Arc<App>,
        caller: &Arc<Caller>,
        connector: &Arc<dyn Connector>,
        saved: &SavedLogin,
        mode: Mode,
    ) -> Self {
        let about = connector.about();
        Self {
            app: Arc::clone(app),
            caller: Arc::clone(caller),
            connector: Arc::clone(connector),
            names: Arc::new(LoginNames {
                connector: about.id.clone(),
                revision: about.revision.clone(),
                request_id: saved.request_id().to_owned(),
                account: saved.account().to_owned(),
                username: saved.username().to_owned(),
            }),
            client_ip: saved.client_ip(),
            started: Instant::now(),
            mode,
            reservation: None,
            rules: None,
            span: None,
            wish: None,
        }
    }

    /// Bounds, run, verdict, audit.
    pub(super) async fn run(self, permit: CallPermit, work: Work) -> AttemptOutcome {
        if self.app.shared.is_none() || matches!(work, Work::Begin(_)) {
            return self.bounded(permit, work).await;
        }
        // Its challenge is taken: a caller that disconnects while Redis is asked must not take the login with it.
        let names = Arc::clone(&self.names);
        let whole = tokio::spawn(self.bounded(permit, work));
        // It catches its panics; what is left is the end of the daemon.
        whole.await.unwrap_or_else(|_| panicked(&names).into())
    }

    async fn bounded(mut self, permit: CallPermit, work: Work) -> AttemptOutcome {
        let permits = match self.bounds().await {
            Ok(permits) => permits,
            Err(bound) => {
                bound.count(&self.app.metrics);
                self.put_back(work).await;
                let report = self.report(bound.verdict(), bound.explain());
                return self.close(report).await.into();
            }
        };
        let names = Arc::clone(&self.names);
        let (progress, metrics) = (Progress::default(), Arc::clone(&self.app.metrics));
        let sessions = self.app.sessions.clone();
        if let Work::Resume(_) = work {
            // The challenge is taken and its answer may be good once only: from here on the run is finished in any case.
            progress.credential_leaves();
        }
        let shared = progress.clone();
        let run = async move {
            let outcome = self.polled(work, &shared, permits.ticket).await;
            drop((permits.slot, permit));
            outcome
        };
        let run =
            DetachOnDrop { sessions, run: Some(Box::pin(AssertUnwindSafe(run).catch_unwind())), progress, metrics };
        // The run catches its panics; what is left is a panic of the bookkeeping.
        run.await.unwrap_or_else(|_| panicked(&names).into())
    }

    /// Nothing was sent: the challenge stays open. Should that fail, the user begins anew.
    async fn put_back(&self, work: Work) {
        if let Work::Resume(resumed) = work {
            let ResumedLogin { resumption, pending, left } = *resumed;
            let state = resumption.saved.challenge_state(&pending.bytes);
            let owner = self.owner();
            let owned = (owner.as_str(), pending.id.as_str(), &pending.claim);
            let _ = self.app.challenges.put_back(owned, &state, left, Instant::now() + RETRY_AFTER).await;
        }
    }

    fn owner(&self) -> String {
        self.caller.challenge_owner(self.mode, self.rules.as_deref())
    }

    fn call(&self, progress: &Progress, work: &Work) -> Call {
        let taken = match work {
            Work::Begin(_) => None,
            Work::Resume(resumed) => Some((resumed.pending.id.clone(), resumed.pending.claim.clone())),
        };
        let conversation = self.rules.as_ref().and_then(|rules| rules.conversation()).map(str::to_owned);
        let challenges = ChallengesOfCaller {
            challenges: Arc::clone(&self.app.challenges),
            owner: self.owner(),
            conversation,
            wish: self.wish,
            taken,
        };
        Call { progress: progress.clone(), challenges: Arc::new(challenges), span: self.span.clone() }
    }

    /// The bounds, cheapest first. None of them waits but the last, for Redis, a second at most.
    async fn bounds(&mut self) -> Result<Permits, Bound> {
        if let Some(trail) = self.app.trail() {
            self.reservation = Some(trail.reserve().map_err(|_| Bound::Audit)?);
        }
        let connector = &self.names.connector;
        let slot = self.app.login_slot(connector, &self.caller.client).map_err(Bound::Logins)?;
        let key = AttemptKey {
            client: &self.caller.client.name,
            connector,
            username: &self.names.account,
            client_ip: self.client_ip,
        };
        let shared = match &self.app.shared {
            Some(shared) => shared.enter(&key).await.map_err(Bound::from)?,
            None => None,
        };
        // A success at another daemon clears the common count only, so this daemon's own may not refuse beside it.
        let own = match &shared {
            Some(_) => None,
            None => Some(self.app.guard.enter(&key, self.started).map_err(Bound::Guard)?),
        };
        Ok(Permits { slot, ticket: Tickets { own, shared } })
    }

    /// The run and its bookkeeping.
    async fn polled(self, work: Work, progress: &Progress, ticket: Tickets) -> AttemptOutcome {
        let metrics = Arc::clone(&self.app.metrics);
        let _in_flight = GaugeGuard::new(|change| metrics.in_flight(change));
        let connector = Arc::clone(&self.connector);
        let (mode, call) = (self.mode, self.call(progress, &work));
        let run = async move {
            match (work, mode) {
                (Work::Resume(resumed), _) => connector.resume(resumed.resumption, call).await.into(),
                (Work::Begin(login), Mode::Login | Mode::Test) => connector.run(*login, call).await.into(),
                (Work::Begin(login), Mode::DryRun) => {
                    let DryRun { report, ready } = connector.dry_run(*login).await;
                    AttemptOutcome { report, dry_run: ready, session: None }
                }
            }
        };
        let mut ended = AssertUnwindSafe(run).catch_unwind().await.unwrap_or_else(|_| {
            metrics.panicked();
            panicked(&self.names).into()
        });
        // A dry run has no verdict to count or to audit; dropping the ticket counts nothing.
        if !ended.dry_run {
            // Before the guard counts and the audit line is written: both say what the console hears.
            let heard = outcome(&ended.report);
            let asks = matches!(ended.report.verdict, Verdict::Challenge(_));
            ended.report = self.as_the_door_lets(ended.report).await;
            let sessions = self.app.sessions.clone();
            (ended.report, ended.session) = self.with_session(sessions.as_deref(), ended.report);
            // A question that cannot be asked is a refusal to the console, and no guess of the user.
            ticket.close(if asks { heard } else { outcome(&ended.report) });
            ended.report = self.close(ended.report).await;
            // Its audit line could not be written: the caller hears of no accept, and there is no session.
            let refused = |_: &mut IssuedSession| !matches!(ended.report.verdict, Verdict::Accept(_));
            if let (Some(session), Some(sessions)) = (ended.session.take_if(refused), sessions) {
                sessions.end(&session.id);
            }
        }
        ended
    }

    async fn as_the_door_lets(&self, report: Report) -> Report {
        let typed_name = self.connector.about().facts.typed_name;
        let instead = self.rules.as_ref().and_then(|rules| rules.instead(&report, typed_name));
        let Some(InsteadOf { verdict, explain }) = instead else { return report };
        if let Verdict::Challenge(challenge) = &report.verdict {
            // Nobody will answer it. Should this fail, it expires.
            let place = self.rules.as_ref().and_then(|rules| rules.conversation()).unwrap_or(&challenge.id);
            let _ = self.app.challenges.take(&self.owner(), place, Instant::now() + RETRY_AFTER).await;
        }
        Report { verdict, explain, ..report }
    }

    fn with_session(&self, sessions: Option<&Sessions>, report: Report) -> (Report, Option<IssuedSession>) {
        match (self.wish, sessions) {
            (Some(wish), Some(sessions)) => {
                wish.open(sessions, self.connector.about(), &self.caller.client.name, report)
            }
            _ => (report, None),
        }
    }

    /// A verdict without a run.
    pub(super) fn report(&self, verdict: Verdict, explain: &str) -> Report {
        Report { took: self.started.elapsed(), ..Report::without_run((*self.names).clone(), verdict, explain) }
    }

    /// Audits, counts and logs the verdict, and returns the one that may be sent.
    pub(super) async fn close(self, report: Report) -> Report {
        let context = AuditContext {
            client_ip: self.client_ip,
            door: self.rules.as_ref().map(|rules| rules.door().to_owned()),
            test: self.mode != Mode::Login,
            reservation: self.reservation,
            span: self.span,
        };
        record(&self.app, &self.caller, report, context).await
    }
}

/// The report of a run that panicked. The panic's text is not shown: it might hold data.
fn panicked(names: &LoginNames) -> Report {
    let what = "a fault inside the daemon; see its log".to_owned();
    let explain = "the daemon panicked during this login; the log names the place";
    Report::without_run(names.clone(), Verdict::Misconfigured(Misconfigured { what }), explain)
}
