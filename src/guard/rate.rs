//! A rate limit for each of several keys: a burst, and after that one more as time passes.
//!
//! The generic cell rate algorithm: of a key one instant is kept, which says how far ahead it has run. Nothing blocks,
//! names are kept as keyed hashes only, and the table has a fixed size: the keys that took least are evicted.

use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::table::{Slot, Table};
use crate::account::{network, site};

/// A site may do what this many of its addresses may: a provider gives whole sites to customers, and also puts many
/// customers into one.
pub(super) const SITE_FACTOR: u32 = 4;

/// Come back later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// When another attempt makes sense.
    pub retry_after: Duration,
    /// Which key was over its bound: `user`, `client_ip` or `client`; `sends_…` of a code, `utility_…` of a utility
    /// call.
    pub by: &'static str,
}

/// A burst of `most`, refilled by one each `per / most`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// At least 1.
    pub most: u32,
    pub per: Duration,
}

/// One key and its rate.
#[derive(Debug)]
pub(super) struct RateLimit {
    pub key: u128,
    pub rate: Rate,
    /// Its name in a refusal.
    pub by: &'static str,
}

#[derive(Debug)]
pub(super) struct Meter(Table);

impl Meter {
    pub(super) fn new(entries: usize) -> Self {
        Self(Table::new(entries))
    }

    pub(super) fn key(&self, of: &impl Hash) -> u128 {
        self.0.key(of)
    }

    /// The bounds of an address and of its site.
    pub(super) fn of_address(&self, address: IpAddr, rate: Rate, by: &'static str, bounds: &mut Vec<RateLimit>) {
        let (network, site) = (network(address), site(address));
        bounds.push(RateLimit { key: self.key(&("client_ip", network)), rate, by });
        if site != network {
            let rate = Rate { most: rate.most.saturating_mul(SITE_FACTOR), ..rate };
            bounds.push(RateLimit { key: self.key(&("client_ip", site)), rate, by });
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes one of every bound, or of none; the error names the first that is exhausted, and when to retry.
    pub(super) fn take(&self, bounds: &[RateLimit], now: Instant) -> Result<(), Refusal> {
        for (index, bound) in bounds.iter().enumerate() {
            if let Err(retry_after) = self.one(bound, now) {
                bounds[..index].iter().for_each(|taken| self.give_back(taken));
                return Err(Refusal { retry_after, by: bound.by });
            }
        }
        Ok(())
    }

    /// Takes one and returns how many were refused before it; `None` when this one is refused.
    pub(super) fn take_or_suppress(&self, bound: &RateLimit, now: Instant) -> Option<u32> {
        let taken = self.one(bound, now).is_ok();
        let mut suppressed = 0;
        self.0.update(bound.key, |slot| {
            if taken {
                suppressed = std::mem::take(&mut slot.suppressed);
            } else {
                slot.suppressed = slot.suppressed.saturating_add(1);
            }
        });
        taken.then_some(suppressed)
    }

    fn one(&self, bound: &RateLimit, now: Instant) -> Result<(), Duration> {
        let Rate { per, .. } = bound.rate;
        let interval = bound.rate.interval();
        self.0.entry(bound.key, now, per, |slot| {
            let ahead = slot.until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
            let allowed = per.saturating_sub(interval);
            if let Some(wait) = ahead.checked_sub(allowed).filter(|wait| !wait.is_zero()) {
                return Err(wait);
            }
            slot.until = Some(now + ahead + interval);
            // The entry that took most is evicted last.
            slot.count = slot.count.saturating_add(1);
            slot.last = now;
            Ok(())
        })
    }

    /// Takes back one that was taken.
    pub(super) fn give_back(&self, bound: &RateLimit) {
        self.0.update(bound.key, |slot: &mut Slot| {
            slot.until = slot.until.and_then(|until| until.checked_sub(bound.rate.interval()));
            slot.count = slot.count.saturating_sub(1);
        });
    }
}

impl Rate {
    fn interval(self) -> Duration {
        self.per / self.most.max(1)
    }
}
