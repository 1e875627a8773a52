//! Where a login waits for the user's answer: sealed, for one client, taken once (docs/contract.md sections 5, 8 and 9).
//!
//! In this process, or in Redis for several daemons. Whatever keeps it sees neither whose it is nor what it says: the
//! text is sealed wherever it lies, and it lies under a hash of client and id. No call waits longer than its deadline
//! and [`PATIENCE`]: when Redis is away a challenge is unavailable(state), and logins of one step never come here.

mod envelope;
mod error;
mod link;
mod memory;
mod redis;
mod room;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use zeroize::Zeroizing;

pub use error::{SetupError, StateError, Trouble};
pub use room::Bounds;

use crate::config;
use crate::crypto::digest::{Algorithm, digest};
use crate::secret::Secret;
use envelope::Keyring;
use memory::Memory;
use redis::Redis;

/// The most bytes that a login may keep over a challenge: what later steps name, a jar of cookies, and little else.
pub const MOST_BYTES: usize = 64 * 1024;

/// The longest life of a challenge (docs/contract.md section 9, 6), whatever is asked for.
pub const LONGEST: Duration = Duration::from_mins(10);

/// The longest that a call waits, however late its deadline is: a store beside the daemon answers in milliseconds, and a
/// user at a prompt should hear soon that it does not.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// The challenges that are open. Share it by `Arc`.
#[derive(Debug)]
pub struct Challenges {
    store: Store,
    tally: Tally,
}

#[derive(Debug)]
enum Store {
    Memory(Memory),
    Redis(Box<Redis>),
}

/// What happened since the start.
#[derive(Debug, Default)]
struct Tally {
    too_large: AtomicU64,
    unreadable: AtomicU64,
    troubles: [AtomicU64; Trouble::ALL.len()],
}

/// Numbers for metrics.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    /// How many are open; `None` for Redis, which others fill too.
    pub open: Option<usize>,
    /// Dropped before their time because there were too many.
    pub evicted: u64,
    /// Failures by a closed list of causes: `too_large`, `unreadable` (there, but not opened by any key), and those of
    /// [`Trouble`].
    pub failures: Vec<(&'static str, u64)>,
}

impl Challenges {
    /// In this process, sealed by a key that is drawn here and dies with it.
    pub fn memory(bounds: Bounds) -> Self {
        Self::over(Store::Memory(Memory::new(bounds)))
    }

    /// In Redis 6.2 or later, or Valkey. `keys` are one or two of 64 hex digits: the first seals, both open. Call it
    /// within a runtime; it connects in the background, so a Redis that is away delays nothing.
    pub fn redis(url: &Secret, keys: &[Secret], ca_file: Option<&Path>) -> Result<Self, SetupError> {
        Ok(Self::over(Store::Redis(Box::new(Redis::new(url, Keyring::of(keys)?, ca_file)?))))
    }

    /// As the daemon's configuration says.
    pub fn of(state: &config::State) -> Result<Self, SetupError> {
        match state {
            config::State::Memory => Ok(Self::memory(Bounds::default())),
            config::State::Redis { url, keys, ca_file } => Self::redis(url, keys, ca_file.as_deref()),
        }
    }

    fn over(store: Store) -> Self {
        Self { store, tally: Tally::default() }
    }

    /// Seals `state` and keeps it under `id`, for `client` alone, for `ttl`. Replaces what is there. When room is short, the oldest
    /// that is not `proven` gives way (no factor has succeeded before it); in this process, and when there is none, the
    /// oldest.
    pub async fn put(
        &self,
        (client, id): (&str, &str),
        (state, proven): (&[u8], bool),
        ttl: Duration,
        deadline: Instant,
    ) -> Result<(), StateError> {
        if state.len() > MOST_BYTES {
            self.tally.too_large.fetch_add(1, Ordering::Relaxed);
            return Err(StateError::TooLarge { bytes: state.len() });
        }
        let (place, ttl) = (Place::of(client, id), ttl.min(LONGEST));
        match &self.store {
            Store::Memory(memory) => {
                memory.put(place, (state, proven), ttl, Instant::now());
                Ok(())
            }
            Store::Redis(redis) => self.counted(redis.put(&place, (state, proven), ttl, soonest(deadline)).await),
        }
    }

    /// Takes it away: of any number of callers one gets it. `None`: unknown, used, expired, another client's, or there but
    /// not to be opened, because it was changed, moved or sealed under a key that is gone.
    ///
    /// After an error it may be gone or not: the answer of a store that went away is unknown.
    pub async fn take(
        &self,
        client: &str,
        id: &str,
        deadline: Instant,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StateError> {
        let place = Place::of(client, id);
        let taken = match &self.store {
            Store::Memory(memory) => memory.take(&place, Instant::now()),
            Store::Redis(redis) => self.counted(redis.take(&place, soonest(deadline)).await)?,
        };
        Ok(match taken {
            Taken::Nothing => None,
            Taken::Unreadable => {
                self.tally.unreadable.fetch_add(1, Ordering::Relaxed);
                None
            }
            Taken::State(state) => Some(state),
        })
    }

    /// Whether a challenge could be kept and taken now. Asks the store at most once a second and waits half a second at
    /// most, so that anybody may ask.
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
        let mut failures =
            vec![("too_large", read(&self.tally.too_large)), ("unreadable", read(&self.tally.unreadable))];
        let troubles = Trouble::ALL.iter().zip(&self.tally.troubles);
        failures.extend(troubles.map(|(trouble, count)| (trouble.as_str(), read(count))));
        Counts { open, evicted, failures }
    }

    fn counted<T>(&self, result: Result<T, Trouble>) -> Result<T, StateError> {
        result.map_err(|why| {
            let troubles = Trouble::ALL.iter().zip(&self.tally.troubles);
            for (_, count) in troubles.filter(|(trouble, _)| **trouble == why) {
                count.fetch_add(1, Ordering::Relaxed);
            }
            StateError::Unavailable { why }
        })
    }
}

fn soonest(deadline: Instant) -> Instant {
    deadline.min(Instant::now() + PATIENCE)
}

/// What a store gave.
#[derive(Debug)]
enum Taken {
    Nothing,
    Unreadable,
    State(Zeroizing<Vec<u8>>),
}

/// Where a challenge lies: a hash of client and id. Another client's id leads nowhere, and who reads the places of a
/// store learns neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Place([u8; 32]);

impl Place {
    fn of(client: &str, id: &str) -> Self {
        let mut all = b"doorward challenge\0".to_vec();
        // Each part is preceded by its length, so that no two pairs give the same bytes.
        for part in [client, id] {
            all.extend_from_slice(&(part.len() as u64).to_be_bytes());
            all.extend_from_slice(part.as_bytes());
        }
        let mut place = [0; 32];
        place.copy_from_slice(&digest(Algorithm::Sha256, &all));
        Self(place)
    }
}

#[cfg(test)]
mod tests;
