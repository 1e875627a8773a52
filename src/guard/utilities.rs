//! The rate of utility calls. They need no password, so anyone who reaches the console can cause them, and each is a
//! request to an upstream. They are limited by API client, by connector, and by the address of the user's device.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::time::Instant;

use super::Refusal;
use super::rate::{Meter, Rate, RateLimit};
use crate::config;

#[derive(Debug)]
pub struct UtilityRate {
    /// A reload may change them; what was counted stays.
    rules: ArcSwap<config::Guard>,
    meter: Meter,
}

#[derive(Debug, Clone, Copy)]
pub struct UtilityUse<'a> {
    /// The name of the API's client.
    pub client: &'a str,
    /// The connector's id.
    pub connector: &'a str,
    /// The address of the user's device, if the console sent it.
    pub client_ip: Option<IpAddr>,
}

impl UtilityRate {
    pub fn new(rules: &config::Guard) -> Self {
        Self { rules: ArcSwap::from_pointee(rules.clone()), meter: Meter::new(rules.entries) }
    }

    /// Goes on by `rules`, but for the size of its table.
    pub fn change(&self, rules: &config::Guard) {
        self.rules.store(Arc::new(rules.clone()));
    }

    /// Counts one call, or returns when to retry. Never blocks.
    pub fn take(&self, call: &UtilityUse<'_>, now: Instant) -> Result<(), Refusal> {
        let rules = self.rules.load();
        if !rules.enabled {
            return Ok(());
        }
        let config::Utilities { client, connector, client_ip, per } = rules.utilities;
        let mut bounds = Vec::with_capacity(4);
        // The narrowest first: a device over its own limit uses up nothing of what all share.
        if let Some(address) = call.client_ip {
            self.meter.of_address(address, Rate { most: client_ip, per }, "utility_client_ip", &mut bounds);
        }
        let key = self.meter.key(&("client", call.client));
        bounds.push(RateLimit { key, rate: Rate { most: client, per }, by: "utility_client" });
        let key = self.meter.key(&("connector", call.connector));
        bounds.push(RateLimit { key, rate: Rate { most: connector, per }, by: "utility_connector" });
        self.meter.take(&bounds, now)
    }
}
