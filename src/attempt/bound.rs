//! The bounds that an attempt meets before anything is sent, and the verdict of one that met one.

use super::outcome::RETRY_AFTER;
use super::shares::NoSlot;
use crate::guard::{Denial, Refusal};
use crate::metrics::{Metrics, Shed};
use crate::verdict::{Cause, Reason, Reject, Unavailable, Verdict};

#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    /// The audit trail is full, and the configuration says to refuse.
    Audit,
    /// The daemon, the connector or the client has as many logins in flight as it may.
    Logins(NoSlot),
    /// The user or the address failed too often.
    Guard(Refusal),
    /// It cannot be counted in Redis, and the configuration says to refuse then.
    Uncounted,
}

impl From<Denial> for Bound {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Refused(refusal) => Self::Guard(refusal),
            Denial::Uncounted => Self::Uncounted,
        }
    }
}

impl Bound {
    pub(super) fn verdict(self) -> Verdict {
        match self {
            Self::Audit | Self::Logins(_) => {
                Verdict::Unavailable(Unavailable { cause: Cause::Overloaded, retry_after: Some(RETRY_AFTER) })
            }
            Self::Uncounted => {
                Verdict::Unavailable(Unavailable { cause: Cause::State, retry_after: Some(RETRY_AFTER) })
            }
            Self::Guard(Refusal { retry_after, .. }) => {
                Verdict::Reject(Reject { retry_after: Some(retry_after), ..Reject::because(Reason::TooManyAttempts) })
            }
        }
    }

    pub(super) fn explain(self) -> &'static str {
        match self {
            Self::Audit => "the audit trail cannot be written, and audit.when_full says to refuse; nothing was sent",
            Self::Logins(NoSlot::Daemon) => {
                "the daemon runs as many logins as limits.in_flight allows; nothing was sent"
            }
            Self::Logins(NoSlot::Connector) => {
                "this connector has its share of limits.in_flight, and the rest is for others; nothing was sent"
            }
            Self::Logins(NoSlot::Client) => {
                "this client has its share of limits.in_flight, and the rest is for others; nothing was sent"
            }
            Self::Uncounted => {
                "the attempt cannot be counted in Redis, and guard.when_away says to refuse; nothing was sent"
            }
            Self::Guard(_) => "too many failures of this user or address; nothing was sent",
        }
    }

    pub(super) fn count(self, metrics: &Metrics) {
        match self {
            Self::Audit => metrics.shed(Shed::Audit),
            // Counted where the slot was asked for.
            Self::Logins(_) => {}
            Self::Uncounted => metrics.shed(Shed::Guard),
            Self::Guard(Refusal { by, .. }) => metrics.refused(by),
        }
    }
}
