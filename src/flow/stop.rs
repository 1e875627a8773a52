//! Why a run ends before its last step.

use std::time::Duration;

use crate::context::Missing;
use crate::template::RenderError;
use crate::verdict::{Cause, Challenge, Reason};

/// What the run ends with; each becomes one verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// reject
    Reject {
        /// Why.
        reason: Reason,
        /// The connector's own message for the user, already plain.
        message: Option<String>,
    },
    /// unavailable
    Unavailable(Cause),
    /// misconfigured; the text names no data.
    Misconfigured(String),
    /// challenge; the state is stored.
    Challenge(Box<Challenge>),
    /// Not confirmed yet. Only a step that asks can end so, and its challenge goes on.
    Pending,
    /// reject(too_many_attempts): codes were sent too often; when to come back.
    TooMany(Duration),
}

/// An ending and its line for administrators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// What the run ends with.
    pub ending: Ending,
    /// Without the step's name in front; masked by construction.
    pub explain: String,
}

impl Stop {
    /// A reject without a message.
    pub fn reject(reason: Reason, explain: impl Into<String>) -> Self {
        Self { ending: Ending::Reject { reason, message: None }, explain: explain.into() }
    }

    /// Doorward could not tell.
    pub fn unavailable(cause: Cause, explain: impl Into<String>) -> Self {
        Self { ending: Ending::Unavailable(cause), explain: explain.into() }
    }

    /// The connector is wrong; `what` goes to the caller and to the log alike.
    pub fn misconfigured(what: impl Into<String>) -> Self {
        let what = what.into();
        Self { explain: what.clone(), ending: Ending::Misconfigured(what) }
    }

    /// Whether the login waits for an answer.
    pub(super) fn is_challenge(&self) -> bool {
        matches!(self.ending, Ending::Challenge(_))
    }
}

impl From<Missing> for Stop {
    fn from(missing: Missing) -> Self {
        let explain = missing.to_string();
        match missing {
            Missing::Input(_) => Self::reject(Reason::InvalidInput, explain),
            Missing::Capture(_) => Self::unavailable(Cause::UnexpectedReply, explain),
            Missing::Unset(_) => Self::misconfigured(explain),
        }
    }
}

impl From<RenderError> for Stop {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Missing(missing) => Self::from(missing),
            RenderError::FromUser { what } => Self::reject(Reason::InvalidInput, what),
            RenderError::FromReply { what } => Self::unavailable(Cause::UnexpectedReply, what),
            RenderError::Unfit { what } => Self::misconfigured(what),
        }
    }
}
