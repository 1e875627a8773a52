//! Challenges in this process, sealed by a key that nobody else has, in as much room as `room` gives them.
//!
//! A call that takes one holds all that there is of it, and no answer can be lost here: nothing is put back but by whoever
//! took it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::envelope::{Keyring, Stamp};
use super::room::{Bounds, Entry, Room};
use super::{Pause, Place, Taken};
use crate::clock::System;

#[derive(Debug)]
pub(super) struct Memory {
    keys: Keyring,
    open: Mutex<Room<Vec<u8>>>,
}

impl Memory {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { keys: Keyring::drawn(&System), open: Mutex::new(Room::new(bounds, bounds)) }
    }

    pub(super) fn put(&self, place: Place, pause: &Pause<'_>, ttl: Duration, now: Instant) {
        // The end that counts here is that of the monotonic clock; nobody else can write here.
        let sealed = self.keys.seal(&place, pause.state, Stamp::default(), &System);
        let mut open = self.lock();
        let entry = Entry { bytes: sealed.len(), value: sealed, owner: open.owner(pause), end: now + ttl };
        open.put(place, entry, now);
    }

    pub(super) fn take(&self, place: &Place, now: Instant) -> Taken {
        let sealed = self.lock().take(place, now);
        let Some(sealed) = sealed else { return Taken::Nothing };
        match self.keys.open(place, &sealed) {
            Some((state, _)) => Taken::State(state),
            None => Taken::Unreadable,
        }
    }

    /// How many are open, and how many were dropped before their time.
    pub(super) fn counts(&self, now: Instant) -> (usize, u64) {
        self.lock().counts(now)
    }

    fn lock(&self) -> MutexGuard<'_, Room<Vec<u8>>> {
        // No code under the lock panics between two changes that belong together.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
