//! The store of open challenges: each is sealed, belongs to one client and is taken once (docs/contract.md sections 5,
//! 8 and 9).
//!
//! It is in this process, or in Redis for several daemons. Neither learns whose a challenge is or what it holds: the
//! value is encrypted, and the key is a hash of client and id. No call waits longer than its deadline and
//! [`STORE_TIMEOUT`]: while Redis is down a challenge is unavailable(state), and logins of one step do not use the
//! store.

mod challenge;
pub mod counts;
mod envelope;
mod error;
mod eviction;
mod instance;
mod link;
mod lua;
mod memory;
mod redis;
mod sentinel;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

pub use challenge::{ChallengeState, Claim, MAX_BYTES, STORE_TIMEOUT, TakenChallenge};
pub use error::{RedisFault, SetupError, StateError};
pub use eviction::Bounds;

use crate::config;
use crate::secret::Secret;
use challenge::{StoreKey, Taken};
use counts::SharedCounts;
use envelope::Keyring;
use link::Link;
use memory::Memory;
use redis::Redis;

/// An upper limit for every challenge (docs/contract.md section 9, 6).
pub const MAX_TTL: Duration = Duration::from_mins(10);

/// The open challenges. Share it by `Arc`.
#[derive(Debug)]
pub struct Challenges {
    store: Store,
    counters: Counters,
    shared_counts: OnceLock<Arc<SharedCounts>>,
}

#[derive(Debug)]
enum Store {
    Memory(Box<Memory>),
    Redis(Box<Redis>),
}

/// Failures since the start.
#[derive(Debug, Default)]
struct Counters {
    too_large: AtomicU64,
    unreadable: AtomicU64,
    outlived: AtomicU64,
    gone: AtomicU64,
    faults: [AtomicU64; RedisFault::ALL.len()],
}

/// Numbers for metrics.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    /// How many are open; `None` for Redis, which others fill too.
    pub open: Option<usize>,
    /// Dropped before their time because there were too many.
    pub evicted: u64,
    /// Failures by a closed list of causes: `too_large`, `unreadable` (there, but not opened by any key), `outlived`
    /// (opened before Redis was restarted or replaced), `gone` (could not be put back), and those of [`RedisFault`].
    pub failures: Vec<(&'static str, u64)>,
}

impl Challenges {
    /// In this process, sealed with a random key that exists only here.
    pub fn memory(bounds: Bounds) -> Self {
        Self::over(Store::Memory(Box::new(Memory::new(bounds))))
    }

    /// In Redis 6.2 or later, or Valkey. `keys` are one or two of 64 hex digits: the first seals, both open. Call it
    /// within a runtime; it connects in the background, so a Redis that is down delays nothing.
    pub fn redis(url: &Secret, keys: &[Secret], ca_file: Option<&Path>) -> Result<Self, SetupError> {
        Ok(Self::over(Store::Redis(Box::new(Redis::new(Keyring::of(keys)?, Link::new(url, ca_file, None)?)))))
    }

    /// As the daemon's configuration says.
    pub fn of(state: &config::State) -> Result<Self, SetupError> {
        match state {
            config::State::Memory => Ok(Self::memory(Bounds::default())),
            config::State::Redis { url, keys, ca_file, sentinel } => {
                let link = Link::new(url, ca_file.as_deref(), sentinel.as_ref())?;
                Ok(Self::over(Store::Redis(Box::new(Redis::new(Keyring::of(keys)?, link)))))
            }
        }
    }

    fn over(store: Store) -> Self {
        Self { store, counters: Counters::default(), shared_counts: OnceLock::new() }
    }

    /// Counts that all daemons share, in the same Redis; `None` when challenges are in this process. `key` is the first of the store.
    pub fn shared_counts(&self, key: &Secret) -> Option<Arc<SharedCounts>> {
        let Store::Redis(redis) = &self.store else { return None };
        Some(Arc::clone(self.shared_counts.get_or_init(|| Arc::new(SharedCounts::new(redis.link(), key)))))
    }

    /// An error when the store is a Redis Cluster. A Redis that does not answer within a second is not judged.
    pub async fn refuse_cluster(&self) -> Result<(), SetupError> {
        let Store::Redis(redis) = &self.store else { return Ok(()) };
        match redis.is_cluster(capped(Instant::now() + STORE_TIMEOUT)).await {
            Some(true) => Err(SetupError::Cluster),
            Some(false) | None => Ok(()),
        }
    }

    /// From now on with these keys; a store in this process has its own.
    pub fn change_keys(&self, keys: &[Secret]) -> Result<(), SetupError> {
        if let Store::Redis(redis) = &self.store {
            redis.change_keys(Keyring::of(keys)?);
            if let (Some(counts), Some(first)) = (self.shared_counts.get(), keys.first()) {
                counts.change_key(first);
            }
        }
        Ok(())
    }

    /// Seals `state` and stores it under a new `id`, for `client` alone, for `ttl`. When the store is full, the oldest
    /// challenge of the same account is evicted, else one that was opened before a factor succeeded, of the connector
    /// that holds most.
    pub async fn put(
        &self,
        (owner, id): (&str, &str),
        state: &ChallengeState<'_>,
        ttl: Duration,
        deadline: Instant,
    ) -> Result<(), StateError> {
        self.fits(state)?;
        let (key, ttl) = (StoreKey::of(owner, id), ttl.min(MAX_TTL));
        match &self.store {
            Store::Memory(memory) => {
                memory.put(key, state, ttl, Instant::now());
                Ok(())
            }
            Store::Redis(redis) => self.counted(redis.put(&key, state, ttl, capped(deadline)).await),
        }
    }

    /// Puts back what was taken with `claim`, under the same id, unless another call took it since or Redis was
    /// restarted or replaced.
    pub async fn put_back(
        &self,
        (owner, id, claim): (&str, &str, &Claim),
        state: &ChallengeState<'_>,
        ttl: Duration,
        deadline: Instant,
    ) -> Result<(), StateError> {
        self.fits(state)?;
        let (key, ttl) = (StoreKey::of(owner, id), ttl.min(MAX_TTL));
        let back = match &self.store {
            Store::Memory(memory) => {
                memory.put(key, state, ttl, Instant::now());
                true
            }
            Store::Redis(redis) => self.counted(redis.put_back((&key, claim), state, ttl, capped(deadline)).await)?,
        };
        if back {
            return Ok(());
        }
        self.counters.gone.fetch_add(1, Ordering::Relaxed);
        Err(StateError::Gone)
    }

    fn fits(&self, state: &ChallengeState<'_>) -> Result<(), StateError> {
        let bytes = state.bytes.len();
        if bytes <= MAX_BYTES {
            return Ok(());
        }
        self.counters.too_large.fetch_add(1, Ordering::Relaxed);
        Err(StateError::TooLarge { bytes })
    }

    /// Removes and returns a challenge: of any number of callers one gets it. `None`: unknown, used, expired, another
    /// owner's, or it cannot be opened, because it was changed, moved, sealed with a key that is no longer configured,
    /// or opened before Redis was restarted or replaced.
    ///
    /// After an error the challenge may be removed or not: the answer of Redis was lost.
    pub async fn take(&self, owner: &str, id: &str, deadline: Instant) -> Result<Option<TakenChallenge>, StateError> {
        let key = StoreKey::of(owner, id);
        let mut claim = Claim::default();
        let taken = match &self.store {
            Store::Memory(memory) => memory.take(&key, Instant::now()),
            Store::Redis(redis) => self.counted(redis.take(&key, &mut claim, capped(deadline)).await)?,
        };
        Ok(match taken {
            Taken::Nothing => None,
            Taken::Unreadable => {
                self.counters.unreadable.fetch_add(1, Ordering::Relaxed);
                None
            }
            Taken::OtherInstance => {
                self.counters.outlived.fetch_add(1, Ordering::Relaxed);
                None
            }
            Taken::State(bytes) => Some(TakenChallenge { bytes, claim }),
        })
    }

    /// Whether a challenge could be stored and taken now. It asks Redis at most once a second and waits half a second
    /// at most, so an unauthenticated endpoint may call it.
    pub async fn ready(&self) -> bool {
        match &self.store {
            Store::Memory(_) => true,
            Store::Redis(redis) => redis.ready().await,
        }
    }

    /// Numbers for metrics.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (open, evicted) = match &self.store {
            Store::Memory(memory) => {
                let (open, evicted) = memory.counts(Instant::now());
                (Some(open), evicted)
            }
            Store::Redis(redis) => (None, redis.evicted()),
        };
        let mut failures = vec![
            ("too_large", read(&self.counters.too_large)),
            ("unreadable", read(&self.counters.unreadable)),
            ("outlived", read(&self.counters.outlived)),
            ("gone", read(&self.counters.gone)),
        ];
        let faults = RedisFault::ALL.iter().zip(&self.counters.faults);
        failures.extend(faults.map(|(fault, count)| (fault.as_str(), read(count))));
        Counts { open, evicted, failures }
    }

    fn counted<T>(&self, result: Result<T, RedisFault>) -> Result<T, StateError> {
        result.map_err(|why| {
            let faults = RedisFault::ALL.iter().zip(&self.counters.faults);
            for (_, count) in faults.filter(|(fault, _)| **fault == why) {
                count.fetch_add(1, Ordering::Relaxed);
            }
            StateError::Unavailable { why }
        })
    }
}

fn capped(deadline: Instant) -> Instant {
    deadline.min(Instant::now() + STORE_TIMEOUT)
}

#[cfg(test)]
mod tests;
