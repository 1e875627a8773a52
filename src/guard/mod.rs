//! Brute-force protection: failed attempts are counted, and too many are refused with growing waits before anything is
//! sent. Nothing blocks.
//!
//! Failures count by connector, account (not spelling, see `account`) and address together, and more widely by address
//! alone; where the console sends no address, by client and connector. What the upstream says about a name (unknown,
//! locked, disabled) makes no difference here, so the guard is no oracle for user names. From the first failure on,
//! logins in flight count as failures to come, so that parallel guesses gain nothing. The tables have a fixed size,
//! keep keyed hashes in place of names, and evict the entries with the fewest failures.
//!
//! Two other bounds are for what needs no password: codes that upstreams send ([`SendQuota`]) and utility calls
//! ([`UtilityRate`]).

mod audit_lines;
mod rate;
mod sends;
mod shared;
mod table;
mod utilities;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::Instant;

use crate::account::{folded, network, site};
use crate::config;
use rate::{Meter, Rate, RateLimit, SITE_FACTOR};
use table::{Slot, Table};

pub use audit_lines::AuditLineRate;
pub use rate::Refusal;
pub use sends::SendQuota;
pub use shared::{Denial, SharedGuard, SharedTicket};
pub use utilities::{UtilityRate, UtilityUse};

/// Failures so far.
#[derive(Debug)]
pub struct Guard {
    /// A reload may change them; what was counted stays.
    rules: ArcSwap<config::Guard>,
    table: Table,
    /// Failures of logins without a known address.
    without_address: Meter,
}

/// The keys of one attempt.
#[derive(Debug, Clone, Copy)]
pub struct AttemptKey<'a> {
    /// The name of the API's client.
    pub client: &'a str,
    /// The connector's id.
    pub connector: &'a str,
    /// The user name as it was sent (or the field `user` of it).
    pub username: &'a str,
    /// The address of the user's device, if the console sent it.
    pub client_ip: Option<IpAddr>,
}

/// How an attempt ended, for the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Refused by the upstream: counts.
    Failed,
    /// The reply decides nothing. It may mean "wrong", so the user's count goes up. The address's does not: one user's
    /// guesses end at the user's limit, and when many users get such replies the upstream is failing.
    Unreadable,
    /// Accepted: the user's own count starts again. The address's does not, or one known password would buy guesses at
    /// all others.
    Succeeded,
    /// Neither: a challenge, a failing upstream, a caller that disconnected.
    Neutral,
}

/// An attempt in flight. Dropped without [`Ticket::close`], its outcome is neutral.
#[derive(Debug)]
pub struct Ticket {
    guard: Arc<Guard>,
    held: [Option<HeldKey>; 3],
    without_address: Option<RateLimit>,
}

/// One key that an attempt holds.
#[derive(Debug, Clone, Copy)]
struct HeldKey {
    key: u128,
    scope: Scope,
}

/// What a key counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// One account at one address (IPv6: at one /48).
    User,
    /// One address (IPv6: /64).
    Address,
    /// One IPv6 site (/48).
    Site,
}

/// Logins in flight at one address below its limit, as a multiple of the failures it may have: an office at nine
/// o'clock with a slow upstream needs that many.
const IN_FLIGHT_FACTOR: u32 = 4;

/// The period of `client_failures`.
const CLIENT_FAILURES_PERIOD: Duration = Duration::from_mins(1);

/// When an attempt that is refused for logins in flight may come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Guard {
    /// An empty table.
    pub fn new(rules: config::Guard) -> Self {
        Self {
            table: Table::new(rules.entries),
            without_address: Meter::new(rules.entries),
            rules: ArcSwap::from_pointee(rules),
        }
    }

    /// Goes on by `rules`, but for the size of its tables. What was counted stays counted.
    pub fn change(&self, rules: config::Guard) {
        self.rules.store(Arc::new(rules));
    }

    /// Admits an attempt, or returns when to retry. Never blocks.
    pub fn enter(self: &Arc<Self>, attempt: &AttemptKey<'_>, now: Instant) -> Result<Ticket, Refusal> {
        // A refusal below drops the ticket, which releases what it holds.
        let mut ticket = Ticket { guard: Arc::clone(self), held: [None; 3], without_address: None };
        if !self.rules.load().enabled {
            return Ok(ticket);
        }
        let AttemptKey { client, connector, username, client_ip } = *attempt;
        if let Some(address) = client_ip {
            let (network, site) = (network(address), site(address));
            ticket.hold(0, self.table.key(&("client_ip", network)), Scope::Address, now)?;
            if site != network {
                ticket.hold(1, self.table.key(&("client_ip", site)), Scope::Site, now)?;
            }
        } else {
            let key = self.without_address.key(&("client", client, connector));
            let bound = RateLimit { key, rate: self.without_address_rate(), by: "client" };
            self.without_address.take(std::slice::from_ref(&bound), now)?;
            ticket.without_address = Some(bound);
        }
        let key = self.table.key(&("user", connector, folded(username), client_ip.map(site)));
        ticket.hold(2, key, Scope::User, now)?;
        Ok(ticket)
    }

    fn without_address_rate(&self) -> Rate {
        Rate { most: self.rules.load().client_failures, per: CLIENT_FAILURES_PERIOD }
    }

    /// Failures before back-off begins.
    fn free_failures(&self, scope: Scope) -> u32 {
        match scope {
            Scope::User => self.rules.load().user_failures,
            Scope::Address => self.rules.load().client_ip_failures,
            Scope::Site => self.rules.load().client_ip_failures.saturating_mul(SITE_FACTOR),
        }
    }

    /// How many attempts may be in flight after `failures`, counting each as a failure. An address has many users, and
    /// each account there has its own limit, so it may have more.
    fn max_in_flight(&self, scope: Scope, failures: u32) -> u32 {
        let left = (self.free_failures(scope) + 1).saturating_sub(failures).max(1);
        match scope {
            Scope::User => left.min(self.rules.load().parallel.max(1)),
            Scope::Address | Scope::Site if failures > self.free_failures(scope) => left,
            Scope::Address | Scope::Site => {
                (self.free_failures(scope) + 1).saturating_mul(IN_FLIGHT_FACTOR).saturating_sub(failures)
            }
        }
    }

    fn admit(&self, held: HeldKey, now: Instant) -> Result<(), Duration> {
        let forget_after = self.rules.load().forget_after;
        self.table.entry(held.key, now, forget_after, |slot| {
            if let Some(left) = slot.until.and_then(|until| until.checked_duration_since(now)).filter(|d| !d.is_zero())
            {
                return Err(left);
            }
            if slot.in_flight >= self.max_in_flight(held.scope, slot.count) {
                return Err(RETRY_AFTER);
            }
            slot.in_flight += 1;
            Ok(())
        })
    }

    fn release(&self, held: HeldKey, outcome: Outcome, now: Instant) {
        let counts = match outcome {
            Outcome::Failed => true,
            Outcome::Unreadable => held.scope == Scope::User,
            Outcome::Succeeded | Outcome::Neutral => false,
        };
        self.table.update(held.key, |slot: &mut Slot| {
            slot.in_flight = slot.in_flight.saturating_sub(1);
            if counts {
                slot.count = slot.count.saturating_add(1);
                slot.last = now;
                slot.until = self.backoff(slot.count, self.free_failures(held.scope)).map(|wait| now + wait);
            } else if outcome == Outcome::Succeeded && held.scope == Scope::User {
                slot.count = 0;
                slot.until = None;
            }
        });
    }

    /// The back-off after the `failures`-th failure.
    fn backoff(&self, failures: u32, free: u32) -> Option<Duration> {
        let over = failures.checked_sub(free + 1)? as usize;
        let rules = self.rules.load();
        rules.waits.get(over).or(rules.waits.last()).copied()
    }
}

impl Ticket {
    /// Counts the outcome.
    pub fn close(mut self, outcome: Outcome, now: Instant) {
        self.settle(outcome, now);
    }

    fn hold(&mut self, at: usize, key: u128, scope: Scope, now: Instant) -> Result<(), Refusal> {
        let held = HeldKey { key, scope };
        let by = if scope == Scope::User { "user" } else { "client_ip" };
        self.guard.admit(held, now).map_err(|retry_after| Refusal { retry_after, by })?;
        self.held[at] = Some(held);
        Ok(())
    }

    fn settle(&mut self, outcome: Outcome, now: Instant) {
        for held in std::mem::take(&mut self.held).into_iter().flatten() {
            self.guard.release(held, outcome, now);
        }
        if let Some(bound) = self.without_address.take().filter(|_| outcome != Outcome::Failed) {
            self.guard.without_address.give_back(&bound);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.settle(Outcome::Neutral, Instant::now());
    }
}

#[cfg(test)]
mod tests;
