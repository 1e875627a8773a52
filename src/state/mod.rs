//! Where a login waits for the user's answer: sealed, for one client, taken once (docs/contract.md sections 5, 8 and 9).
//!
//! In this process, or in Redis for several daemons. Whatever keeps it sees neither whose it is nor what it says: the
//! text is sealed wherever it lies, and it lies under a hash of client and id. No call waits longer than its deadline
//! and [`PATIENCE`]: when Redis is away a challenge is unavailable(state), and logins of one step never come here.

mod envelope;
mod error;
mod life;
mod link;
mod memory;
mod redis;
mod room;
mod script;

use std::net::IpAddr;
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
use life::Life;
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
    Memory(Box<Memory>),
    Redis(Box<Redis>),
}

/// What a login keeps over a challenge, and whose it is.
#[derive(Debug, Clone, Copy)]
pub struct Pause<'a> {
    /// The bytes to seal.
    pub state: &'a [u8],
    /// Whether a factor has succeeded before.
    pub proven: bool,
    /// The connector's id.
    pub connector: &'a str,
    /// The name that identity and guard use.
    pub account: &'a str,
    /// The address of the user's device.
    pub client_ip: Option<IpAddr>,
}

/// A challenge that was taken.
#[derive(Debug)]
pub struct Held {
    /// What was kept.
    pub state: Zeroizing<Vec<u8>>,
    /// The right to put it back.
    pub claim: Claim,
}

/// The right of the call that took a challenge, and of no other, to put it back.
#[derive(Debug, Clone, Default)]
pub struct Claim {
    nonce: [u8; script::NONCE_BYTES],
    life: Life,
}

/// What happened since the start.
#[derive(Debug, Default)]
struct Tally {
    too_large: AtomicU64,
    unreadable: AtomicU64,
    outlived: AtomicU64,
    gone: AtomicU64,
    troubles: [AtomicU64; Trouble::ALL.len()],
}

/// Numbers for metrics.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    /// How many are open; `None` for Redis, which others fill too.
    pub open: Option<usize>,
    /// Dropped before their time because there were too many.
    pub evicted: u64,
    /// Failures by a closed list of causes: `too_large`, `unreadable` (there, but not opened by any key), `outlived` (opened
    /// before Redis was restarted or replaced), `gone` (could not be put back), and those of [`Trouble`].
    pub failures: Vec<(&'static str, u64)>,
}

impl Challenges {
    /// In this process, sealed by a key that is drawn here and dies with it.
    pub fn memory(bounds: Bounds) -> Self {
        Self::over(Store::Memory(Box::new(Memory::new(bounds))))
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

    /// Seals what `pause` holds and keeps it under a new `id`, for `client` alone, for `ttl`. When room is short, what the same
    /// account opened gives way, then what was opened before anything was proven, of the connector that holds most of it.
    pub async fn put(
        &self,
        (client, id): (&str, &str),
        pause: &Pause<'_>,
        ttl: Duration,
        deadline: Instant,
    ) -> Result<(), StateError> {
        self.fits(pause)?;
        let (place, ttl) = (Place::of(client, id), ttl.min(LONGEST));
        match &self.store {
            Store::Memory(memory) => {
                memory.put(place, pause, ttl, Instant::now());
                Ok(())
            }
            Store::Redis(redis) => self.counted(redis.put(&place, pause, ttl, soonest(deadline)).await),
        }
    }

    /// Puts back what was taken with `claim`, under the same id: as long as nobody else has taken it and its store still is the
    /// one that it was taken from.
    pub async fn put_back(
        &self,
        (client, id, claim): (&str, &str, &Claim),
        pause: &Pause<'_>,
        ttl: Duration,
        deadline: Instant,
    ) -> Result<(), StateError> {
        self.fits(pause)?;
        let (place, ttl) = (Place::of(client, id), ttl.min(LONGEST));
        let back = match &self.store {
            Store::Memory(memory) => {
                memory.put(place, pause, ttl, Instant::now());
                true
            }
            Store::Redis(redis) => {
                self.counted(redis.put_back((&place, claim), pause, ttl, soonest(deadline)).await)?
            }
        };
        if back {
            return Ok(());
        }
        self.tally.gone.fetch_add(1, Ordering::Relaxed);
        Err(StateError::Gone)
    }

    fn fits(&self, pause: &Pause<'_>) -> Result<(), StateError> {
        let bytes = pause.state.len();
        if bytes <= MOST_BYTES {
            return Ok(());
        }
        self.tally.too_large.fetch_add(1, Ordering::Relaxed);
        Err(StateError::TooLarge { bytes })
    }

    /// Takes it away: of any number of callers one gets it. `None`: unknown, used, expired, another client's, or there but
    /// not to be opened, because it was changed, moved, sealed under a key that is gone, or opened before Redis was restarted or
    /// replaced.
    ///
    /// After an error it may be gone or not: the answer of a store that went away is unknown.
    pub async fn take(&self, client: &str, id: &str, deadline: Instant) -> Result<Option<Held>, StateError> {
        let place = Place::of(client, id);
        let mut claim = Claim::default();
        let taken = match &self.store {
            Store::Memory(memory) => memory.take(&place, Instant::now()),
            Store::Redis(redis) => self.counted(redis.take(&place, &mut claim, soonest(deadline)).await)?,
        };
        Ok(match taken {
            Taken::Nothing => None,
            Taken::Unreadable => {
                self.tally.unreadable.fetch_add(1, Ordering::Relaxed);
                None
            }
            Taken::Outlived => {
                self.tally.outlived.fetch_add(1, Ordering::Relaxed);
                None
            }
            Taken::State(state) => Some(Held { state, claim }),
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
        let mut failures = vec![
            ("too_large", read(&self.tally.too_large)),
            ("unreadable", read(&self.tally.unreadable)),
            ("outlived", read(&self.tally.outlived)),
            ("gone", read(&self.tally.gone)),
        ];
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
    /// Opened in another life of Redis.
    Outlived,
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
