//! Which open challenge is evicted when there are too many, in number or in bytes.
//!
//! The order: the oldest of the same account, when that has [`MAX_PER_ACCOUNT`]; when the store is full, the oldest
//! that was opened before a factor succeeded (opening those needs no password), of the connector that holds most bytes
//! of them; then the oldest after a factor, likewise. An evicted login ends with challenge_expired and is counted;
//! neither the daemon nor Redis can be made to grow. The store itself holds the challenges: this is an index of them.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher as _;

use tokio::time::Instant;

use super::challenge::{ChallengeState, StoreKey};
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
        // A login of two steps stores about 1 KiB; fewer people than this type a code at the same time.
        Self { entries: 16_384, bytes: 32 << 20 }
    }
}

/// Challenges of one account: a browser, an app and a few that were left open.
pub(super) const MAX_PER_ACCOUNT: usize = 8;

/// What an entry costs beside its text: its key four times, and the trees and tables.
const ENTRY_BYTES: usize = 256;

/// One open challenge.
#[derive(Debug)]
pub(super) struct StoredChallenge<T> {
    /// What the store keeps here.
    pub value: T,
    /// The length of the text.
    pub bytes: usize,
    pub owner: Owner,
    pub end: Instant,
}

/// The owner of a challenge, as keyed hashes, so that no name stays in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Owner {
    after_factor: bool,
    connector: u64,
    /// Before a factor the network of the device counts too.
    account: u64,
}

/// What one connector holds, of those before or of those after a factor.
#[derive(Debug, Default)]
struct ConnectorUsage {
    by_age: BTreeMap<u64, StoreKey>,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct EvictionIndex<T> {
    bounds: Bounds,
    /// For those before a factor.
    before_factor: Bounds,
    hash: RandomState,
    entries: HashMap<StoreKey, (u64, StoredChallenge<T>)>,
    by_connector: HashMap<(bool, u64), ConnectorUsage>,
    accounts: HashMap<Owner, BTreeMap<u64, StoreKey>>,
    /// By end, to find what has expired.
    ends: BTreeSet<(Instant, StoreKey)>,
    next_age: u64,
    bytes: usize,
    evicted: u64,
}

impl<T> EvictionIndex<T> {
    pub(super) fn new(bounds: Bounds, before_factor: Bounds) -> Self {
        Self {
            bounds,
            before_factor,
            hash: RandomState::new(),
            entries: HashMap::new(),
            by_connector: HashMap::new(),
            accounts: HashMap::new(),
            ends: BTreeSet::new(),
            next_age: 0,
            bytes: 0,
            evicted: 0,
        }
    }

    pub(super) fn owner(&self, state: &ChallengeState<'_>) -> Owner {
        let ChallengeState { after_factor, connector, account, client_ip, .. } = *state;
        // Before a factor anybody can open one in another user's name: the network is part of the account, so that a
        // stranger elsewhere evicts none of that user's.
        let network = client_ip.filter(|_| !after_factor).map(site);
        Owner {
            after_factor,
            connector: self.hash.hash_one(connector),
            account: self.hash.hash_one((connector, folded(account), network)),
        }
    }

    /// Adds `entry` under `key`, replacing what is there; returns the keys that were evicted for it.
    pub(super) fn put(&mut self, key: StoreKey, entry: StoredChallenge<T>, now: Instant) -> Vec<StoreKey> {
        self.expire(now);
        self.remove(&key);
        let mut evicted = Vec::new();
        while let Some(victim) = self.victim_for(&entry) {
            self.remove(&victim);
            self.evicted += 1;
            evicted.push(victim);
        }
        let age = self.next_age;
        self.next_age += 1;
        self.bytes += cost(&entry);
        let owner = entry.owner;
        let usage = self.by_connector.entry((owner.after_factor, owner.connector)).or_default();
        usage.by_age.insert(age, key);
        usage.bytes += cost(&entry);
        self.accounts.entry(owner).or_default().insert(age, key);
        self.ends.insert((entry.end, key));
        self.entries.insert(key, (age, entry));
        evicted
    }

    /// What to evict next before `entry` fits.
    fn victim_for(&self, entry: &StoredChallenge<T>) -> Option<StoreKey> {
        if let Some(own) = self.accounts.get(&entry.owner).filter(|own| own.len() >= MAX_PER_ACCOUNT) {
            return own.values().next().copied();
        }
        let cost = cost(entry);
        let beyond = |bounds: Bounds, entries: usize, bytes: usize| {
            entries > 0 && (entries >= bounds.entries || bytes + cost > bounds.bytes)
        };
        let before_factor = self.by_connector.iter().filter(|((after_factor, _), _)| !after_factor);
        let (entries, bytes) =
            before_factor.fold((0, 0), |(n, b), (_, usage)| (n + usage.by_age.len(), b + usage.bytes));
        let full = beyond(self.bounds, self.entries.len(), self.bytes);
        if entries > 0 && (full || (!entry.owner.after_factor && beyond(self.before_factor, entries, bytes))) {
            return self.oldest_of_the_largest(false);
        }
        if full { self.oldest_of_the_largest(true) } else { None }
    }

    /// Of the connector that holds most.
    fn oldest_of_the_largest(&self, after_factor: bool) -> Option<StoreKey> {
        let candidates = self.by_connector.iter().filter(|((after, _), _)| *after == after_factor);
        let (_, largest) = candidates.max_by_key(|(_, usage)| usage.bytes)?;
        largest.by_age.values().next().copied()
    }

    /// Removes it; `None` when it has expired.
    pub(super) fn take(&mut self, key: &StoreKey, now: Instant) -> Option<T> {
        self.expire(now);
        self.remove(key).map(|entry| entry.value)
    }

    /// How many are open, and how many were dropped before their time.
    pub(super) fn counts(&mut self, now: Instant) -> (usize, u64) {
        self.expire(now);
        (self.entries.len(), self.evicted)
    }

    fn remove(&mut self, key: &StoreKey) -> Option<StoredChallenge<T>> {
        let (age, entry) = self.entries.remove(key)?;
        self.bytes -= cost(&entry);
        self.ends.remove(&(entry.end, *key));
        let owner = entry.owner;
        let after_factor = (owner.after_factor, owner.connector);
        if let Some(usage) = self.by_connector.get_mut(&after_factor) {
            usage.by_age.remove(&age);
            usage.bytes -= cost(&entry);
            if usage.by_age.is_empty() {
                self.by_connector.remove(&after_factor);
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

    /// A call costs what it removes.
    fn expire(&mut self, now: Instant) {
        while let Some(&(_, key)) = self.ends.first().filter(|(end, _)| *end <= now) {
            self.remove(&key);
        }
    }
}

fn cost<T>(entry: &StoredChallenge<T>) -> usize {
    entry.bytes + ENTRY_BYTES
}
