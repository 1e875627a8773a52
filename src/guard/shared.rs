//! What the guard counts for several daemons together, in Redis (`guard.store: redis`).
//!
//! When Redis is away and `guard.when_away` is `local`, the daemon's own tables count, from then on; with `refuse` nothing is sent.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{AttemptKey, CLIENT_FAILURES_PERIOD, IN_FLIGHT_FACTOR, Outcome, Refusal, SITE_FACTOR, UtilityUse};
use crate::account::{folded, network, site};
use crate::config::{self, WhenAway};
use crate::flow::CodeSend;
use crate::state::counts::{FailureRules, SharedBound, SharedChange, SharedCounts, SharedEntry, SharedRule};

/// The shared part of the guard.
#[derive(Debug)]
pub struct SharedGuard {
    counts: Arc<SharedCounts>,
    /// A reload may change them; what was counted stays.
    rules: ArcSwap<config::Guard>,
}

/// Why an attempt is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// Too many failures, or too often.
    Refused(Refusal),
    /// Redis cannot say, and the configuration says to refuse then.
    Uncounted,
}

/// One name, how it is counted, and what a refusal calls it.
struct Bound {
    name: Vec<String>,
    rule: SharedRule,
    by: &'static str,
}

/// An attempt in flight. Dropped without [`SharedTicket::close`], its outcome is neutral.
#[derive(Debug)]
pub struct SharedTicket {
    guard: Arc<SharedGuard>,
    /// `None` once it is closed.
    entry: Option<(SharedEntry, Vec<Counted>)>,
}

/// What a bound of an attempt counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    User,
    Address,
    /// A rate, of which one is taken back unless the attempt failed.
    WithoutAddress,
}

impl SharedGuard {
    /// Counts in `counts` by `rules`.
    pub fn new(counts: Arc<SharedCounts>, rules: &config::Guard) -> Arc<Self> {
        Arc::new(Self { counts, rules: ArcSwap::from_pointee(rules.clone()) })
    }

    /// Goes on by `rules`. What was counted stays counted.
    pub fn change(&self, rules: &config::Guard) {
        self.rules.store(Arc::new(rules.clone()));
    }

    /// Admits an attempt; without a ticket it is counted by this daemon alone. Waits for Redis, a second at most.
    pub async fn enter(self: &Arc<Self>, attempt: &AttemptKey<'_>) -> Result<Option<SharedTicket>, Denial> {
        let rules = self.rules.load_full();
        if !rules.enabled {
            return Ok(None);
        }
        let (bounds, counted) = bounds_of(attempt, &rules);
        let entry = self.ask(&bounds, &rules).await?;
        Ok(entry.map(|entry| SharedTicket { guard: Arc::clone(self), entry: Some((entry, counted)) }))
    }

    /// Counts one code, if it may be sent.
    pub async fn take_send(&self, send: &CodeSend<'_>) -> Result<(), Denial> {
        let rules = self.rules.load_full();
        if !rules.enabled {
            return Ok(());
        }
        self.ask(&bounds_of_send(send, &rules), &rules).await.map(drop)
    }

    /// Takes back the last count for `send`: the code was not sent.
    pub async fn give_back_send(&self, send: &CodeSend<'_>) {
        let rules = self.rules.load_full();
        if rules.enabled {
            let bounds = bounds_of_send(send, &rules);
            let changes = vec![SharedChange::GiveBack; bounds.len()];
            let entry = with_names(&bounds, |bounds| self.counts.entry_of(bounds));
            // A count that stays makes the next code come a little later.
            let _ = self.counts.leave(&entry, &changes, failure_rules(&rules)).await;
        }
    }

    /// Counts one utility call, if it may be made.
    pub async fn take_utility(&self, call: &UtilityUse<'_>) -> Result<(), Denial> {
        let rules = self.rules.load_full();
        if !rules.enabled {
            return Ok(());
        }
        let config::Utilities { client, connector, client_ip, per } = rules.utilities;
        let mut bounds = Vec::with_capacity(4);
        if let Some(address) = call.client_ip {
            of_address("utility", address, (client_ip, per), &mut bounds);
        }
        let rate = |most| SharedRule::Rate { most, per };
        bounds.push(Bound::new(&["utility client", call.client], rate(client), "utility_client"));
        bounds.push(Bound::new(&["utility connector", call.connector], rate(connector), "utility_connector"));
        self.ask(&bounds, &rules).await.map(drop)
    }

    async fn ask(&self, bounds: &[Bound], rules: &config::Guard) -> Result<Option<SharedEntry>, Denial> {
        let entering = with_names(bounds, |bounds| self.counts.entry_of(bounds));
        match self.counts.enter(entering, failure_rules(rules)).await {
            Ok(Ok(entry)) => Ok(Some(entry)),
            Ok(Err(refusal)) => {
                let by = bounds.get(refusal.index).map_or("user", |bound| bound.by);
                Err(Denial::Refused(Refusal { retry_after: refusal.retry_after, by }))
            }
            Err(_) if rules.when_away == WhenAway::Local => Ok(None),
            Err(_) => Err(Denial::Uncounted),
        }
    }
}

fn with_names<T>(bounds: &[Bound], with: impl FnOnce(&[SharedBound<'_>]) -> T) -> T {
    let names: Vec<Vec<&str>> = bounds.iter().map(Bound::parts).collect();
    let shared: Vec<SharedBound<'_>> =
        names.iter().zip(bounds).map(|(name, bound)| SharedBound { name: name.as_slice(), rule: bound.rule }).collect();
    with(&shared)
}

impl Bound {
    fn new(name: &[&str], rule: SharedRule, by: &'static str) -> Self {
        Self { name: name.iter().map(|part| (*part).to_owned()).collect(), rule, by }
    }

    fn parts(&self) -> Vec<&str> {
        self.name.iter().map(String::as_str).collect()
    }
}

fn failure_rules(rules: &config::Guard) -> FailureRules<'_> {
    FailureRules { forget_after: rules.forget_after, waits: &rules.waits }
}

/// The bounds of an attempt, the widest first, as the daemon's own guard asks them.
fn bounds_of(attempt: &AttemptKey<'_>, rules: &config::Guard) -> (Vec<Bound>, Vec<Counted>) {
    let AttemptKey { client, connector, username, client_ip } = *attempt;
    let (mut bounds, mut counted) = (Vec::with_capacity(3), Vec::with_capacity(3));
    if let Some(address) = client_ip {
        let (network, site) = (network(address), site(address));
        let failures = |free: u32| SharedRule::Failures {
            free,
            in_flight: free.saturating_add(1).saturating_mul(IN_FLIGHT_FACTOR),
            account: false,
        };
        let free = rules.client_ip_failures;
        bounds.push(Bound::new(&["guard address", &network.to_string()], failures(free), "client_ip"));
        counted.push(Counted::Address);
        if site != network {
            let free = free.saturating_mul(SITE_FACTOR);
            bounds.push(Bound::new(&["guard address", &site.to_string()], failures(free), "client_ip"));
            counted.push(Counted::Address);
        }
    } else {
        let rate = SharedRule::Rate { most: rules.client_failures, per: CLIENT_FAILURES_PERIOD };
        bounds.push(Bound::new(&["guard client", client, connector], rate, "client"));
        counted.push(Counted::WithoutAddress);
    }
    let place = client_ip.map(site).map(|site| site.to_string()).unwrap_or_default();
    let rule = SharedRule::Failures { free: rules.user_failures, in_flight: rules.parallel, account: true };
    bounds.push(Bound::new(&["guard user", connector, &folded(username), &place], rule, "user"));
    counted.push(Counted::User);
    (bounds, counted)
}

fn bounds_of_send(send: &CodeSend<'_>, rules: &config::Guard) -> Vec<Bound> {
    let config::Sends { user, client_ip, per } = rules.sends;
    let mut bounds = Vec::with_capacity(3);
    if let Some(address) = send.client_ip {
        of_address("sends", address, (client_ip, per), &mut bounds);
    }
    let place = send.client_ip.map(site).map(|site| site.to_string()).unwrap_or_default();
    let name = ["sends user", send.connector, &folded(send.account), &place];
    bounds.push(Bound::new(&name, SharedRule::Rate { most: user, per }, "sends_user"));
    bounds
}

/// The rates of an address and of its site.
fn of_address(what: &'static str, address: IpAddr, (most, per): (u32, std::time::Duration), bounds: &mut Vec<Bound>) {
    let by = if what == "sends" { "sends_client_ip" } else { "utility_client_ip" };
    let (network, site) = (network(address), site(address));
    bounds.push(Bound::new(&[by, &network.to_string()], SharedRule::Rate { most, per }, by));
    if site != network {
        let most = most.saturating_mul(SITE_FACTOR);
        bounds.push(Bound::new(&[by, &site.to_string()], SharedRule::Rate { most, per }, by));
    }
}

impl SharedTicket {
    /// Counts the outcome. Does not wait: until Redis has it, the attempt is in flight, which counts as a failure.
    pub fn close(mut self, outcome: Outcome) {
        self.settle(outcome);
    }

    fn settle(&mut self, outcome: Outcome) {
        let Some((entry, counted)) = self.entry.take() else { return };
        let changes: Vec<SharedChange> = counted.iter().map(|counted| change(*counted, outcome)).collect();
        let guard = Arc::clone(&self.guard);
        // Without a runtime the daemon is at its end; what it had in flight ends in Redis by itself.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let rules = guard.rules.load_full();
                // A failure that is lost with Redis is counted by this daemon all the same.
                let _ = guard.counts.leave(&entry, &changes, failure_rules(&rules)).await;
            });
        }
    }
}

impl Drop for SharedTicket {
    fn drop(&mut self) {
        self.settle(Outcome::Neutral);
    }
}

fn change(counted: Counted, outcome: Outcome) -> SharedChange {
    match (counted, outcome) {
        (Counted::User, Outcome::Failed | Outcome::Unreadable) | (Counted::Address, Outcome::Failed) => {
            SharedChange::Fail
        }
        (Counted::User, Outcome::Succeeded) => SharedChange::Clear,
        (Counted::WithoutAddress, Outcome::Failed) => SharedChange::Keep,
        (Counted::WithoutAddress, _) => SharedChange::GiveBack,
        (Counted::User | Counted::Address, _) => SharedChange::Leave,
    }
}
