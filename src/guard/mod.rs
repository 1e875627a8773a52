//! Slows guessing without ever sleeping: who failed too often is refused until a wait is over, and nothing is sent.
//!
//! Two keys count: connector, user name and address together, and the address alone. What the upstream says about a name
//! (unknown, locked, disabled) makes no difference here, so the guard is no oracle for user names. Logins in flight
//! count as failures to come, so that a burst of parallel guesses gains nothing. The table has a fixed size, keeps
//! keyed hashes in place of names, and gives up its least guilty entries first.
//!
//! Beside it stand two bounds of what can be caused without a password: codes that upstreams send ([`SendQuota`]) and
//! utility calls ([`UtilityRate`]).

mod rate;
mod sends;
mod table;
mod utilities;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::config;
use table::{Slot, Table};

pub use sends::SendQuota;
pub use utilities::{UtilityRate, UtilityUse};

/// Failures of the guessers so far.
#[derive(Debug)]
pub struct Guard {
    rules: config::Guard,
    table: Table,
}

/// Who tries to log in.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The connector's id.
    pub connector: &'a str,
    /// The user name as it was sent (or the field `user` of it).
    pub username: &'a str,
    /// The address of the user's device, if the console told.
    pub client_ip: Option<IpAddr>,
}

/// Come back later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// When another attempt makes sense.
    pub retry_after: Duration,
    /// Which key was over its bound: `user` or `client_ip`; `sends_…` of a code, `utility_…` of a utility call.
    pub by: &'static str,
}

/// How an attempt ended, for the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Refused by the upstream: counts.
    Failed,
    /// Accepted: the user's own count starts again. The address's does not, or one known password would buy guesses at
    /// all others.
    Succeeded,
    /// Neither: a challenge, an upstream in trouble, a caller that went away.
    Neutral,
}

/// A place among the attempts in flight. Dropped without [`Ticket::close`], it is neutral.
#[derive(Debug)]
pub struct Ticket {
    guard: Arc<Guard>,
    user: Option<u128>,
    client_ip: Option<u128>,
}

/// Parallel attempts of one address without failures: an office at nine o'clock.
const PARALLEL_OF_ADDRESS: u32 = 1024;

/// What who waits only for a login in flight is told.
const SOON: Duration = Duration::from_secs(1);

impl Guard {
    /// An empty table.
    pub fn new(rules: config::Guard) -> Self {
        Self { table: Table::new(rules.entries), rules }
    }

    /// Lets an attempt in, or says when to come back. Never waits.
    pub fn enter(self: &Arc<Self>, attempt: &Attempt<'_>, now: Instant) -> Result<Ticket, Refusal> {
        let mut ticket = Ticket { guard: Arc::clone(self), user: None, client_ip: None };
        if !self.rules.enabled {
            return Ok(ticket);
        }
        let network = attempt.client_ip.map(network);
        if let Some(network) = network {
            let key = self.table.key(&("client_ip", network));
            self.admit(key, self.rules.client_ip_failures, PARALLEL_OF_ADDRESS, now)
                .map_err(|retry_after| Refusal { retry_after, by: "client_ip" })?;
            ticket.client_ip = Some(key);
        }
        let key = self.table.key(&("user", attempt.connector, canonical(attempt.username), network));
        // A refusal here drops the ticket, which gives the address its place back.
        self.admit(key, self.rules.user_failures, self.rules.parallel, now)
            .map_err(|retry_after| Refusal { retry_after, by: "user" })?;
        ticket.user = Some(key);
        Ok(ticket)
    }

    fn admit(&self, key: u128, free: u32, parallel: u32, now: Instant) -> Result<(), Duration> {
        self.table.entry(key, now, self.rules.forget_after, |slot| {
            if let Some(left) = slot.until.and_then(|until| until.checked_duration_since(now)).filter(|d| !d.is_zero())
            {
                return Err(left);
            }
            let places = match slot.failures {
                0 => parallel.max(1),
                // As if each login in flight had failed: the next one must still be without a wait.
                some => (free + 1).saturating_sub(some).max(1),
            };
            if slot.in_flight >= places {
                return Err(SOON);
            }
            slot.in_flight += 1;
            Ok(())
        })
    }

    fn leave(&self, key: u128, free: u32, outcome: Outcome, now: Instant) {
        self.table.update(key, |slot: &mut Slot| {
            slot.in_flight = slot.in_flight.saturating_sub(1);
            match outcome {
                Outcome::Neutral => {}
                Outcome::Succeeded => {
                    slot.failures = 0;
                    slot.until = None;
                }
                Outcome::Failed => {
                    slot.failures = slot.failures.saturating_add(1);
                    slot.last = now;
                    slot.until = self.wait(slot.failures, free).map(|wait| now + wait);
                }
            }
        });
    }

    /// The wait after the `failures`-th failure.
    fn wait(&self, failures: u32, free: u32) -> Option<Duration> {
        let over = failures.checked_sub(free + 1)? as usize;
        self.rules.waits.get(over).or(self.rules.waits.last()).copied()
    }
}

impl Ticket {
    /// Counts how the attempt ended.
    pub fn close(mut self, outcome: Outcome, now: Instant) {
        self.settle(outcome, now);
    }

    fn settle(&mut self, outcome: Outcome, now: Instant) {
        let rules = &self.guard.rules;
        if let Some(key) = self.user.take() {
            self.guard.leave(key, rules.user_failures, outcome, now);
        }
        if let Some(key) = self.client_ip.take() {
            let outcome = if outcome == Outcome::Succeeded { Outcome::Neutral } else { outcome };
            self.guard.leave(key, rules.client_ip_failures, outcome, now);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.settle(Outcome::Neutral, Instant::now());
    }
}

/// Trimmed and case-folded, as most user directories compare: ` Alice` and `alice` share one count. Folding by way of the
/// upper case joins what only that joins (`ß` and `ss`), letter by letter.
fn canonical(username: &str) -> String {
    username.trim().chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// The part of an address that one guesser cannot change at will: a whole IPv4 address, the /64 of an IPv6 one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests;
