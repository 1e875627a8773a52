//! A table of fixed size from keyed hash to failures.
//!
//! Sets of eight slots, each behind its own lock: every operation reads eight slots at most, and a flood of names can
//! neither grow the table nor delay more than its own set. The hash key is random, so an attacker cannot choose a set.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Slots of a set: an entry with failures is evicted only by seven others with more.
const WAYS: usize = 8;

/// One key's count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    key: u128,
    /// Failures; of a rate, the tokens taken.
    pub count: u32,
    pub in_flight: u32,
    /// Refused since the last that was not.
    pub suppressed: u32,
    /// When the last failure was (or the entry was made).
    pub last: Instant,
    /// The end of the current back-off; of a rate, the theoretical arrival time (GCRA).
    pub until: Option<Instant>,
}

impl Slot {
    fn idle(&self) -> bool {
        self.count == 0 && self.in_flight == 0 && self.suppressed == 0
    }
}

#[derive(Debug)]
pub(super) struct Table {
    sets: Box<[Mutex<Vec<Slot>>]>,
    high: RandomState,
    low: RandomState,
}

impl Table {
    pub(super) fn new(entries: usize) -> Self {
        let sets = entries.div_ceil(WAYS).max(1);
        Self { sets: (0..sets).map(|_| Mutex::default()).collect(), high: RandomState::new(), low: RandomState::new() }
    }

    /// 128 bits by two keyed hashes: two names practically never share an entry, and the name itself is not stored.
    pub(super) fn key(&self, of: &impl Hash) -> u128 {
        (u128::from(self.high.hash_one(of)) << 64) | u128::from(self.low.hash_one(of))
    }

    /// Runs `with` on the key's slot, which is made if need be. Failures older than `forget_after` are forgotten.
    pub(super) fn entry<T>(
        &self,
        key: u128,
        now: Instant,
        forget_after: Duration,
        with: impl FnOnce(&mut Slot) -> T,
    ) -> T {
        let mut set = self.set(key);
        for slot in set.iter_mut().filter(|slot| now.saturating_duration_since(slot.last) > forget_after) {
            slot.count = 0;
            slot.until = None;
        }
        let index = set.iter().position(|slot| slot.key == key).unwrap_or_else(|| slot_for(&mut set, key, now));
        with(&mut set[index])
    }

    /// Runs `with` on the key's slot if it is still there.
    pub(super) fn update(&self, key: u128, with: impl FnOnce(&mut Slot)) {
        let mut set = self.set(key);
        if let Some(index) = set.iter().position(|slot| slot.key == key) {
            with(&mut set[index]);
            if set[index].idle() {
                set.swap_remove(index);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sets.iter().map(|set| set.lock().unwrap().len()).sum()
    }

    fn set(&self, key: u128) -> MutexGuard<'_, Vec<Slot>> {
        let index = key % self.sets.len() as u128;
        // No code that holds the lock can panic halfway through a change.
        self.sets[usize::try_from(index).unwrap_or_default()].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The index of a fresh slot: a new one, or that of the entry with the fewest failures, the oldest among equals.
fn slot_for(set: &mut Vec<Slot>, key: u128, now: Instant) -> usize {
    let fresh = Slot { key, count: 0, in_flight: 0, suppressed: 0, last: now, until: None };
    set.retain(|slot| !slot.idle());
    if set.len() < WAYS {
        set.push(fresh);
        return set.len() - 1;
    }
    // An attempt in flight counts as a failure: evicted it would be a free guess.
    let weight = |slot: &Slot| (slot.count.saturating_add(slot.in_flight), slot.last);
    let least = (0..set.len()).min_by_key(|index| weight(&set[*index])).unwrap_or_default();
    set[least] = fresh;
    least
}
