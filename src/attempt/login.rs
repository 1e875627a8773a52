//! A login as a way in asks for it, and what it came to.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::App;
use super::callers::Caller;
use super::connectors::Connector;
use super::run::{Attempt, Work};
use crate::account::bounded;
use crate::document::Object;
use crate::flow;
use crate::flow::report::{LoginNames, Report};
use crate::metrics::Shed;
use crate::secret::Secret;

/// When a caller that met a bound of the daemon should try again: logins take well under a second.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What a caller asks, as values: whatever format they came in was read before.
pub(crate) struct Login {
    /// Byte for byte.
    pub username: String,
    /// Byte for byte; empty where the connector takes none.
    pub password: Secret,
    /// The address of the user's device.
    pub client_ip: Option<IpAddr>,
    /// Declared attributes.
    pub attributes: Object,
    /// The caller's id for this login; drawn when absent.
    pub request_id: Option<String>,
    /// Can only shorten the connector's own timeout.
    pub timeout: Option<Duration>,
    pub mode: Mode,
}

/// How a connector is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Login,
    /// A login whose stages are all recorded.
    Test,
    /// A send test that sends nothing.
    DryRun,
}

/// What a login came to.
pub(crate) struct AttemptOutcome {
    pub report: Report,
    /// A request was rendered and not sent: the report's verdict means nothing.
    pub dry_run: bool,
}

impl From<Report> for AttemptOutcome {
    fn from(report: Report) -> Self {
        Self { report, dry_run: false }
    }
}

/// The caller has as many calls open as it may, or leaves too many replies unread. Nothing was sent.
#[derive(Debug)]
pub(crate) struct TooManyCalls;

/// A place among the caller's open calls, given back when dropped.
pub(super) struct CallPermit {
    _permit: Option<OwnedSemaphorePermit>,
}

impl App {
    pub(super) fn call_permit(&self, caller: &Caller) -> Result<CallPermit, TooManyCalls> {
        caller.enter().map(|permit| CallPermit { _permit: permit }).map_err(|_| {
            self.metrics.shed(Shed::Client);
            TooManyCalls
        })
    }

    /// Runs one login to its verdict.
    pub(crate) async fn login(
        self: &Arc<Self>,
        caller: &Arc<Caller>,
        connector: Arc<dyn Connector>,
        login: Login,
    ) -> Result<AttemptOutcome, TooManyCalls> {
        let permit = self.call_permit(caller)?;
        let about = connector.about();
        let names = LoginNames {
            connector: about.id.clone(),
            revision: about.revision.clone(),
            request_id: login.request_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
            account: bounded(&connector.account(&login.username)).into_owned(),
            username: login.username.clone(),
        };
        let attempt = Attempt {
            app: Arc::clone(self),
            caller: Arc::clone(caller),
            connector,
            names,
            client_ip: login.client_ip,
            started: Instant::now(),
            mode: login.mode,
            reservation: None,
        };
        let login = flow::Login {
            username: login.username,
            password: login.password,
            client_ip: login.client_ip,
            attributes: login.attributes,
            request_id: attempt.names.request_id.clone(),
            deadline: login.timeout.map(|timeout| attempt.started + timeout),
            trace: login.mode != Mode::Login,
        };
        Ok(attempt.run(permit, Work::Begin(Box::new(login))).await)
    }
}
