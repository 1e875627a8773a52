//! How many audit lines a caller can cause without anything being sent: refusals, unknown ids, polls that come too soon.
//!
//! The trail has a bounded size, so whoever can cause lines without end rolls away what was written before. A login that reaches
//! an upstream always has its line; of the others each caller has so many, and the next line that they get says how many were
//! left out.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::rate::{Bound, Meter, Rate};
use crate::account::site;
use crate::config;

/// Two a second: at two kilobytes a line, a gigabyte in three days.
const LINES: Rate = Rate { most: 120, per: Duration::from_mins(1) };

/// Lines so far.
#[derive(Debug)]
pub struct LineRate(Meter);

impl LineRate {
    /// No line yet.
    pub fn new(rules: &config::Guard) -> Self {
        Self(Meter::new(rules.entries))
    }

    /// Counts a line about a login from `client_ip`, or from anywhere at `connector`: how many were left out before it; `None`
    /// when it is to be left out.
    pub fn admit(&self, client: &str, connector: &str, client_ip: Option<IpAddr>, now: Instant) -> Option<u32> {
        let key = match client_ip.map(site) {
            Some(site) => self.0.key(&("client_ip", client, site)),
            None => self.0.key(&("connector", client, connector)),
        };
        self.0.take_or_leave(&Bound { key, rate: LINES, by: "lines" }, now)
    }
}
