//! Kicks: what began at or before a time is over. Times are only ever raised, so no order of calls undoes a kick.

use std::collections::HashMap;

use super::record::Account;

/// Not-before times, of accounts and of all. Milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct NotBefore {
    all: u64,
    of: HashMap<Account, u64>,
}

impl NotBefore {
    /// Raises the time of `account`, or of all; returns what it is now.
    pub(super) fn raise(&mut self, account: Option<Account>, now_ms: u64) -> u64 {
        let time = match account {
            None => &mut self.all,
            Some(account) => self.of.entry(account).or_default(),
        };
        *time = now_ms.max(*time);
        *time
    }

    /// Whether what `account` began at `begun_ms` is over.
    pub(super) fn ends(&self, account: &Account, begun_ms: u64) -> bool {
        let own = self.of.get(account).copied().unwrap_or_default();
        begun_ms <= own.max(self.all)
    }

    /// Forgets times that nothing can be older than: a login and its session last no longer than `longest_ms`.
    pub(super) fn sweep(&mut self, now_ms: u64, longest_ms: u64) {
        self.of.retain(|_, time| time.saturating_add(longest_ms) >= now_ms);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.of.len()
    }
}
