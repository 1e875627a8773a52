//! Challenges in this process, sealed with a random key, bounded by `eviction`.
//!
//! The call that takes a challenge holds the only copy, so putting it back needs no claim.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::challenge::{ChallengeState, StoreKey, Taken};
use super::envelope::{Keyring, Stamp};
use super::eviction::{Bounds, EvictionIndex, StoredChallenge};
use crate::clock::System;

#[derive(Debug)]
pub(super) struct Memory {
    keys: Keyring,
    open: Mutex<EvictionIndex<Vec<u8>>>,
}

impl Memory {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { keys: Keyring::drawn(&System), open: Mutex::new(EvictionIndex::new(bounds, bounds)) }
    }

    pub(super) fn put(&self, key: StoreKey, state: &ChallengeState<'_>, ttl: Duration, now: Instant) {
        // The index expires entries by the monotonic clock, and no other process can write here.
        let sealed = self.keys.seal(&key, state.bytes, Stamp::default(), &System);
        let mut open = self.lock();
        let entry = StoredChallenge { bytes: sealed.len(), value: sealed, owner: open.owner(state), end: now + ttl };
        open.put(key, entry, now);
    }

    pub(super) fn take(&self, key: &StoreKey, now: Instant) -> Taken {
        let sealed = self.lock().take(key, now);
        let Some(sealed) = sealed else { return Taken::Nothing };
        match self.keys.open(key, &sealed) {
            Some((state, _)) => Taken::State(state),
            None => Taken::Unreadable,
        }
    }

    /// How many are open, and how many were dropped before their time.
    pub(super) fn counts(&self, now: Instant) -> (usize, u64) {
        self.lock().counts(now)
    }

    fn lock(&self) -> MutexGuard<'_, EvictionIndex<Vec<u8>>> {
        // No code under the lock panics between two changes that belong together.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
