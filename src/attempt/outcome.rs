//! How an attempt is run and what it came to.

use std::time::Duration;

use crate::flow::report::Report;
use crate::session::IssuedSession;

/// When a caller that met a bound of the daemon should try again: logins take well under a second.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

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
    /// Of an accept whose caller wanted one.
    pub session: Option<IssuedSession>,
}

impl From<Report> for AttemptOutcome {
    fn from(report: Report) -> Self {
        Self { report, dry_run: false, session: None }
    }
}

/// The caller has as many calls open as it may, or leaves too many replies unread. Nothing was sent.
#[derive(Debug)]
pub(crate) struct TooManyCalls;
