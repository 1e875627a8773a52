//! What became of a login: from the ring of recent ones, else from the audit trail.
//!
//! A record names no user. Whoever may read a connector's logins sees those of all its clients.

use std::time::Duration;

use tokio::time::Instant;

use super::App;
use super::callers::Caller;
use super::outcome::TooManyCalls;
use crate::audit::{LoginRecord, SearchBounds, search};

/// A day of a daemon with a login a second; read within a second from a disk of this century.
const AUDIT_BYTES: u64 = 64 << 20;

const AUDIT_TIMEOUT: Duration = Duration::from_secs(2);

/// Where records were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordSource {
    /// In the ring.
    Memory,
    /// In the audit trail.
    Audit,
}

/// All verdicts of one request id that a caller may see, the oldest first.
pub(crate) struct ExplainedLogin {
    pub source: RecordSource,
    pub records: Vec<LoginRecord>,
}

impl App {
    /// What became of the login with this request id, of the caller's connectors. `None`: it is neither among the recent ones
    /// nor in the newest part of the audit trail.
    pub(crate) async fn explain(
        &self,
        caller: &Caller,
        request_id: &str,
    ) -> Result<Option<ExplainedLogin>, TooManyCalls> {
        let seen = |mut records: Vec<LoginRecord>, source| {
            records.retain(|record| caller.may_use(&record.connector));
            Some(ExplainedLogin { source, records }).filter(|found| !found.records.is_empty())
        };
        if let Some(found) = seen(self.recent.find(request_id, Instant::now()), RecordSource::Memory) {
            return Ok(Some(found));
        }
        let Some(audit) = self.trail().map(|trail| trail.config()) else { return Ok(None) };
        let _only = self.recent.searches.try_acquire().map_err(|_| TooManyCalls)?;
        let id = request_id.to_owned();
        let until = std::time::Instant::now() + AUDIT_TIMEOUT;
        let bounds = SearchBounds { bytes: AUDIT_BYTES, until };
        let searching = tokio::task::spawn_blocking(move || search(&audit.file, audit.keep, &id, bounds));
        let records = searching.await.unwrap_or_else(|error| Err(error.into())).unwrap_or_else(|error| {
            tracing::warn!(%error, "the audit trail cannot be searched");
            Vec::new()
        });
        Ok(seen(records, RecordSource::Audit))
    }
}
