//! Challenges in Redis or Valkey, for several daemons: one key a challenge, each change of it one script (`script`).
//!
//! The value is sealed, and bound to its key, its end and the Redis instance: a reader or writer of Redis learns
//! nothing of a user and cannot extend, move or forge a challenge, and neither a restart nor a failover revives one
//! that was taken. Anyone who can write there can delete a challenge, and can put back one that was taken, until its
//! end.
//!
//! Redis does not know our bounds, so each daemon indexes the challenges that it stored there and deletes those to
//! evict.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use redis::{Cmd, FromRedisValue};
use tokio::time::Instant;

use super::challenge::{ChallengeState, Claim, StoreKey, Taken};
use super::envelope::{Keyring, Stamp};
use super::error::RedisFault;
use super::eviction::{Bounds, EvictionIndex, StoredChallenge};
use super::instance::InstanceId;
use super::link::Link;
use super::lua::{self, TakeReply};
use crate::clock::{Ambient as _, System};
use crate::crypto::encoding::hex_encode;

/// Of every key. An ACL can be limited to it.
const PREFIX: &str = "doorward:";

/// How far the clocks of daemons may differ before a challenge ends early.
const SKEW_MS: u64 = 30_000;

/// [`super::Challenges::ready`] asks at most this often.
const MIN_READY_INTERVAL: Duration = Duration::from_secs(1);

const READY_TIMEOUT: Duration = Duration::from_millis(500);

/// For what one daemon stores there after right passwords: two hundred a second that wait for five minutes.
const OPENED_BOUNDS: Bounds = Bounds { entries: 65_536, bytes: 128 << 20 };

#[derive(Debug)]
pub(super) struct Redis {
    /// A reload may change them.
    keys: ArcSwap<Keyring>,
    link: Arc<Link>,
    /// What this daemon stored there.
    opened: Mutex<EvictionIndex<()>>,
    /// The instance that stored the last challenge.
    instance: Mutex<InstanceId>,
    last_logged: Mutex<Option<RedisFault>>,
    disk_checked: AtomicBool,
    /// The time of the last check, and its answer.
    ready: tokio::sync::Mutex<Option<(Instant, bool)>>,
}

impl Redis {
    pub(super) fn new(keys: Keyring, link: Link) -> Self {
        Self {
            keys: ArcSwap::from_pointee(keys),
            link: Arc::new(link),
            opened: Mutex::new(EvictionIndex::new(OPENED_BOUNDS, Bounds::default())),
            instance: Mutex::default(),
            last_logged: Mutex::default(),
            disk_checked: AtomicBool::new(false),
            ready: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn link(&self) -> Arc<Link> {
        Arc::clone(&self.link)
    }

    pub(super) fn change_keys(&self, keys: Keyring) {
        self.keys.store(Arc::new(keys));
    }

    pub(super) async fn put(
        &self,
        key: &StoreKey,
        state: &ChallengeState<'_>,
        ttl: Duration,
        deadline: Instant,
    ) -> Result<(), RedisFault> {
        let result = self.put_new(key, state, ttl, deadline).await;
        self.log_change(result.err());
        result
    }

    async fn put_new(
        &self,
        key: &StoreKey,
        state: &ChallengeState<'_>,
        ttl: Duration,
        deadline: Instant,
    ) -> Result<(), RedisFault> {
        let redis_key = redis_key(key);
        let mut instance = self.instance().clone();
        // The first call, and the first after a restart or failover, learns the current instance from the answer.
        for _ in 0..3 {
            let (sealed, ttl_ms) = self.sealed(key, state, &instance, ttl);
            self.make_room(key, (state, sealed.len()), ttl, deadline).await;
            // A retry is harmless: no client knows the id yet, so none can have taken the challenge.
            let (now, _) = self
                .ask_with_retry::<(String, u8)>(&lua::put(&redis_key, &instance, &sealed, ttl_ms), deadline)
                .await?;
            if now == instance.0 {
                return Ok(());
            }
            instance = InstanceId(now);
            self.instance().clone_from(&instance);
        }
        Err(RedisFault::Busy)
    }

    /// Whether the challenge is stored again.
    pub(super) async fn put_back(
        &self,
        (key, claim): (&StoreKey, &Claim),
        state: &ChallengeState<'_>,
        ttl: Duration,
        deadline: Instant,
    ) -> Result<bool, RedisFault> {
        let (sealed, ttl_ms) = self.sealed(key, state, &claim.instance, ttl);
        self.make_room(key, (state, sealed.len()), ttl, deadline).await;
        let put = lua::put_back(&redis_key(key), (&claim.instance, &claim.nonce), &sealed, ttl_ms);
        let result = match self.link.ask::<(String, u8)>(&put, deadline).await {
            Ok((_, back)) => Ok(back == 1),
            // The call without an answer may have put it back, and another call may have taken it since: it was put
            // back.
            Err(failure) => match self.link.retry::<(String, u8)>(failure, &put, deadline).await {
                Ok((now, back)) => Ok(back == 1 || now == claim.instance.0),
                Err(why) => Err(why),
            },
        };
        self.log_change(result.err());
        result
    }

    /// The sealed text for `instance`, and its TTL in milliseconds.
    fn sealed(
        &self,
        key: &StoreKey,
        state: &ChallengeState<'_>,
        instance: &InstanceId,
        ttl: Duration,
    ) -> (Vec<u8>, u64) {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let stamp = Stamp { end: System.unix_ms().saturating_add(ttl_ms), instance: instance.sealed() };
        (self.keys.load().seal(key, state.bytes, stamp, &System), ttl_ms)
    }

    /// Evicts what has to go for a challenge under `key`. An entry that cannot be deleted expires by itself, so errors
    /// are ignored: the script that stores the challenge reports an outage.
    async fn make_room(
        &self,
        key: &StoreKey,
        (state, bytes): (&ChallengeState<'_>, usize),
        ttl: Duration,
        deadline: Instant,
    ) {
        let now = Instant::now();
        let evicted = {
            let mut opened = self.opened();
            let entry = StoredChallenge { value: (), bytes, owner: opened.owner(state), end: now + ttl };
            opened.put(*key, entry, now)
        };
        let commands: Vec<Cmd> = evicted.iter().map(|key| redis::cmd("DEL").arg(redis_key(key)).clone()).collect();
        join_all(commands.iter().map(|del| self.link.ask::<()>(del, deadline))).await;
    }

    pub(super) fn evicted(&self) -> u64 {
        self.opened().counts(Instant::now()).1
    }

    fn opened(&self) -> MutexGuard<'_, EvictionIndex<()>> {
        // Nothing panics under the lock.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn instance(&self) -> MutexGuard<'_, InstanceId> {
        self.instance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn take(&self, key: &StoreKey, claim: &mut Claim, deadline: Instant) -> Result<Taken, RedisFault> {
        System.fill(&mut claim.nonce);
        let take = lua::take(&redis_key(key), &claim.nonce);
        let result = match self.link.ask::<TakeReply>(&take, deadline).await {
            Err(failure) => match self.link.retry::<TakeReply>(failure, &take, deadline).await {
                // The call that failed took it, and the text was lost with its answer.
                Ok((_, lua::ALREADY_TAKEN, _)) => Err(failure.why),
                result => result,
            },
            found => found.map_err(|failure| failure.why),
        };
        self.log_change(result.as_ref().err().copied());
        let (instance, _, found) = result?;
        claim.instance = InstanceId(instance);
        self.opened().take(key, Instant::now());
        let Some(sealed) = found else { return Ok(Taken::Nothing) };
        let Some((state, stamp)) = self.keys.load().open(key, &sealed) else { return Ok(Taken::Unreadable) };
        if stamp.instance != claim.instance.sealed() {
            return Ok(Taken::OtherInstance);
        }
        Ok(if is_over(stamp.end, System.unix_ms()) { Taken::Nothing } else { Taken::State(state) })
    }

    async fn ask_with_retry<T: FromRedisValue>(&self, command: &Cmd, deadline: Instant) -> Result<T, RedisFault> {
        match self.link.ask(command, deadline).await {
            Err(failure) => self.link.retry(failure, command, deadline).await,
            Ok(answer) => Ok(answer),
        }
    }

    pub(super) async fn ready(&self) -> bool {
        // One call sends the request, the others wait for its answer.
        let mut last = self.ready.lock().await;
        if let Some((_, answer)) = last.filter(|(asked, _)| asked.elapsed() < MIN_READY_INTERVAL) {
            return answer;
        }
        let answer = self.probe(Instant::now() + READY_TIMEOUT).await;
        *last = Some((Instant::now(), answer.is_ok()));
        answer.is_ok()
    }

    /// Whether it is a node of a cluster; `None` when it does not answer.
    pub(super) async fn is_cluster(&self, deadline: Instant) -> Option<bool> {
        let info = self.ask_with_retry::<String>(redis::cmd("INFO").arg("cluster"), deadline).await.ok()?;
        Some(info.contains("cluster_enabled:1"))
    }

    /// Writes and takes a key of its own, as a challenge does.
    async fn probe(&self, deadline: Instant) -> Result<(), RedisFault> {
        let key = format!("{PREFIX}{{ready}}");
        let instance = self.instance().clone();
        let result = async {
            let (now, _) =
                self.ask_with_retry::<(String, u8)>(&lua::put(&key, &instance, b"-", 1000), deadline).await?;
            if now != instance.0 {
                *self.instance() = InstanceId(now.clone());
                self.ask_with_retry::<(String, u8)>(&lua::put(&key, &InstanceId(now), b"-", 1000), deadline).await?;
            }
            let mut nonce = [0; lua::NONCE_BYTES];
            System.fill(&mut nonce);
            self.ask_with_retry::<TakeReply>(&lua::take(&key, &nonce), deadline).await?;
            self.ask_with_retry::<()>(redis::cmd("DEL").arg(&key), deadline).await
        };
        let result = result.await;
        self.log_change(result.err());
        if result.is_ok() && !self.disk_checked.swap(true, Ordering::Relaxed) {
            self.check_disk(deadline).await;
        }
        result
    }

    /// Warns once when Redis writes its data to disk: that works, but an operator should know. CONFIG may be forbidden:
    /// INFO alone shows `appendonly`.
    async fn check_disk(&self, deadline: Instant) {
        let says = async |command: &mut Cmd| self.link.ask::<redis::Value>(command, deadline).await.ok();
        let info = says(redis::cmd("INFO").arg("persistence")).await;
        let info = info.and_then(|info| String::from_redis_value(info).ok()).unwrap_or_default();
        let config = says(redis::cmd("CONFIG").arg("GET").arg("save")).await;
        let config = config.and_then(|config| <Vec<String>>::from_redis_value(config).ok()).unwrap_or_default();
        if info.contains("aof_enabled:1") || config.get(1).is_some_and(|save| !save.is_empty()) {
            tracing::warn!(
                "Redis persists to disk (appendonly or save): sealed challenges stay in its files until these are \
                 overwritten; none is valid after a restart, so persistence can be switched off"
            );
        }
    }

    /// Logs the beginning, a change and the end of an outage: one line each, not one a login.
    fn log_change(&self, fault: Option<RedisFault>) {
        let mut last_logged = self.last_logged.lock().unwrap_or_else(PoisonError::into_inner);
        if *last_logged == fault {
            return;
        }
        *last_logged = fault;
        if let Some(why) = fault {
            tracing::error!(cause = why.as_str(), "challenges cannot be stored: Redis {}", why.sentence());
        } else {
            tracing::info!("challenges can be stored again");
        }
    }
}

fn redis_key(key: &StoreKey) -> String {
    // Hashed by Redis Cluster is what stands between the braces.
    format!("{PREFIX}challenge:{{{}}}", hex_encode(&key.0))
}

/// Whether a sealed end has passed, in milliseconds of the wall clock. Redis expires the key before that, unless
/// someone changed its TTL.
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
