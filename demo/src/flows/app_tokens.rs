//! Tokens that an application gets for its secret and shows with every call: open platforms, WeChat Work, DingTalk.
//!
//! The bearer of one is the application, for two hours; it names no user.

use super::tickets::TicketStore;

/// Seconds that a token is good.
pub(super) const TOKEN: u64 = 7200;

/// The tokens of one application.
pub(super) struct AppTokens(TicketStore<()>);

impl AppTokens {
    pub(super) fn new() -> Self {
        Self(TicketStore::for_seconds(TOKEN))
    }

    /// A new one, given at the time `now` (milliseconds).
    pub(super) fn give(&self, now: u64) -> String {
        self.0.put(now, ())
    }

    /// Whether `token` is one that is still good.
    pub(super) fn admit(&self, now: u64, token: &str) -> bool {
        self.0.with(now, token, |()| ()).is_some()
    }

    /// None is good any more.
    pub(super) fn forget(&self) {
        self.0.empty();
    }
}
