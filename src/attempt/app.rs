//! What all entry points use, and the bounds that all logins share.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use futures_util::future::BoxFuture;
use http::HeaderMap;
use jiff::Timestamp;

use super::callers::{CallPermit, Caller, Callers};
use super::configuration::Configuration;
use super::connectors::Connectors;
use super::outcome::TooManyCalls;
use super::recent::RecentLogins;
use super::reload::{ReloadOutcome, Reloads};
use super::shares::{LoginSlot, LoginSlots, NoSlot, SlotRequest};
use crate::audit::Trail;
use crate::config::{Client, Config, Limits};
use crate::guard::{AuditLineRate, Guard, SharedGuard, UtilityRate};
use crate::metrics::{Metrics, Shed};
use crate::otel::{LoginSpan, RemoteParent, Tracer};
use crate::session::Sessions;
use crate::state::{Bounds, Challenges};

/// What all entry points use.
pub struct App {
    /// The connectors.
    pub connectors: Arc<dyn Connectors>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Where logins wait for an answer of the user.
    pub challenges: Arc<Challenges>,
    /// The wall clock of audit lines.
    pub now: fn() -> Timestamp,
    /// Reloads of the connectors, one at a time.
    pub reloads: Arc<Reloads>,
    configuration: Option<Configuration>,
    trail: ArcSwapOption<Trail>,
    callers: ArcSwap<Callers>,
    limits: Arc<ArcSwap<Limits>>,
    pub(super) guard: Arc<Guard>,
    pub(super) shared: Option<Arc<SharedGuard>>,
    pub(super) lines: AuditLineRate,
    pub(super) utilities: UtilityRate,
    pub(super) recent: RecentLogins,
    pub(super) tracer: Option<Arc<Tracer>>,
    pub(super) sessions: Option<Arc<Sessions>>,
    slots: Arc<LoginSlots>,
    draining: AtomicBool,
}

impl App {
    /// What the configuration says; challenges are kept in this process.
    pub fn new(config: &Config, connectors: Arc<dyn Connectors>, metrics: Arc<Metrics>, trail: Option<Trail>) -> Self {
        Self {
            reloads: Reloads::new(Arc::clone(&metrics)),
            configuration: None,
            connectors,
            metrics,
            trail: ArcSwapOption::new(trail.map(Arc::new)),
            challenges: Arc::new(Challenges::memory(Bounds::default())),
            now: Timestamp::now,
            callers: ArcSwap::from_pointee(Callers::new(config.clients.clone(), config.limits.connector_reply_memory)),
            guard: Arc::new(Guard::new(config.guard.clone())),
            shared: None,
            lines: AuditLineRate::new(&config.guard),
            utilities: UtilityRate::new(&config.guard),
            limits: Arc::new(ArcSwap::from_pointee(config.limits)),
            recent: RecentLogins::default(),
            tracer: None,
            sessions: None,
            slots: LoginSlots::new(config.limits.in_flight),
            draining: AtomicBool::new(false),
        }
    }

    /// The same with another store of challenges.
    #[must_use]
    pub fn keeping(self, challenges: Arc<Challenges>) -> Self {
        Self { challenges, ..self }
    }

    /// The same, and what `shared` counts of all daemons.
    #[must_use]
    pub fn sharing(self, shared: Option<Arc<SharedGuard>>) -> Self {
        Self { shared, ..self }
    }

    /// The same, with `configuration` read anew by each reload.
    #[must_use]
    pub fn configured_by(self, configuration: Configuration) -> Self {
        Self { configuration: Some(configuration), ..self }
    }

    /// The same, with its logins traced by `tracer`.
    #[must_use]
    pub fn traced_by(self, tracer: Option<Arc<Tracer>>) -> Self {
        Self { tracer, ..self }
    }

    /// The same, with sessions that its logins may open.
    #[must_use]
    pub fn opening(self, sessions: Option<Arc<Sessions>>) -> Self {
        Self { sessions, ..self }
    }

    /// The sessions, if any are kept.
    pub(crate) fn sessions(&self) -> Option<&Sessions> {
        self.sessions.as_deref()
    }

    /// The span of a login that begins now; `None` where logins are not traced.
    pub(super) fn begin_span(&self, parent: Option<RemoteParent>) -> Option<Arc<LoginSpan>> {
        self.tracer.as_ref().map(|tracer| Arc::new(tracer.begin(parent)))
    }

    /// The caller's span, as the headers of its request tell it; `None` where logins are not traced.
    pub(crate) fn parent(&self, headers: &HeaderMap) -> Option<RemoteParent> {
        self.tracer.as_ref().and_then(|_| RemoteParent::of(headers))
    }

    /// The configuration that reloads read, if there is a file of it.
    pub(crate) fn configuration(&self) -> Option<&Configuration> {
        self.configuration.as_ref()
    }

    /// The audit trail, if one is kept.
    pub fn trail(&self) -> Option<Arc<Trail>> {
        self.trail.load_full()
    }

    /// Ends the trail: later verdicts have no line. `None` when there is none, or a call is about to write to it.
    pub fn take_trail(&self) -> Option<Trail> {
        self.trail.swap(None).and_then(Arc::into_inner)
    }

    /// Who may call now.
    pub(crate) fn callers(&self) -> Arc<Callers> {
        self.callers.load_full()
    }

    /// The clients of now.
    pub(crate) fn clients(&self) -> Vec<Client> {
        self.callers.load().clients()
    }

    /// The bounds of now.
    pub fn limits(&self) -> Limits {
        **self.limits.load()
    }

    /// The bounds, as reloads change them.
    pub(crate) fn shared_limits(&self) -> Arc<ArcSwap<Limits>> {
        Arc::clone(&self.limits)
    }

    /// Goes on as `config` says, but for what needs a restart. An error: the audit file cannot be opened, and nothing changed.
    pub(super) fn apply(&self, config: &Config) -> io::Result<()> {
        let Limits { in_flight, connector_reply_memory, .. } = config.limits;
        match (&config.audit, self.trail()) {
            (Some(audit), Some(trail)) => trail.change(audit)?,
            (Some(audit), None) => {
                self.trail.store(Some(Arc::new(Trail::open(audit, Arc::clone(&self.metrics))?)));
            }
            // Its thread ends when the last login that has a place in it ends.
            (None, _) => self.trail.store(None),
        }
        self.callers.rcu(|callers| callers.followed_by(config.clients.clone(), connector_reply_memory));
        self.limits.store(Arc::new(Limits { connections: self.limits().connections, ..config.limits }));
        self.slots.resize(in_flight);
        self.guard.change(config.guard.clone());
        if let Some(shared) = &self.shared {
            shared.change(&config.guard);
        }
        self.utilities.change(&config.guard);
        Ok(())
    }

    /// From now on `/readyz` says no, so that balancers look elsewhere.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the daemon is shutting down.
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Reads the configuration and the connectors again. The reading begins after the call; `None` when it panicked.
    pub async fn reload(self: &Arc<Self>) -> Option<ReloadOutcome> {
        let app = Arc::clone(self);
        let reload = move || -> BoxFuture<'static, ReloadOutcome> {
            let app = Arc::clone(&app);
            Box::pin(async move {
                let configuration = match &app.configuration {
                    Some(configuration) => Some(configuration.reload(&|config| app.apply(config)).await),
                    None => None,
                };
                let connectors = app.connectors.reload().await;
                let doors = app.reloads.tell_follower().await;
                ReloadOutcome { connectors, configuration, doors }
            })
        };
        self.reloads.reload(Arc::new(reload)).await
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
            only_client: self.callers.load().one_logs_in(),
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
