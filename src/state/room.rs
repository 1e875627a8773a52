//! The room that open challenges take, bounded in number and in bytes: what somebody opened gives way to what they open next.
//!
//! A caller who opens challenges without end pushes out others, which ends those logins with challenge_expired and is
//! counted; it cannot make the daemon grow, nor Redis. Whose gives way: an account has few open at a time, and its own oldest
//! goes for one more. When all is full, first those that were opened before anything was proven (they cost whoever opens them
//! nothing), of the connector that holds most of them, the oldest; then the proven ones, likewise. Here is only who gives way;
//! where a challenge lies is its store's.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher as _;

use tokio::time::Instant;

use super::{Pause, Place};
use crate::account::{folded, site};

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

/// Challenges of one account: a browser, an app and a few that were left open.
pub(super) const OF_ACCOUNT: usize = 8;

/// What an entry costs beside its text: the place four times, the trees and tables around it.
const ENTRY_BYTES: usize = 256;

/// One open challenge.
#[derive(Debug)]
pub(super) struct Entry<T> {
    /// What its store keeps of it here.
    pub value: T,
    /// How long its text is.
    pub bytes: usize,
    pub owner: Owner,
    pub end: Instant,
}

/// Whose a challenge is: keyed hashes, so that no name is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Owner {
    /// Whether a factor has succeeded before it.
    proven: bool,
    connector: u64,
    /// Whoever knows the password has few; of the others, whoever comes from one place with one name.
    account: u64,
}

/// What one connector holds of one worth.
#[derive(Debug, Default)]
struct Pile {
    by_age: BTreeMap<u64, Place>,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct Room<T> {
    bounds: Bounds,
    /// The same for those before any proof.
    unproven: Bounds,
    hash: RandomState,
    entries: HashMap<Place, (u64, Entry<T>)>,
    piles: HashMap<(bool, u64), Pile>,
    accounts: HashMap<Owner, BTreeMap<u64, Place>>,
    /// By end, to find what is over.
    ends: BTreeSet<(Instant, Place)>,
    next_age: u64,
    bytes: usize,
    evicted: u64,
}

impl<T> Room<T> {
    pub(super) fn new(bounds: Bounds, unproven: Bounds) -> Self {
        Self {
            bounds,
            unproven,
            hash: RandomState::new(),
            entries: HashMap::new(),
            piles: HashMap::new(),
            accounts: HashMap::new(),
            ends: BTreeSet::new(),
            next_age: 0,
            bytes: 0,
            evicted: 0,
        }
    }

    /// Whose `pause` is.
    pub(super) fn owner(&self, pause: &Pause<'_>) -> Owner {
        let Pause { proven, connector, account, client_ip, .. } = *pause;
        // Anybody can open one in another's name before anything is proven: by the place, too, so that a stranger elsewhere
        // pushes out none of theirs.
        let place = client_ip.filter(|_| !proven).map(site);
        Owner {
            proven,
            connector: self.hash.hash_one(connector),
            account: self.hash.hash_one((connector, folded(account), place)),
        }
    }

    /// Makes room for `entry` at `place`, in the place of what is there; gives the places that had to go for it.
    pub(super) fn put(&mut self, place: Place, entry: Entry<T>, now: Instant) -> Vec<Place> {
        self.forget_until(now);
        self.remove(&place);
        let mut gone = Vec::new();
        while let Some(victim) = self.in_the_way(&entry) {
            self.remove(&victim);
            self.evicted += 1;
            gone.push(victim);
        }
        let age = self.next_age;
        self.next_age += 1;
        self.bytes += cost(&entry);
        let owner = entry.owner;
        let pile = self.piles.entry((owner.proven, owner.connector)).or_default();
        pile.by_age.insert(age, place);
        pile.bytes += cost(&entry);
        self.accounts.entry(owner).or_default().insert(age, place);
        self.ends.insert((entry.end, place));
        self.entries.insert(place, (age, entry));
        gone
    }

    /// What has to go before there is room for `entry`.
    fn in_the_way(&self, entry: &Entry<T>) -> Option<Place> {
        if let Some(own) = self.accounts.get(&entry.owner).filter(|own| own.len() >= OF_ACCOUNT) {
            return own.values().next().copied();
        }
        let cost = cost(entry);
        let beyond = |bounds: Bounds, entries: usize, bytes: usize| {
            entries > 0 && (entries >= bounds.entries || bytes + cost > bounds.bytes)
        };
        let unproven = self.piles.iter().filter(|((proven, _), _)| !proven);
        let (entries, bytes) = unproven.fold((0, 0), |(n, b), (_, pile)| (n + pile.by_age.len(), b + pile.bytes));
        let full = beyond(self.bounds, self.entries.len(), self.bytes);
        if entries > 0 && (full || (!entry.owner.proven && beyond(self.unproven, entries, bytes))) {
            return self.oldest_of_the_largest(false);
        }
        if full { self.oldest_of_the_largest(true) } else { None }
    }

    /// Of the connector that holds most. There are as many piles as connectors that have challenges open.
    fn oldest_of_the_largest(&self, proven: bool) -> Option<Place> {
        let piles = self.piles.iter().filter(|((worth, _), _)| *worth == proven);
        let (_, largest) = piles.max_by_key(|(_, pile)| pile.bytes)?;
        largest.by_age.values().next().copied()
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
        self.ends.remove(&(entry.end, *place));
        let owner = entry.owner;
        let worth = (owner.proven, owner.connector);
        if let Some(pile) = self.piles.get_mut(&worth) {
            pile.by_age.remove(&age);
            pile.bytes -= cost(&entry);
            if pile.by_age.is_empty() {
                self.piles.remove(&worth);
            }
        }
        if let Some(own) = self.accounts.get_mut(&owner) {
            own.remove(&age);
            if own.is_empty() {
                self.accounts.remove(&owner);
            }
        }
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
