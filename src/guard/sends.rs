//! The quota of codes that upstreams send.
//!
//! A code costs money and rings somebody's phone, and is sent before anything is proven. It is counted before each try
//! of the step that sends it, by account or number however it is spelled, and taken back when nothing was sent.

use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::Refusal;
use super::rate::{Meter, Rate, RateLimit};
use super::shared::{Denial, SharedGuard};
use crate::account::{folded, site};
use crate::config;
use crate::flow::{CodeSend, SendRefusal, Sends};

#[derive(Debug)]
pub struct SendQuota {
    /// A reload may change them; what was counted stays.
    rules: ArcSwap<config::Guard>,
    meter: Meter,
    /// What all daemons count together.
    shared: Option<Arc<SharedGuard>>,
}

impl SendQuota {
    pub fn new(rules: &config::Guard) -> Self {
        Self { rules: ArcSwap::from_pointee(rules.clone()), meter: Meter::new(rules.entries), shared: None }
    }

    /// The same, and what `shared` counts of all daemons.
    #[must_use]
    pub fn sharing(self, shared: Option<Arc<SharedGuard>>) -> Self {
        Self { shared, ..self }
    }

    /// Goes on by `rules`, but for the size of its table.
    pub fn change(&self, rules: &config::Guard) {
        self.rules.store(Arc::new(rules.clone()));
    }

    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.meter.len()
    }

    /// Counts one code for the account of `send`, or returns when to retry. Never blocks.
    pub fn take(&self, send: &CodeSend<'_>, now: Instant) -> Result<(), Refusal> {
        if self.rules.load().enabled { self.meter.take(&self.bounds(send), now) } else { Ok(()) }
    }

    /// Takes back the last count for `send`: the code was not sent.
    pub fn give_back(&self, send: &CodeSend<'_>) {
        if self.rules.load().enabled {
            self.bounds(send).iter().for_each(|bound| self.meter.give_back(bound));
        }
    }

    fn bounds(&self, send: &CodeSend<'_>) -> Vec<RateLimit> {
        let config::Sends { user, client_ip, per } = self.rules.load().sends;
        let mut bounds = Vec::with_capacity(3);
        if let Some(address) = send.client_ip {
            self.meter.of_address(address, Rate { most: client_ip, per }, "sends_client_ip", &mut bounds);
        }
        let key = self.meter.key(&("user", send.connector, folded(send.account), send.client_ip.map(site)));
        bounds.push(RateLimit { key, rate: Rate { most: user, per }, by: "sends_user" });
        bounds
    }
}

impl Sends for SendQuota {
    fn may_send<'a>(&'a self, send: CodeSend<'a>) -> BoxFuture<'a, Result<(), SendRefusal>> {
        async move {
            self.take(&send, Instant::now()).map_err(|refusal| SendRefusal::TooOften(refusal.retry_after))?;
            let Some(shared) = &self.shared else { return Ok(()) };
            shared.take_send(&send).await.map_err(|denial| {
                self.give_back(&send);
                match denial {
                    Denial::Refused(refusal) => SendRefusal::TooOften(refusal.retry_after),
                    Denial::Uncounted => SendRefusal::Uncounted,
                }
            })
        }
        .boxed()
    }

    fn not_sent<'a>(&'a self, send: CodeSend<'a>) -> BoxFuture<'a, ()> {
        async move {
            self.give_back(&send);
            if let Some(shared) = &self.shared {
                shared.give_back_send(&send).await;
            }
        }
        .boxed()
    }
}
