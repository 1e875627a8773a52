//! What a door demands of an accept, asked before the guard counts and the audit line is written.

use crate::flow::report::Report;
use crate::verdict::Verdict;

/// What a door demands of an accept, beside its connector.
pub(crate) trait DoorRules: Send + Sync {
    /// The door's id, for the audit line.
    fn door(&self) -> &str;
    /// What takes the place of the accept in `report`; `None` where the accept may stand.
    fn refuse(&self, report: &Report) -> Option<RefusedAccept>;
}

/// What becomes of an accept that a door cannot pass on.
pub(crate) struct RefusedAccept {
    pub verdict: Verdict,
    /// One line for an administrator.
    pub explain: String,
}
