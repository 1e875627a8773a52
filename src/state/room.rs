//! The room that open challenges take, bounded in number and in bytes: the oldest gives way to the newest.
//!
//! A caller who opens challenges without end pushes out others, which ends those logins with challenge_expired and is
//! counted; it cannot make the daemon grow, nor Redis. Here is only who gives way; where a challenge lies is its store's.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio::time::Instant;

use super::Place;

/// How much may be open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Challenges.
    pub entries: usize,
    /// Bytes of all of them.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        // A login of two steps keeps about 1 KiB; so many people do not type a code at once.
        Self { entries: 16_384, bytes: 32 << 20 }
    }
}

/// What an entry costs beside its text: the place three times, the tree and table around it.
const ENTRY_BYTES: usize = 256;

/// One open challenge.
#[derive(Debug)]
pub(super) struct Entry<T> {
    /// What its store keeps of it here.
    pub value: T,
    /// How long its text is.
    pub bytes: usize,
    /// Whether a factor has succeeded before it.
    pub proven: bool,
    pub end: Instant,
}

#[derive(Debug)]
pub(super) struct Room<T> {
    bounds: Bounds,
    entries: HashMap<Place, (u64, Entry<T>)>,
    /// By worth and age, to find which one gives way: a challenge that opened before anything was proven costs whoever opens it
    /// nothing, so a flood of them pushes out its own kind first.
    ages: BTreeMap<(bool, u64), Place>,
    /// By end, to find what is over.
    ends: BTreeSet<(Instant, Place)>,
    next_age: u64,
    bytes: usize,
    evicted: u64,
}

impl<T> Room<T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            entries: HashMap::new(),
            ages: BTreeMap::new(),
            ends: BTreeSet::new(),
            next_age: 0,
            bytes: 0,
            evicted: 0,
        }
    }

    /// Makes room for `entry` at `place`, in the place of what is there; gives the places that had to go for it.
    pub(super) fn put(&mut self, place: Place, entry: Entry<T>, now: Instant) -> Vec<Place> {
        self.forget_until(now);
        self.remove(&place);
        let cost = cost(&entry);
        let mut gone = Vec::new();
        while self.entries.len() >= self.bounds.entries || self.bytes + cost > self.bounds.bytes {
            let Some((_, oldest)) = self.ages.first_key_value() else { break };
            let oldest = *oldest;
            self.remove(&oldest);
            self.evicted += 1;
            gone.push(oldest);
        }
        let age = self.next_age;
        self.next_age += 1;
        self.bytes += cost;
        self.ages.insert((entry.proven, age), place);
        self.ends.insert((entry.end, place));
        self.entries.insert(place, (age, entry));
        gone
    }

    /// Takes it out, unless its time is over.
    pub(super) fn take(&mut self, place: &Place, now: Instant) -> Option<T> {
        self.forget_until(now);
        self.remove(place).map(|entry| entry.value)
    }

    /// How many are open, and how many were dropped before their time.
    pub(super) fn counts(&mut self, now: Instant) -> (usize, u64) {
        self.forget_until(now);
        (self.entries.len(), self.evicted)
    }

    fn remove(&mut self, place: &Place) -> Option<Entry<T>> {
        let (age, entry) = self.entries.remove(place)?;
        self.bytes -= cost(&entry);
        self.ages.remove(&(entry.proven, age));
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

fn cost<T>(entry: &Entry<T>) -> usize {
    entry.bytes + ENTRY_BYTES
}
