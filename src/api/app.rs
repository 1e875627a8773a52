//! What every endpoint may use, and the bounds that all logins share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{Request, header};
use jiff::Timestamp;

use super::callers::{Caller, Callers};
use super::problem::Problem;
use super::reload::Reloads;
use crate::attempt::connectors::Connectors;
use crate::attempt::login::SOON;
use crate::attempt::shares::{Full, Logins, Running, Wanted};
use crate::audit::Trail;
use crate::config::{Certificate, Client, Config, Limits, Scope};
use crate::guard::{Guard, LineRate, UtilityRate};
use crate::http::guests::Guest;
use crate::metrics::{Metrics, Shed};
use crate::state::{Bounds, Challenges};

/// What every endpoint may use.
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
    pub(crate) callers: Callers,
    pub(crate) guard: Arc<Guard>,
    pub(crate) lines: LineRate,
    pub(crate) utilities: UtilityRate,
    pub(crate) limits: Limits,
    /// The places of logins that run.
    logins: Arc<Logins>,
    pub(crate) reloads: Arc<Reloads>,
    draining: AtomicBool,
}

impl App {
    /// The server's side of the configuration; challenges are kept in this process.
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
            lines: LineRate::new(&config.guard),
            utilities: UtilityRate::new(&config.guard),
            limits: config.limits,
            logins: Logins::new(config.limits.in_flight),
            draining: AtomicBool::new(false),
        }
    }

    /// The same with another place for challenges.
    #[must_use]
    pub fn keeping(self, challenges: Arc<Challenges>) -> Self {
        Self { challenges, ..self }
    }

    /// From now on `/readyz` says no, so that balancers look elsewhere.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the daemon is ending.
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// A place for a login (or a utility call, which costs the same) of a connector that a client asks for.
    pub(crate) fn begin(&self, connector: &str, client: &Client) -> Result<Running, Full> {
        let running = self.logins.enter(Wanted {
            connector,
            client: &client.name,
            only_connector: self.connectors.running() <= 1,
            only_client: self.callers.one_logs_in(),
            client_has_one: client.connectors.as_ref().is_some_and(|ids| ids.len() <= 1),
        });
        running.inspect_err(|full| {
            self.metrics.shed(match full {
                Full::Daemon => Shed::Logins,
                Full::Connector => Shed::ConnectorShare,
                Full::Client => Shed::ClientShare,
            });
        })
    }

    /// Waits until no login runs. Bound it: a login may take its connector's whole timeout.
    pub async fn logins_done(&self) {
        self.logins.done().await;
    }

    /// The client behind a request, if it has `scope`. The accept loop puts a verified client certificate into the
    /// extensions.
    pub(crate) fn caller(&self, request: &Request<Body>, scope: Scope) -> Result<Arc<Caller>, Problem> {
        let certificate = request.extensions().get::<Arc<Certificate>>();
        let caller = self.callers.identify(request.headers(), certificate.map(AsRef::as_ref))?;
        if let Some(guest) = request.extensions().get::<Arc<Guest>>() {
            guest.is_known(&caller.client.name, self.callers.one_logs_in());
        }
        if caller.client.scopes.contains(&scope) { Ok(caller) } else { Err(Problem::OutOfScope(scope)) }
    }

    /// The answer to a client that may read: `text`, of the media type `kind`, unless it has not taken what it asked for before.
    pub(crate) fn read(
        &self,
        request: &Request<Body>,
        kind: &'static str,
        text: impl FnOnce(&Caller) -> Vec<u8>,
    ) -> Response {
        let answer = self.caller(request, Scope::Read).and_then(|caller| {
            if caller.unread.is_full() {
                self.metrics.shed(Shed::Client);
                return Err(Problem::TooMany(SOON));
            }
            Ok(([(header::CONTENT_TYPE, kind)], caller.unread.body(text(&caller))).into_response())
        });
        self.settle(answer)
    }

    /// The response of an endpoint; counts faults of the call.
    pub(crate) fn settle(&self, answer: Result<Response, Problem>) -> Response {
        answer.unwrap_or_else(|problem| {
            self.metrics.problem(problem.code());
            problem.into_response()
        })
    }
}
