//! Challenges in Redis or Valkey, for several daemons: one key a challenge, each change of it one script (`script`).
//!
//! What lies there is sealed, and so are its place, its end and the life of the Redis that it was opened in: whoever may read or
//! write Redis learns nothing of a user and cannot make a challenge last longer, move it or forge one, and neither a restart nor a
//! failover brings back what was used. Whoever may write there can delete one, and can put back what was taken until its end.
//!
//! Redis has no bound of ours, so each daemon remembers what it opened there and takes away what has to go for more.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use redis::{Cmd, FromRedisValue};
use tokio::time::Instant;

use super::envelope::{Keyring, Stamp};
use super::life::Life;
use super::link::Link;
use super::room::{Bounds, Entry, Room};
use super::script::{self, Found};
use super::{Claim, Pause, Place, SetupError, Taken, Trouble};
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

/// What one daemon opens there behind right passwords: two hundred a second that wait for five minutes.
const MOST: Bounds = Bounds { entries: 65_536, bytes: 128 << 20 };

#[derive(Debug)]
pub(super) struct Redis {
    keys: Keyring,
    link: Link,
    /// What this daemon opened there.
    opened: Mutex<Room<()>>,
    /// The life of Redis in which a challenge was kept last.
    life: Mutex<Life>,
    /// What the log said last.
    told: Mutex<Option<Trouble>>,
    looked_at_disk: AtomicBool,
    /// When readiness was asked, and the answer.
    ready: tokio::sync::Mutex<Option<(Instant, bool)>>,
}

impl Redis {
    pub(super) fn new(url: &Secret, keys: Keyring, ca_file: Option<&Path>) -> Result<Self, SetupError> {
        Ok(Self {
            keys,
            link: Link::new(url, ca_file)?,
            opened: Mutex::new(Room::new(MOST, Bounds::default())),
            life: Mutex::default(),
            told: Mutex::default(),
            looked_at_disk: AtomicBool::new(false),
            ready: tokio::sync::Mutex::default(),
        })
    }

    pub(super) async fn put(
        &self,
        place: &Place,
        pause: &Pause<'_>,
        ttl: Duration,
        deadline: Instant,
    ) -> Result<(), Trouble> {
        let result = self.put_new(place, pause, ttl, deadline).await;
        self.tell(result.err());
        result
    }

    async fn put_new(&self, place: &Place, pause: &Pause<'_>, ttl: Duration, deadline: Instant) -> Result<(), Trouble> {
        let key = key(place);
        let mut life = self.life().clone();
        // The first time, and after each restart or failover, the name of the present life is learnt by asking.
        for _ in 0..3 {
            let (sealed, ttl_ms) = self.sealed(place, pause, &life, ttl);
            self.make_room(place, (pause, sealed.len()), ttl, deadline).await;
            // Setting the same twice is setting it once: nobody can take what nobody was told of.
            let (now, _) = self.certainly::<(String, u8)>(&script::put(&key, &life, &sealed, ttl_ms), deadline).await?;
            if now == life.0 {
                return Ok(());
            }
            life = Life(now);
            self.life().clone_from(&life);
        }
        Err(Trouble::Busy)
    }

    /// Whether it is there again.
    pub(super) async fn put_back(
        &self,
        (place, claim): (&Place, &Claim),
        pause: &Pause<'_>,
        ttl: Duration,
        deadline: Instant,
    ) -> Result<bool, Trouble> {
        let (sealed, ttl_ms) = self.sealed(place, pause, &claim.life, ttl);
        self.make_room(place, (pause, sealed.len()), ttl, deadline).await;
        let put = script::put_back(&key(place), (&claim.life, &claim.nonce), &sealed, ttl_ms);
        let result = match self.link.ask::<(String, u8)>(&put, deadline).await {
            Ok((_, back)) => Ok(back == 1),
            // The call without an answer may have put it back, and somebody may have taken it since: then it was back.
            Err(failure) => match self.link.again::<(String, u8)>(failure, &put, deadline).await {
                Ok((now, back)) => Ok(back == 1 || now == claim.life.0),
                Err(why) => Err(why),
            },
        };
        self.tell(result.err());
        result
    }

    /// The text of a challenge that is good in one `life`, and its milliseconds.
    fn sealed(&self, place: &Place, pause: &Pause<'_>, life: &Life, ttl: Duration) -> (Vec<u8>, u64) {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let stamp = Stamp { end: System.unix_ms().saturating_add(ttl_ms), life: life.sealed() };
        (self.keys.seal(place, pause.state, stamp, &System), ttl_ms)
    }

    /// Takes away what has to go for a challenge at `place`. What that fails for ends by itself, and the challenge is kept: the
    /// answer to its own script says whether Redis is in trouble.
    async fn make_room(&self, place: &Place, (pause, bytes): (&Pause<'_>, usize), ttl: Duration, deadline: Instant) {
        let now = Instant::now();
        let gone = {
            let mut opened = self.opened();
            let entry = Entry { value: (), bytes, owner: opened.owner(pause), end: now + ttl };
            opened.put(*place, entry, now)
        };
        let commands: Vec<Cmd> = gone.iter().map(|place| redis::cmd("DEL").arg(key(place)).clone()).collect();
        join_all(commands.iter().map(|del| self.link.ask::<()>(del, deadline))).await;
    }

    /// How many were taken away before their time.
    pub(super) fn evicted(&self) -> u64 {
        self.opened().counts(Instant::now()).1
    }

    fn opened(&self) -> MutexGuard<'_, Room<()>> {
        // Nothing panics under the lock.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn take(&self, place: &Place, claim: &mut Claim, deadline: Instant) -> Result<Taken, Trouble> {
        System.fill(&mut claim.nonce);
        let take = script::take(&key(place), &claim.nonce);
        let result = match self.link.ask::<Found>(&take, deadline).await {
            Err(failure) => match self.link.again::<Found>(failure, &take, deadline).await {
                // It was taken by the call that failed, and its text went the way of the answer.
                Ok((_, script::LOST, _)) => Err(failure.why),
                result => result,
            },
            found => found.map_err(|failure| failure.why),
        };
        self.tell(result.as_ref().err().copied());
        let (life, _, found) = result?;
        claim.life = Life(life);
        self.opened().take(place, Instant::now());
        let Some(sealed) = found else { return Ok(Taken::Nothing) };
        let Some((state, stamp)) = self.keys.open(place, &sealed) else { return Ok(Taken::Unreadable) };
        if stamp.life != claim.life.sealed() {
            return Ok(Taken::Outlived);
        }
        Ok(if is_over(stamp.end, System.unix_ms()) { Taken::Nothing } else { Taken::State(state) })
    }

    /// Asks, and once more when the first call failed.
    async fn certainly<T: FromRedisValue>(&self, command: &Cmd, deadline: Instant) -> Result<T, Trouble> {
        match self.link.ask(command, deadline).await {
            Err(failure) => self.link.again(failure, command, deadline).await,
            Ok(answer) => Ok(answer),
        }
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
        let key = format!("{PREFIX}ready");
        let life = self.life().clone();
        let result = async {
            let (now, _) = self.certainly::<(String, u8)>(&script::put(&key, &life, b"-", 1000), deadline).await?;
            if now != life.0 {
                *self.life() = Life(now.clone());
                self.certainly::<(String, u8)>(&script::put(&key, &Life(now), b"-", 1000), deadline).await?;
            }
            let mut nonce = [0; script::NONCE_BYTES];
            System.fill(&mut nonce);
            self.certainly::<Found>(&script::take(&key, &nonce), deadline).await?;
            self.certainly::<()>(redis::cmd("DEL").arg(&key), deadline).await
        };
        let result = result.await;
        self.tell(result.err());
        if result.is_ok() && !self.looked_at_disk.swap(true, Ordering::Relaxed) {
            self.look_at_disk(deadline).await;
        }
        result
    }

    /// A Redis that writes what it holds to a disk works; an operator should know what lies there. Once, and without CONFIG as far
    /// as INFO tells.
    async fn look_at_disk(&self, deadline: Instant) {
        let says = async |command: &mut Cmd| self.link.ask::<redis::Value>(command, deadline).await.ok();
        let info = says(redis::cmd("INFO").arg("persistence")).await;
        let info = info.and_then(|info| String::from_redis_value(info).ok()).unwrap_or_default();
        let config = says(redis::cmd("CONFIG").arg("GET").arg("save")).await;
        let config = config.and_then(|config| <Vec<String>>::from_redis_value(config).ok()).unwrap_or_default();
        if info.contains("aof_enabled:1") || config.get(1).is_some_and(|save| !save.is_empty()) {
            tracing::warn!(
                "Redis writes what it holds to its disk (appendonly or save): sealed challenges lie there until it is \
                 overwritten; none of them is good after a restart, so it may be switched off"
            );
        }
    }

    /// Writes a line when Redis begins, changes or ends to be in trouble: one an outage, not one a login.
    fn tell(&self, trouble: Option<Trouble>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told == trouble {
            return;
        }
        *told = trouble;
        if let Some(why) = trouble {
            tracing::error!(cause = why.as_str(), "challenges cannot be kept: Redis {}", why.sentence());
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
