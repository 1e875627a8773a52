//! Challenges in this process: bounded in number and in bytes; the oldest gives way to the newest.
//!
//! A caller who opens challenges without end pushes out others, which ends those logins with challenge_expired and is
//! counted; it cannot make the daemon grow.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::envelope::Keyring;
use super::{Place, Taken};
use crate::clock::System;

/// The bounds of [`super::Challenges::memory`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimits {
    /// Challenges that are open at once.
    pub entries: usize,
    /// Bytes of all of them.
    pub bytes: usize,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        // A login of two steps keeps about 1 KiB; so many people do not type a code at once.
        Self { entries: 16_384, bytes: 32 << 20 }
    }
}

/// What an entry costs beside its text: the place three times, the tree and table around it.
const ENTRY_BYTES: usize = 256;

#[derive(Debug)]
pub(super) struct Memory {
    keys: Keyring,
    limits: MemoryLimits,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    entries: HashMap<Place, Entry>,
    /// By worth and age, to find which one gives way: a challenge that opened before anything was proven costs whoever opens it
    /// nothing, so a flood of them pushes out its own kind first.
    ages: BTreeMap<(bool, u64), Place>,
    /// By end, to find what is over.
    ends: BTreeSet<(Instant, Place)>,
    next_age: u64,
    bytes: usize,
    evicted: u64,
}

#[derive(Debug)]
struct Entry {
    sealed: Vec<u8>,
    proven: bool,
    age: u64,
    end: Instant,
}

impl Entry {
    fn cost(&self) -> usize {
        self.sealed.len() + ENTRY_BYTES
    }
}

impl Memory {
    pub(super) fn new(limits: MemoryLimits) -> Self {
        Self { keys: Keyring::drawn(&System), limits, open: Mutex::default() }
    }

    pub(super) fn put(&self, place: Place, (state, proven): (&[u8], bool), ttl: Duration, now: Instant) {
        // The end that counts here is that of the monotonic clock; nobody else can write here.
        let sealed = self.keys.seal(&place, state, 0, &System);
        let mut open = self.lock();
        open.forget_until(now);
        open.remove(&place);
        let entry = Entry { sealed, proven, age: open.next_age, end: now + ttl };
        open.next_age += 1;
        while open.entries.len() >= self.limits.entries || open.bytes + entry.cost() > self.limits.bytes {
            let Some((_, oldest)) = open.ages.first_key_value() else { break };
            let oldest = *oldest;
            open.remove(&oldest);
            open.evicted += 1;
        }
        open.add(place, entry);
    }

    pub(super) fn take(&self, place: &Place, now: Instant) -> Taken {
        let entry = {
            let mut open = self.lock();
            open.forget_until(now);
            open.remove(place)
        };
        let Some(entry) = entry else { return Taken::Nothing };
        match self.keys.open(place, &entry.sealed) {
            Some((state, _)) => Taken::State(state),
            None => Taken::Unreadable,
        }
    }

    /// How many are open, and how many were dropped before their time.
    pub(super) fn counts(&self, now: Instant) -> (usize, u64) {
        let mut open = self.lock();
        open.forget_until(now);
        (open.entries.len(), open.evicted)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // No code under the lock panics between two changes that belong together.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn add(&mut self, place: Place, entry: Entry) {
        self.bytes += entry.cost();
        self.ages.insert((entry.proven, entry.age), place);
        self.ends.insert((entry.end, place));
        self.entries.insert(place, entry);
    }

    fn remove(&mut self, place: &Place) -> Option<Entry> {
        let entry = self.entries.remove(place)?;
        self.bytes -= entry.cost();
        self.ages.remove(&(entry.proven, entry.age));
        self.ends.remove(&(entry.end, *place));
        Some(entry)
    }

    /// Each entry is forgotten once, so a call costs what it removes.
    fn forget_until(&mut self, now: Instant) {
        while let Some(&(_, place)) = self.ends.first().filter(|(end, _)| *end <= now) {
            self.remove(&place);
        }
    }
}
