//! The connectors of the catalog, for attempts.
//!
//! What a caller may know about a connector is worked out once a generation, not once a login. Every reload of the
//! daemon goes through here: the API's, SIGHUP's and the watch's.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::connectors::{Attribute, Call, Connector, ConnectorSummary, Connectors, DryRun, Health, Reloaded};
use crate::account::{MAX_PACKED_BYTES, UNREADABLE};
use crate::catalog::{Catalog, CatalogEntry, Loader};
use crate::clock::System;
use crate::connector;
use crate::connector::Live;
use crate::diagnostic::{Diagnostic, Severity};
use crate::flow::progress::Progress;
use crate::flow::report::{LoginNames, Report};
use crate::flow::{
    Exchange, Login, Ports, Rehearsal, Resumption, Sends, UtilityCall, UtilityEnd, UtilityReport, authenticate, resume,
    utility,
};
use crate::otel::TracedExchange;
use crate::packing::{Packing, PackingFormat, USER_FIELD, unpack};
use crate::script::Sandbox;
use crate::verdict::{Misconfigured, Verdict};

/// The connectors of the catalog.
pub struct LiveConnectors {
    catalog: Catalog,
    /// The quota of codes; every generation shares it, so that a reload resets nothing.
    sends: Arc<dyn Sends>,
    running: ArcSwap<BTreeMap<String, Arc<dyn Connector>>>,
    /// How many of them can run.
    count: AtomicUsize,
}

impl LiveConnectors {
    /// The connectors of `catalog`; none before the first reload.
    pub fn new(catalog: Catalog, sends: Arc<dyn Sends>) -> Self {
        Self { catalog, sends, running: ArcSwap::default(), count: AtomicUsize::default() }
    }

    /// The next reload loads by `loader`.
    pub(super) fn change_loader(&self, loader: Loader) {
        self.catalog.change_loader(loader);
    }

    /// Reads all files and swaps the generation. Says what changed and everything that was found in the files.
    pub async fn load(&self) -> std::io::Result<(Reloaded, Vec<Diagnostic>)> {
        let (reloaded, diagnostics) = self.catalog.reload().await?;
        let entries = self.catalog.entries();
        let live = entries.values().filter(|entry| matches!(entry, CatalogEntry::Live { .. })).count();
        self.count.store(live, Ordering::Relaxed);
        let running = entries.iter().map(|(id, entry)| (id.clone(), loaded(id, entry, &self.sends))).collect();
        self.running.store(Arc::new(running));
        self.warn_of_sandbox();
        Ok((reloaded, diagnostics))
    }
}

impl LiveConnectors {
    /// A kernel or a container without the means runs scripts all the same; then the log says what is missing.
    fn warn_of_sandbox(&self) {
        let Some(sandbox) = self.sandbox().filter(|sandbox| *sandbox != Sandbox::WHOLE) else { return };
        tracing::warn!(
            sandbox = sandbox.to_string(),
            "script workers run without their whole sandbox: the kernel or the container withholds a part"
        );
    }
}

impl Connectors for LiveConnectors {
    fn find(&self, id: &str) -> Option<Arc<dyn Connector>> {
        self.running.load().get(id).cloned()
    }

    fn list(&self) -> Vec<Arc<dyn Connector>> {
        self.running.load().values().cloned().collect()
    }

    fn running(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn sandbox(&self) -> Option<Sandbox> {
        let entries = self.catalog.entries();
        let pools = entries.values().filter_map(|entry| match entry {
            CatalogEntry::Live { live, .. } => live.scripts.as_ref(),
            CatalogEntry::Broken { .. } => None,
        });
        pools.map(|pool| pool.sandbox()).reduce(Sandbox::and)
    }

    fn reload(&self) -> BoxFuture<'_, Reloaded> {
        async {
            match self.load().await {
                Ok((reloaded, diagnostics)) => {
                    log(&reloaded, &diagnostics);
                    reloaded
                }
                Err(error) => {
                    tracing::error!(%error, "connector directory unreadable; the previous connectors stay in use");
                    Reloaded { unreadable: true, ..Reloaded::default() }
                }
            }
        }
        .boxed()
    }
}

/// Logs what a reload came to, a line for each diagnostic.
pub fn log(reloaded: &Reloaded, diagnostics: &[Diagnostic]) {
    log_diagnostics("connector", diagnostics);
    let Reloaded { changed, removed, refused, .. } = reloaded;
    tracing::info!(
        changed = changed.join(" "),
        removed = removed.join(" "),
        refused = refused.join(" "),
        "connectors loaded"
    );
}

/// A line for each diagnostic of the files of one kind: connectors or doors.
pub fn log_diagnostics(of: &'static str, diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        let at = diagnostic.at.as_ref().map(|(file, span)| {
            let position = file.position(span.start);
            format!("{}:{}:{}", file.path.display(), position.line, position.column)
        });
        let (at, code, what) = (at.unwrap_or_default(), diagnostic.code, diagnostic.message.as_str());
        match (diagnostic.severity, of) {
            (Severity::Error, "door") => tracing::error!(at, code, what, "door error"),
            (Severity::Warning, "door") => tracing::warn!(at, code, what, "door warning"),
            (Severity::Error, _) => tracing::error!(at, code, what, "connector error"),
            (Severity::Warning, _) => tracing::warn!(at, code, what, "connector warning"),
        }
    }
}

fn loaded(id: &str, entry: &CatalogEntry, sends: &Arc<dyn Sends>) -> Arc<dyn Connector> {
    let (about, live) = match entry {
        CatalogEntry::Live { live, stale } => {
            let health = if *stale { Health::Stale } else { Health::Current };
            (about(&live.connector, health), Ok(Arc::clone(live)))
        }
        CatalogEntry::Broken { forbidden } => {
            let about = ConnectorSummary { id: id.to_owned(), health: Health::Invalid, ..ConnectorSummary::default() };
            (about, Err(if *forbidden { FORBIDDEN } else { INVALID }))
        }
    };
    Arc::new(LoadedConnector { about, live, sends: Arc::clone(sends) })
}

/// The error that callers get for a file that was never valid.
const INVALID: &str = "the connector file is invalid; `doorward check` and the daemon's log say where";

/// The error that callers get for a connector that is valid but for an address.
const FORBIDDEN: &str = "the egress rules of the daemon (egress in doorward.yaml) forbid an address of this connector; the daemon's log says which";

/// A connector that is in no catalog.
pub(crate) fn apart(live: Arc<Live>, sends: Arc<dyn Sends>) -> Arc<dyn Connector> {
    Arc::new(LoadedConnector { about: about(&live.connector, Health::Current), live: Ok(live), sends })
}

/// What callers may know of a connector.
pub fn about(connector: &connector::Connector, health: Health) -> ConnectorSummary {
    let input = &connector.input;
    let attribute = |attribute: &connector::Attribute| {
        (attribute.name.clone(), Attribute { required: attribute.required, max: Some(attribute.max) })
    };
    ConnectorSummary {
        id: connector.id.clone(),
        title: connector.title.clone(),
        kind: connector.kind,
        revision: connector.revision.clone(),
        username: input.username,
        attributes: input.attributes.iter().map(attribute).collect(),
        no_password: input.no_password,
        password_fields: input.password_fields.as_ref().map(packed),
        username_fields: input.username_fields.as_ref().map(packed),
        facts: connector.login_facts(),
        health,
    }
}

fn packed(packing: &Packing) -> &'static str {
    match packing.format {
        PackingFormat::Json5 => "json5",
        PackingFormat::Form => "form",
        PackingFormat::Pairs(_) => "pairs",
    }
}

/// A connector of the present generation.
struct LoadedConnector {
    about: ConnectorSummary,
    /// The error is the one that callers get for a connector that cannot run.
    live: Result<Arc<Live>, &'static str>,
    sends: Arc<dyn Sends>,
}

impl Connector for LoadedConnector {
    fn about(&self) -> &ConnectorSummary {
        &self.about
    }

    fn run(self: Arc<Self>, login: Login, call: Call) -> BoxFuture<'static, Report> {
        async move {
            match &self.live {
                Ok(live) => {
                    let traced = traced(live, &call);
                    authenticate(&live.connector, self.ports(live, &call, traced.as_ref()), login).await
                }
                Err(what) => self.misconfigured(what, login.request_id, login.username),
            }
        }
        .boxed()
    }

    fn resume(self: Arc<Self>, resumption: Resumption, call: Call) -> BoxFuture<'static, Report> {
        async move {
            match &self.live {
                Ok(live) => {
                    let traced = traced(live, &call);
                    resume(&live.connector, self.ports(live, &call, traced.as_ref()), resumption).await
                }
                Err(what) => {
                    let saved = &resumption.saved;
                    self.misconfigured(what, saved.request_id().to_owned(), saved.username().to_owned())
                }
            }
        }
        .boxed()
    }

    fn dry_run(self: Arc<Self>, login: Login) -> BoxFuture<'static, DryRun> {
        async move {
            let live = match &self.live {
                Ok(live) => live,
                Err(what) => {
                    let report = self.misconfigured(what, login.request_id, login.username);
                    return DryRun { report, ready: false };
                }
            };
            let (rehearsal, progress) = (Rehearsal::default(), Progress::default());
            // Nothing is sent, so there is nothing to cache and nothing that another login may wait for.
            let ports = Ports { exchange: &rehearsal, step_cache: None, ..Ports::of(live, &System, &progress) };
            let report = authenticate(&live.connector, ports, login).await;
            DryRun { report, ready: rehearsal.was_asked() }
        }
        .boxed()
    }

    fn utility(self: Arc<Self>, call: UtilityCall) -> BoxFuture<'static, UtilityReport> {
        async move {
            let live = match &self.live {
                Ok(live) => live,
                Err(what) => return self.misconfigured_utility(what, call.request_id),
            };
            let progress = Progress::default();
            let ports = Ports { sends: &*self.sends, ..Ports::of(live, &System, &progress) };
            utility(&live.connector, ports, call).await
        }
        .boxed()
    }

    fn account<'a>(&self, username: &'a str) -> Cow<'a, str> {
        let live = self.live.as_ref().ok();
        let packing = live.and_then(|live| live.connector.input.username_fields.as_ref());
        let Some(packing) = packing else { return Cow::Borrowed(username) };
        // The run refuses what cannot be read, and nothing of it is written anywhere.
        let text = Some(username).filter(|text| text.len() <= MAX_PACKED_BYTES);
        let fields = text.and_then(|text| unpack(packing, text).ok());
        let user = fields.and_then(|mut fields| fields.swap_remove(USER_FIELD));
        user.map_or(Cow::Borrowed(UNREADABLE), |user| Cow::Owned(user.expose().to_owned()))
    }
}

/// The upstream, as the login's span sees it.
fn traced<'a>(live: &'a Live, call: &'a Call) -> Option<TracedExchange<'a>> {
    let span = call.span.as_deref()?;
    Some(TracedExchange::new(&live.client, span, live.connector.traceparent))
}

impl LoadedConnector {
    fn ports<'a>(&'a self, live: &'a Live, call: &'a Call, traced: Option<&'a TracedExchange<'a>>) -> Ports<'a> {
        let ports = Ports::of(live, &System, &call.progress);
        let exchange: &dyn Exchange = traced.map_or(ports.exchange, |traced| traced);
        Ports { exchange, sends: &*self.sends, challenges: &*call.challenges, ..ports }
    }

    fn misconfigured(&self, what: &str, request_id: String, username: String) -> Report {
        let names = LoginNames {
            connector: self.about.id.clone(),
            revision: self.about.revision.clone(),
            request_id,
            account: username.clone(),
            username,
        };
        Report::without_run(names, Verdict::Misconfigured(Misconfigured { what: what.to_owned() }), what)
    }

    fn misconfigured_utility(&self, what: &str, request_id: String) -> UtilityReport {
        UtilityReport {
            connector: self.about.id.clone(),
            revision: self.about.revision.clone(),
            request_id,
            end: UtilityEnd::Misconfigured(Misconfigured { what: what.to_owned() }),
            explain: what.to_owned(),
            steps: Vec::new(),
            took: Duration::ZERO,
        }
    }
}
