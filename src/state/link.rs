//! The connection to Redis: one, shared by all calls, and replaced when it is broken.
//!
//! `ConnectionManager` reconnects after a connection was refused or cut. It never recovers from other failures: a
//! refused password or a failed handshake stays its answer, and it keeps a connection whose packets are lost. So after
//! any other failure the next call gets a fresh manager.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, FromRedisValue, IntoConnectionInfo as _, RedisError};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::time::Instant;

use super::challenge::STORE_TIMEOUT;
use super::error::{RedisFault, SetupError};
use super::sentinel::{Sentinels, client};
use crate::config;
use crate::files;
use crate::secret::Secret;

/// For TCP, TLS and AUTH; shorter than [`STORE_TIMEOUT`], so that a call can survive one failed attempt.
const CONNECT: Duration = Duration::from_millis(600);

/// By the manager itself, for the moment of a restart.
const RETRIES: usize = 1;

const RETRY_DELAY: Duration = Duration::from_millis(50);

/// Managers are replaced at most this often, however many calls fail.
const MIN_REPLACE_INTERVAL: Duration = Duration::from_millis(100);

/// A call that timed out sooner had a short deadline: that is no sign of a broken connection.
const MIN_CONCLUSIVE_WAIT: Duration = Duration::from_millis(250);

pub(super) struct Link {
    place: RedisPlace,
    current: Mutex<Current>,
    /// One call asks the Sentinels, others wait for its answer.
    asking: tokio::sync::Mutex<()>,
}

/// Where the primary is.
enum RedisPlace {
    /// Always there.
    Fixed(Client),
    /// Where Sentinels say.
    Sentinels(Sentinels),
}

struct Current {
    /// `None`: the Sentinels are to be asked.
    manager: Option<ConnectionManager>,
    /// Counts managers, so that a call replaces only the one it used.
    number: u64,
    since: Instant,
}

/// Why a command has no answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    pub(super) why: RedisFault,
    /// The number of the manager to replace.
    broken: Option<u64>,
}

impl Link {
    /// Connects in the background. The URL holds a password, so no error quotes it.
    pub(super) fn new(
        url: &Secret,
        ca_file: Option<&Path>,
        sentinel: Option<&config::Sentinel>,
    ) -> Result<Self, SetupError> {
        // Exposed to become the address and the credentials of the connection.
        let info = url.expose().into_connection_info().map_err(|_| SetupError::Url)?;
        let settings = info.redis_settings().clone().set_skip_set_lib_name();
        let info = info.set_redis_settings(settings);
        let ca = ca_file.map(|path| files::read(path, files::MAX_BYTES).map_err(|_| SetupError::Ca)).transpose()?;
        // The client library accepts a file without certificates, and then trusts none.
        if ca.as_ref().is_some_and(|pem| CertificateDer::pem_slice_iter(pem).next().is_none()) {
            return Err(SetupError::Ca);
        }
        let place = match sentinel {
            None => RedisPlace::Fixed(client(info, ca)?),
            Some(sentinel) => RedisPlace::Sentinels(Sentinels::new(sentinel, info, ca)?),
        };
        let manager = match &place {
            RedisPlace::Fixed(client) => Some(manager(client)?),
            RedisPlace::Sentinels(_) => None,
        };
        let current = Current { manager, number: 0, since: Instant::now() };
        Ok(Self { place, current: Mutex::new(current), asking: tokio::sync::Mutex::default() })
    }

    /// The manager and its number.
    async fn manager(&self, deadline: Instant) -> Result<(ConnectionManager, u64), RedisFault> {
        let known = || {
            let current = self.lock();
            current.manager.clone().map(|manager| (manager, current.number))
        };
        let RedisPlace::Sentinels(sentinels) = &self.place else { return known().ok_or(RedisFault::Other) };
        let asked = async {
            let _one = self.asking.lock().await;
            if let Some(known) = known() {
                return Ok(known);
            }
            let fresh = manager(&sentinels.primary().await?).map_err(|_| RedisFault::Other)?;
            let mut current = self.lock();
            let number = current.number + 1;
            *current = Current { manager: Some(fresh.clone()), number, since: Instant::now() };
            Ok((fresh, number))
        };
        match known() {
            Some(known) => Ok(known),
            None => tokio::time::timeout_at(deadline, asked).await.unwrap_or(Err(RedisFault::Timeout)),
        }
    }

    /// Sends one command and waits for its answer until `deadline`. The first call after an outage still fails with the
    /// old connection's error, so call [`Link::retry`] before you report a failure.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd, deadline: Instant) -> Result<T, Failure> {
        let (mut manager, number) = self.manager(deadline).await.map_err(|why| Failure { why, broken: None })?;
        let began = Instant::now();
        match tokio::time::timeout_at(deadline, command.query_async::<T>(&mut manager)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                // The primary may be another one meanwhile, whatever the failure says.
                let replace = matches!(self.place, RedisPlace::Sentinels(_)) || !reconnects(&error);
                Err(Failure { why: RedisFault::of(&error), broken: replace.then_some(number) })
            }
            Err(_) => {
                // This call has no time for a retry; the next one should not wait for the same connection.
                if began.elapsed() >= MIN_CONCLUSIVE_WAIT {
                    self.replace(number, Instant::now());
                }
                Err(Failure { why: RedisFault::Timeout, broken: None })
            }
        }
    }

    /// Sends it once more, over a connection that began after `failure`: an error of this one is current.
    pub(super) async fn retry<T: FromRedisValue>(
        &self,
        failure: Failure,
        command: &Cmd,
        deadline: Instant,
    ) -> Result<T, RedisFault> {
        if let Some(number) = failure.broken {
            let rested = self.lock().since + MIN_REPLACE_INTERVAL;
            tokio::time::sleep_until(rested.min(deadline)).await;
            self.replace(number, Instant::now());
        }
        if Instant::now() >= deadline {
            return Err(failure.why);
        }
        self.ask(command, deadline).await.map_err(|failure| failure.why)
    }

    /// Replaces the manager `number`. Calls that still wait on the old one keep it until they end.
    fn replace(&self, number: u64, now: Instant) {
        let mut current = self.lock();
        if current.number != number || now < current.since + MIN_REPLACE_INTERVAL {
            return;
        }
        let manager = match &self.place {
            RedisPlace::Fixed(client) => match manager(client) {
                Ok(manager) => Some(manager),
                Err(_) => return,
            },
            RedisPlace::Sentinels(_) => None,
        };
        *current = Current { manager, number: number + 1, since: now };
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Current> {
        // Nothing panics under the lock.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the manager itself reconnects after `error`.
fn reconnects(error: &RedisError) -> bool {
    error.is_connection_dropped()
}

fn manager(client: &Client) -> Result<ConnectionManager, SetupError> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(STORE_TIMEOUT))
        .set_number_of_retries(RETRIES)
        .set_min_delay(RETRY_DELAY)
        .set_max_delay(RETRY_DELAY);
    let manager = ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(|_| SetupError::Url)?;
    // A lazy connection makes progress only while a call waits for it. Without this task it would stall when that call
    // times out, and have used up its connection timeout when the next one comes.
    let mut driven = manager.clone();
    tokio::spawn(async move {
        let _: Result<(), RedisError> = redis::cmd("PING").query_async(&mut driven).await;
    });
    Ok(manager)
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a link to Redis")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_refused_without_saying_any_of_it() {
        for url in ["hunter2", "http://:hunter2@redis", "redis://:hunter2@", "redis://:hunter2@h:6379/x", ""] {
            let error = Link::new(&Secret::from(url), None, None).unwrap_err();
            assert_eq!(error, SetupError::Url, "{url}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
