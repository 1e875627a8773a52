//! Why a request of a console comes to no login.

use super::plan::ReplyKind;
use super::read::Unasked;
use super::source::Malformed;
use super::values::AskedNames;
use crate::attempt::TooManyCalls;

/// Why a request comes to no login.
pub(super) enum NoLogin {
    /// A reply without a verdict.
    Kind(ReplyKind),
    /// The client has too many calls open.
    TooMany,
}

impl From<Malformed> for NoLogin {
    fn from(_: Malformed) -> Self {
        Self::Kind(ReplyKind::Malformed)
    }
}

impl From<Unasked> for NoLogin {
    fn from(why: Unasked) -> Self {
        Self::Kind(why.kind())
    }
}

impl From<TooManyCalls> for NoLogin {
    fn from(_: TooManyCalls) -> Self {
        Self::TooMany
    }
}

pub(super) fn names() -> AskedNames {
    AskedNames { request_id: uuid::Uuid::new_v4().to_string(), ..AskedNames::default() }
}
