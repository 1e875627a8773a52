//! What a door demands of a login, asked before the guard counts and the audit line is written.

use crate::flow::report::Report;
use crate::verdict::Verdict;

/// What one request of a console says of itself, and what its door demands of the verdict.
pub(crate) trait DoorRules: Send + Sync {
    /// The door's id, for the audit line.
    fn door(&self) -> &str;
    /// A hash of the door's file: a challenge ends with it.
    fn revision(&self) -> &str;
    /// The user name of this request. An open challenge goes on under the same name only.
    fn username(&self) -> &str;
    /// The console's own id of the conversation, under which its challenge waits; `None`: under the challenge's id.
    fn conversation(&self) -> Option<&str>;
    /// What takes the place of the verdict in `report`; `None` where it may stand. `typed_name`: the connector acknowledges that the
    /// typed name may stand for the user.
    fn instead(&self, report: &Report, typed_name: bool) -> Option<InsteadOf>;
}

/// What becomes of an accept that a door cannot pass on, and of a challenge that it cannot ask.
pub(crate) struct InsteadOf {
    pub verdict: Verdict,
    /// One line for an administrator.
    pub explain: String,
}
