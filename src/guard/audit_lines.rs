//! The rate of audit lines for calls that send nothing: refusals, unknown ids, polls that come too early.
//!
//! The trail has a bounded size, so a caller who causes lines without end would push older ones out of it. A login that
//! reaches an upstream always gets its line; of the others each caller gets so many, and the next line says how many
//! were suppressed.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::rate::{Meter, Rate, RateLimit};
use crate::account::site;
use crate::config;

/// Two a second: at two kilobytes a line, a gigabyte in three days.
const LINES: Rate = Rate { most: 120, per: Duration::from_mins(1) };

#[derive(Debug)]
pub struct AuditLineRate(Meter);

impl AuditLineRate {
    pub fn new(rules: &config::Guard) -> Self {
        Self(Meter::new(rules.entries))
    }

    /// Counts a line for `client_ip`, or without one for `connector`. Returns how many were suppressed before it;
    /// `None` when this one is to be suppressed.
    pub fn admit(&self, client: &str, connector: &str, client_ip: Option<IpAddr>, now: Instant) -> Option<u32> {
        let key = match client_ip.map(site) {
            Some(site) => self.0.key(&("client_ip", client, site)),
            None => self.0.key(&("connector", client, connector)),
        };
        self.0.take_or_suppress(&RateLimit { key, rate: LINES, by: "lines" }, now)
    }
}
