//! Counts that several daemons share in Redis: failures and logins in flight of the guard, and rates.
//!
//! All keys of one login are looked at and changed by one script (`lua`), so of any number of guesses at any number of
//! daemons no more go through than one daemon would let. Names stand there as HMAC-SHA256 under a key that is made of the first
//! of `state.keys`. Every key ends by itself: when its failures are forgotten, its logins can no longer run, its rate is full again.
//! What stands between `{` and `}` is hashed by Redis Cluster, so all keys of a login lie on one node.

mod lua;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::challenge::STORE_TIMEOUT;
use super::error::RedisFault;
use super::link::Link;
use crate::crypto::digest::Algorithm;
use crate::crypto::encoding::hex_encode;
use crate::crypto::hmac::hmac;
use crate::secret::Secret;

/// After a failure Redis is left alone for so long: no login waits for it meanwhile.
const PAUSE: Duration = Duration::from_secs(1);

/// A login runs for no longer; what a daemon that was killed had in flight is free after it.
pub const MAX_RUN: Duration = Duration::from_mins(2);

/// 128 bits of a name.
const NAME_BYTES: usize = 16;

/// The shared counts.
#[derive(Debug)]
pub struct SharedCounts {
    link: Arc<Link>,
    /// A reload may change it: then counting begins anew.
    naming: ArcSwap<NamingKey>,
    /// When Redis failed last, and why.
    away: Mutex<Option<(Instant, RedisFault)>>,
}

struct NamingKey(Zeroizing<Vec<u8>>);

/// One key of a login, and its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedBound<'a> {
    /// What is counted, in parts: `["user", "corp", "zhangsan"]`.
    pub name: &'a [&'a str],
    /// How it is counted.
    pub rule: SharedRule,
}

/// How a key counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedRule {
    /// Failures, and logins in flight as failures to come.
    Failures {
        /// Before waits begin.
        free: u32,
        /// The most in flight at once while none has failed.
        in_flight: u32,
        /// An account: logins in flight are never more than failures are left. An address has them until it is over its bound.
        account: bool,
    },
    /// A burst of `most`, refilled by one each `per / most`.
    Rate {
        /// At least 1.
        most: u32,
        /// The period.
        per: Duration,
    },
}

/// What all keys of a call share.
#[derive(Debug, Clone, Copy)]
pub struct FailureRules<'a> {
    /// Failures are forgotten this long after the last.
    pub forget_after: Duration,
    /// The waits after each failure beyond the free ones, the last repeated.
    pub waits: &'a [Duration],
}

/// What a login that ends does to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedChange {
    /// It is in flight no more.
    Leave,
    /// And one more failure.
    Fail,
    /// And no failure any more.
    Clear,
    /// One of a rate is taken back.
    GiveBack,
    /// Nothing.
    Keep,
}

/// A login that was let in.
#[derive(Debug)]
pub struct SharedEntry {
    keys: Vec<String>,
    rules: Vec<SharedRule>,
    /// When Redis forgets that it is in flight.
    ends: String,
}

/// Which bound a login met, and when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedRefusal {
    /// Of the bounds of the call.
    pub index: usize,
    /// When another attempt makes sense.
    pub retry_after: Duration,
}

impl SharedCounts {
    pub(super) fn new(link: Arc<Link>, key: &Secret) -> Self {
        Self { link, naming: ArcSwap::from_pointee(NamingKey::of(key)), away: Mutex::default() }
    }

    pub(super) fn change_key(&self, key: &Secret) {
        self.naming.store(Arc::new(NamingKey::of(key)));
    }

    /// The keys of a login, which is not counted yet.
    pub fn entry_of(&self, bounds: &[SharedBound<'_>]) -> SharedEntry {
        let naming = self.naming.load_full();
        SharedEntry {
            keys: bounds.iter().map(|bound| naming.key(bound)).collect(),
            rules: bounds.iter().map(|bound| bound.rule).collect(),
            ends: String::new(),
        }
    }

    /// Counts a login at all of its keys, or at none when it meets a bound. `Err`: Redis cannot say.
    pub async fn enter(
        &self,
        entry: SharedEntry,
        rules: FailureRules<'_>,
    ) -> Result<Result<SharedEntry, SharedRefusal>, RedisFault> {
        let (met, text): (usize, String) = self.ask(&lua::enter(&entry, rules)).await?;
        if met == 0 {
            return Ok(Ok(SharedEntry { ends: text, ..entry }));
        }
        // Redis speaks for a wait in milliseconds; what it cannot say is a second.
        let retry_after = Duration::from_millis(text.parse().unwrap_or(1000));
        Ok(Err(SharedRefusal { index: met - 1, retry_after }))
    }

    /// Changes the keys of a login that ended, in the order of its bounds.
    pub async fn leave(
        &self,
        entry: &SharedEntry,
        changes: &[SharedChange],
        rules: FailureRules<'_>,
    ) -> Result<(), RedisFault> {
        self.ask::<u8>(&lua::leave(entry, changes, rules)).await.map(drop)
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, RedisFault> {
        if let Some((at, why)) = *self.away()
            && at.elapsed() < PAUSE
        {
            return Err(why);
        }
        let deadline = Instant::now() + STORE_TIMEOUT;
        let answer = match self.link.ask(command, deadline).await {
            // An answer that was lost may have counted: then this login counts twice for a while, and none too few.
            Err(failure) => self.link.retry(failure, command, deadline).await,
            Ok(answer) => Ok(answer),
        };
        let fault = answer.as_ref().err().copied();
        let before = std::mem::replace(&mut *self.away(), fault.map(|why| (Instant::now(), why))).map(|(_, why)| why);
        if before != fault {
            if let Some(why) = fault {
                tracing::error!(cause = why.as_str(), "guesses cannot be counted: Redis {}", why.sentence());
            } else {
                tracing::info!("guesses can be counted in Redis again");
            }
        }
        answer
    }

    fn away(&self) -> std::sync::MutexGuard<'_, Option<(Instant, RedisFault)>> {
        // Nothing panics under the lock.
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NamingKey {
    fn of(key: &Secret) -> Self {
        Self(Zeroizing::new(hmac(Algorithm::Sha256, key.expose().as_bytes(), b"doorward names of counts")))
    }

    fn key(&self, bound: &SharedBound<'_>) -> String {
        // Lengths in front, so that no two lists of parts read alike.
        let mut text = Vec::new();
        for part in bound.name {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part.as_bytes());
        }
        let name = hmac(Algorithm::Sha256, &self.0, &text);
        format!("doorward:{{counts}}:{}", hex_encode(&name[..NAME_BYTES.min(name.len())]))
    }
}

impl std::fmt::Debug for NamingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("‹secret›")
    }
}
