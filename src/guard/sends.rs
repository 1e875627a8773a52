//! The send quota: how many codes upstreams send because of us.
//!
//! A code costs money and rings somebody's phone, and who asks for it has proven nothing yet. Counted before the step
//! runs that sends it, whether it then succeeds or not; a code that was refused here was not sent.

use std::time::Duration;

use tokio::time::Instant;

use super::rate::{Bound, Meter, Rate};
use super::{Attempt, Refusal, canonical, network};
use crate::config;
use crate::flow::{CodeSend, Sends};

/// Codes sent so far.
#[derive(Debug)]
pub struct SendQuota {
    /// Off: the upstreams count alone.
    enabled: bool,
    rules: config::Sends,
    meter: Meter,
}

impl SendQuota {
    /// Nothing sent yet.
    pub fn new(rules: &config::Guard) -> Self {
        Self { enabled: rules.enabled, rules: rules.sends, meter: Meter::new(rules.entries) }
    }

    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.meter.len()
    }

    /// Counts one code for the account of `send`, or says when to come back. Never waits.
    pub fn take(&self, send: &Attempt<'_>, now: Instant) -> Result<(), Refusal> {
        if !self.enabled {
            return Ok(());
        }
        let config::Sends { user, client_ip, per } = self.rules;
        let network = send.client_ip.map(network);
        let mut bounds = Vec::with_capacity(2);
        if let Some(network) = network {
            let key = self.meter.key(&("client_ip", network));
            bounds.push(Bound { key, rate: Rate { most: client_ip, per }, by: "sends_client_ip" });
        }
        let key = self.meter.key(&("user", send.connector, canonical(send.username), network));
        bounds.push(Bound { key, rate: Rate { most: user, per }, by: "sends_user" });
        self.meter.take(&bounds, now)
    }
}

impl Sends for SendQuota {
    fn may_send(&self, send: &CodeSend<'_>) -> Result<(), Duration> {
        let CodeSend { connector, account, client_ip } = *send;
        let attempt = Attempt { connector, username: account, client_ip };
        self.take(&attempt, Instant::now()).map_err(|refusal| refusal.retry_after)
    }
}
