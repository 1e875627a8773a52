//! Challenges in Redis or Valkey, for several daemons: `SET … PX` and `GETDEL`, one key a challenge.
//!
//! What lies there is sealed, and so are its place and its end: whoever may read or write Redis learns nothing of a user
//! and cannot make a challenge last longer, move it or forge one. They can delete it, and can put back what was taken
//! until its end; a connector's own one-time code is what then still holds.
//!
//! Redis has no bound of ours, so each daemon remembers what it opened there before anything was proven, which costs whoever
//! opens it nothing, and takes the oldest of these away when they become too many.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use redis::Cmd;
use tokio::time::Instant;

use super::envelope::Keyring;
use super::link::Link;
use super::room::{Bounds, Entry, Room};
use super::{Place, SetupError, Taken, Trouble};
use crate::clock::{Ambient as _, System};
use crate::crypto::encoding::hex_encode;
use crate::secret::Secret;

/// Of every key. An ACL may be bound to it.
const PREFIX: &str = "doorward:";

/// How far clocks of daemons may be apart before a challenge ends early.
const SKEW_MS: u64 = 30_000;

/// [`super::Challenges::ready`] asks at most this often.
const ASKED_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// And waits this long.
const READY_WAIT: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Redis {
    keys: Keyring,
    link: Link,
    /// What this daemon opened before anything was proven.
    unproven: Mutex<Room<()>>,
    /// What the log said last.
    told: Mutex<Option<Trouble>>,
    /// When readiness was asked, and the answer.
    ready: tokio::sync::Mutex<Option<(Instant, bool)>>,
}

impl Redis {
    pub(super) fn new(url: &Secret, keys: Keyring, ca_file: Option<&Path>) -> Result<Self, SetupError> {
        let link = Link::new(url, ca_file)?;
        let unproven = Mutex::new(Room::new(Bounds::default()));
        Ok(Self { keys, link, unproven, told: Mutex::default(), ready: tokio::sync::Mutex::default() })
    }

    pub(super) async fn put(
        &self,
        place: &Place,
        (state, proven): (&[u8], bool),
        ttl: Duration,
        deadline: Instant,
    ) -> Result<(), Trouble> {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let sealed = self.keys.seal(place, state, System.unix_ms().saturating_add(ttl_ms), &System);
        self.make_room(place, (sealed.len(), proven), ttl, deadline).await;
        let mut set = redis::cmd("SET");
        set.arg(key(place)).arg(sealed).arg("PX").arg(ttl_ms);
        // Setting the same twice is setting it once.
        let result = match self.link.ask::<()>(&set, deadline).await {
            Err(failure) => self.link.again(failure, &set, deadline).await,
            Ok(()) => Ok(()),
        };
        self.tell(result.err());
        result
    }

    /// Takes away what has to go for a challenge at `place`. What that fails for ends by itself, and the challenge is kept: the
    /// answer to `SET` says whether Redis is in trouble.
    async fn make_room(&self, place: &Place, (bytes, proven): (usize, bool), ttl: Duration, deadline: Instant) {
        let now = Instant::now();
        let gone = if proven {
            self.open().take(place, now);
            Vec::new()
        } else {
            self.open().put(*place, Entry { value: (), bytes, proven, end: now + ttl }, now)
        };
        let commands: Vec<Cmd> = gone.iter().map(taking).collect();
        join_all(commands.iter().map(|get| self.link.ask::<()>(get, deadline))).await;
    }

    /// How many were taken away before their time.
    pub(super) fn evicted(&self) -> u64 {
        self.open().counts(Instant::now()).1
    }

    fn open(&self) -> MutexGuard<'_, Room<()>> {
        // Nothing panics under the lock.
        self.unproven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn take(&self, place: &Place, deadline: Instant) -> Result<Taken, Trouble> {
        let get = taking(place);
        let result = match self.link.ask::<Option<Vec<u8>>>(&get, deadline).await {
            // The failed call may have taken it without an answer: whoever finds nothing now cannot tell whether
            // anything was there.
            Err(failure) => match self.link.again(failure, &get, deadline).await {
                Ok(None) => Err(failure.why),
                result => result,
            },
            Ok(found) => Ok(found),
        };
        self.tell(result.as_ref().err().copied());
        let found = result?;
        self.open().take(place, Instant::now());
        let Some(sealed) = found else { return Ok(Taken::Nothing) };
        let Some((state, end)) = self.keys.open(place, &sealed) else { return Ok(Taken::Unreadable) };
        Ok(if is_over(end, System.unix_ms()) { Taken::Nothing } else { Taken::State(state) })
    }

    pub(super) async fn ready(&self) -> bool {
        // One asks, the others wait for the answer.
        let mut last = self.ready.lock().await;
        if let Some((_, answer)) = last.filter(|(asked, _)| asked.elapsed() < ASKED_AT_MOST_EVERY) {
            return answer;
        }
        let answer = self.probe(Instant::now() + READY_WAIT).await;
        *last = Some((Instant::now(), answer.is_ok()));
        answer.is_ok()
    }

    /// Writes and takes a key of its own, as a challenge does.
    async fn probe(&self, deadline: Instant) -> Result<(), Trouble> {
        let place = format!("{PREFIX}ready");
        let mut set = redis::cmd("SET");
        set.arg(&place).arg("").arg("PX").arg(1000);
        let mut get = redis::cmd("GETDEL");
        get.arg(&place);
        let set = match self.link.ask::<()>(&set, deadline).await {
            Err(failure) => self.link.again(failure, &set, deadline).await,
            Ok(()) => Ok(()),
        };
        let result = match set {
            Ok(()) => self.link.ask::<Option<Vec<u8>>>(&get, deadline).await.map(drop).map_err(|failure| failure.why),
            Err(why) => Err(why),
        };
        self.tell(result.err());
        result
    }

    /// Writes a line when Redis begins, changes or ends to be in trouble: one an outage, not one a login.
    fn tell(&self, trouble: Option<Trouble>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told == trouble {
            return;
        }
        *told = trouble;
        if let Some(why) = trouble {
            tracing::error!(cause = why.as_str(), "challenges cannot be kept: Redis {why}");
        } else {
            tracing::info!("challenges can be kept again");
        }
    }
}

fn key(place: &Place) -> String {
    format!("{PREFIX}challenge:{}", hex_encode(&place.0))
}

/// Whether a sealed end has come, in milliseconds of the wall clock. Redis has forgotten it long before, unless somebody
/// made it remember.
fn is_over(end: u64, now: u64) -> bool {
    now > end.saturating_add(SKEW_MS)
}

/// Reads and deletes in one, so that of any number of takers one gets it.
fn taking(place: &Place) -> Cmd {
    let mut get = redis::cmd("GETDEL");
    get.arg(key(place));
    get
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_that_redis_does_not_forget_is_over_all_the_same() {
        assert!(!is_over(1_000, 31_000), "clocks of daemons differ");
        assert!(is_over(1_000, 31_001));
        assert!(!is_over(u64::MAX, u64::MAX));
    }
}
