//! What every way in uses, and the bounds that all logins share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use super::callers::{CallPermit, Caller, Callers};
use super::connectors::{Connectors, Reloaded};
use super::outcome::TooManyCalls;
use super::reload::Reloads;
use super::shares::{LoginSlot, LoginSlots, NoSlot, SlotRequest};
use crate::audit::Trail;
use crate::config::{Client, Config, Limits};
use crate::guard::{AuditLineRate, Guard, UtilityRate};
use crate::metrics::{Metrics, Shed};
use crate::state::{Bounds, Challenges};

/// What every way in uses.
pub struct App {
    /// The connectors.
    pub connectors: Arc<dyn Connectors>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The audit trail, if one is kept.
    pub trail: Option<Trail>,
    /// Where logins wait for an answer of the user.
    pub challenges: Arc<Challenges>,
    /// The wall clock of audit lines.
    pub now: fn() -> Timestamp,
    /// Reloads of the connectors, one at a time.
    pub reloads: Arc<Reloads>,
    pub(crate) callers: Callers,
    pub(crate) limits: Limits,
    pub(super) guard: Arc<Guard>,
    pub(super) lines: AuditLineRate,
    pub(super) utilities: UtilityRate,
    slots: Arc<LoginSlots>,
    draining: AtomicBool,
}

impl App {
    /// What the configuration says; challenges are kept in this process.
    pub fn new(config: &Config, connectors: Arc<dyn Connectors>, metrics: Arc<Metrics>, trail: Option<Trail>) -> Self {
        Self {
            reloads: Reloads::new(Arc::clone(&connectors), Arc::clone(&metrics)),
            connectors,
            metrics,
            trail,
            challenges: Arc::new(Challenges::memory(Bounds::default())),
            now: Timestamp::now,
            callers: Callers::new(config.clients.clone(), config.limits.connector_reply_memory),
            guard: Arc::new(Guard::new(config.guard.clone())),
            lines: AuditLineRate::new(&config.guard),
            utilities: UtilityRate::new(&config.guard),
            limits: config.limits,
            slots: LoginSlots::new(config.limits.in_flight),
            draining: AtomicBool::new(false),
        }
    }

    /// The same with another store of challenges.
    #[must_use]
    pub fn keeping(self, challenges: Arc<Challenges>) -> Self {
        Self { challenges, ..self }
    }

    /// From now on `/readyz` says no, so that balancers look elsewhere.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the daemon is shutting down.
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Reads the connectors again. The reading begins after the call; `None` when it panicked.
    pub async fn reload(&self) -> Option<Reloaded> {
        self.reloads.reload().await
    }

    pub(super) fn call_permit(&self, caller: &Caller) -> Result<CallPermit, TooManyCalls> {
        caller.enter().inspect_err(|TooManyCalls| self.metrics.shed(Shed::Client))
    }

    /// A slot for a login (or a utility call, which costs the same) of a connector that a client asks for.
    pub(super) fn login_slot(&self, connector: &str, client: &Client) -> Result<LoginSlot, NoSlot> {
        let slot = self.slots.take(SlotRequest {
            connector,
            client: &client.name,
            only_connector: self.connectors.running() <= 1,
            only_client: self.callers.one_logs_in(),
            client_has_one: client.connectors.as_ref().is_some_and(|ids| ids.len() <= 1),
        });
        slot.inspect_err(|full| {
            self.metrics.shed(match full {
                NoSlot::Daemon => Shed::Logins,
                NoSlot::Connector => Shed::ConnectorShare,
                NoSlot::Client => Shed::ClientShare,
            });
        })
    }

    /// Waits until no login runs. Bound it: a login may take its connector's whole timeout.
    pub async fn logins_done(&self) {
        self.slots.all_free().await;
    }
}
