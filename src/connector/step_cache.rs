//! The cache of steps with `cache`: captures by everything that went into them, and which fetches are in flight; and the tokens of
//! schemes.
//!
//! It belongs to one revision of one connector and goes with it. It holds captures of steps that know no user, never a
//! verdict and never a failure: logins that wait for a fetch get its failure, later ones fetch again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::context::StepFacts;
use crate::signing::TokenStore;
use crate::verdict::Cause;

/// Sets of captures at once. There is one for each step with `cache` and node, so a file that needs more than this is
/// keyed by something that changes from login to login.
const MAX_ENTRIES: usize = 64;

/// What the captures came from: a digest of step, node and inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(pub [u8; 32]);

/// The cached captures. Costs next to nothing when no step has `cache`.
#[derive(Debug, Default)]
pub struct StepCache {
    slots: Mutex<HashMap<Key, Slot>>,
    tokens: TokenStore,
}

#[derive(Debug)]
enum Slot {
    Cached {
        step: String,
        facts: Arc<StepFacts>,
        until: Instant,
    },
    /// A login fetches. Only its [`FetchPermit`] removes this slot.
    InFlight(watch::Receiver<Option<Fetched>>),
}

/// What a fetch came to, for the logins that wait for it.
#[derive(Debug, Clone)]
pub enum Fetched {
    /// Captures for all, good until then.
    Shared(Arc<StepFacts>, Instant),
    /// Captures that are good for the login that fetched them alone.
    Private,
    /// It failed in a way that others would meet, too.
    Failed(Failure),
}

/// Why a fetch failed; it names nothing of a user, because the step knows none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// unavailable, and the line that explains it.
    Unavailable(Cause, String),
    /// misconfigured
    Misconfigured(String),
}

/// What there is under a key.
#[derive(Debug)]
pub enum Lookup<'a> {
    /// Captures.
    Hit(Arc<StepFacts>),
    /// Another login fetches them.
    InFlight(Waiting),
    /// Nothing; this login has to fetch, and others wait for it from now on.
    Miss(FetchPermit<'a>),
}

/// A wait for the fetch of another login.
#[derive(Debug)]
pub struct Waiting(watch::Receiver<Option<Fetched>>);

impl Waiting {
    /// What it came to; `None` when that login ended without a result. Then look up again.
    pub async fn result(mut self) -> Option<Fetched> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|result| result.clone())
    }
}

/// The right and the duty to fetch. Dropped without a result it leaves both to a waiting call.
#[derive(Debug)]
pub struct FetchPermit<'a> {
    cache: &'a StepCache,
    key: Key,
    result: watch::Sender<Option<Fetched>>,
}

impl StepCache {
    /// The tokens that schemes of `auth` keep.
    pub fn tokens(&self) -> &TokenStore {
        &self.tokens
    }

    /// What there is under `key`.
    pub fn look_up(&self, key: Key, now: Instant) -> Lookup<'_> {
        let mut slots = self.lock();
        match slots.get(&key) {
            Some(Slot::Cached { facts, until, .. }) if *until > now => return Lookup::Hit(Arc::clone(facts)),
            Some(Slot::InFlight(waiting)) => return Lookup::InFlight(Waiting(waiting.clone())),
            _ => {}
        }
        let (result, waiting) = watch::channel(None);
        slots.insert(key, Slot::InFlight(waiting));
        Lookup::Miss(FetchPermit { cache: self, key, result })
    }

    /// Drops the captures of `step` that `used` came from.
    pub fn invalidate(&self, step: &str, used: &StepFacts) {
        // After a challenge `used` holds only what later steps name.
        let same =
            |facts: &StepFacts| used.captures.iter().all(|(name, value)| facts.captures.get(name) == Some(value));
        self.lock().retain(|_, slot| match slot {
            Slot::Cached { step: of, facts, .. } => of != step || !same(facts),
            Slot::InFlight(..) => true,
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Slot>> {
        // Nothing panics under the lock.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FetchPermit<'_> {
    /// Gives the result to the logins that wait, and caches captures that are for all.
    pub fn finish(self, step: &str, result: Fetched, now: Instant) {
        if let Fetched::Shared(facts, until) = &result {
            let mut slots = self.cache.lock();
            evict(&mut slots, now);
            let step = step.to_owned();
            slots.insert(self.key, Slot::Cached { step, facts: Arc::clone(facts), until: *until });
        }
        // A look-up from here on finds the captures, or a miss.
        self.result.send_replace(Some(result));
    }
}

impl Drop for FetchPermit<'_> {
    fn drop(&mut self) {
        // Before the sender goes, so that a login that is woken by that finds the slot free.
        let mut slots = self.cache.lock();
        if matches!(slots.get(&self.key), Some(Slot::InFlight(_))) {
            slots.remove(&self.key);
        }
    }
}

/// Drops what has expired, and what expires soonest when that is not enough.
fn evict(slots: &mut HashMap<Key, Slot>, now: Instant) {
    slots.retain(|_, slot| !matches!(slot, Slot::Cached { until, .. } if *until <= now));
    while slots.len() > MAX_ENTRIES {
        let ends = slots.iter().filter_map(|(key, slot)| match slot {
            Slot::Cached { until, .. } => Some((*until, *key)),
            Slot::InFlight(..) => None,
        });
        let Some((_, key)) = ends.min_by_key(|(until, _)| *until) else { return };
        slots.remove(&key);
    }
}

#[cfg(test)]
mod tests;
