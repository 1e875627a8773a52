//! The catalog of connectors as the server sees it.
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

use super::connectors::{About, Attribute, Call, Connector, Connectors, Health, Rehearsed, Reloaded};
use crate::account::{MAX_PACKED_BYTES, UNREADABLE};
use crate::catalog::{Catalog, Entry};
use crate::clock::System;
use crate::connector;
use crate::connector::Live;
use crate::diagnostic::{Diagnostic, Severity};
use crate::flow::progress::Progress;
use crate::flow::report::Report;
use crate::flow::{
    Login, Rehearsal, Resumption, Sends, Tools, UtilityCall, UtilityEnd, UtilityReport, authenticate, resume, utility,
};
use crate::packing::{Packing, PackingFormat, unpack};
use crate::script::Sandbox;
use crate::verdict::{Misconfigured, Verdict};

/// The field of a packed user name that names the account (docs/contract.md section 2).
const USER_FIELD: &str = "user";

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

    /// Reads all files and swaps the generation. Says what changed and everything that was found in the files.
    pub async fn load(&self) -> std::io::Result<(Reloaded, Vec<Diagnostic>)> {
        let (change, diagnostics) = self.catalog.reload().await?;
        let entries = self.catalog.entries();
        let live = entries.values().filter(|entry| matches!(entry, Entry::Live { .. })).count();
        self.count.store(live, Ordering::Relaxed);
        let running = entries.iter().map(|(id, entry)| (id.clone(), connector_of(id, entry, &self.sends))).collect();
        self.running.store(Arc::new(running));
        self.tell_of_sandbox();
        let reloaded = Reloaded { changed: change.changed, removed: change.removed, refused: change.refused };
        Ok((reloaded, diagnostics))
    }
}

impl LiveConnectors {
    /// Says in the log what script workers lack. A kernel or a container that has no part of it runs scripts all the same.
    fn tell_of_sandbox(&self) {
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
            Entry::Live { live, .. } => live.scripts.as_ref(),
            Entry::Broken { .. } => None,
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
                    tracing::error!(%error, "the directory of connectors cannot be read; the last generation runs on");
                    Reloaded::default()
                }
            }
        }
        .boxed()
    }
}

/// Writes what a reload came to into the log, a line a mistake.
pub fn log(reloaded: &Reloaded, diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        let at = diagnostic.at.as_ref().map(|(file, span)| {
            let position = file.position(span.start);
            format!("{}:{}:{}", file.path.display(), position.line, position.column)
        });
        let (at, code, what) = (at.unwrap_or_default(), diagnostic.code, diagnostic.message.as_str());
        match diagnostic.severity {
            Severity::Error => tracing::error!(at, code, what, "a mistake in a connector"),
            Severity::Warning => tracing::warn!(at, code, what, "a connector wants a look"),
        }
    }
    let Reloaded { changed, removed, refused } = reloaded;
    tracing::info!(
        changed = changed.join(" "),
        removed = removed.join(" "),
        refused = refused.join(" "),
        "connectors read"
    );
}

fn connector_of(id: &str, entry: &Entry, sends: &Arc<dyn Sends>) -> Arc<dyn Connector> {
    match entry {
        Entry::Live { live, stale } => Arc::new(Running {
            about: about(&live.connector, if *stale { Health::Stale } else { Health::Current }),
            live: Arc::clone(live),
            sends: Arc::clone(sends),
        }),
        Entry::Broken { forbidden } => {
            let about = About { id: id.to_owned(), health: Health::Invalid, ..About::default() };
            Arc::new(Broken { about, what: if *forbidden { FORBIDDEN } else { INVALID } })
        }
    }
}

fn about(connector: &connector::Connector, health: Health) -> About {
    let input = &connector.input;
    let attribute = |attribute: &connector::Attribute| {
        (attribute.name.clone(), Attribute { required: attribute.required, max: Some(attribute.max) })
    };
    About {
        id: connector.id.clone(),
        title: connector.title.clone(),
        kind: connector.kind,
        revision: connector.revision.clone(),
        username: input.username,
        attributes: input.attributes.iter().map(attribute).collect(),
        no_password: input.no_password,
        password_fields: input.password_fields.as_ref().map(packed),
        username_fields: input.username_fields.as_ref().map(packed),
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

/// A connector that runs.
struct Running {
    about: About,
    live: Arc<Live>,
    sends: Arc<dyn Sends>,
}

impl Connector for Running {
    fn about(&self) -> &About {
        &self.about
    }

    fn run(self: Arc<Self>, login: Login, call: Call) -> BoxFuture<'static, Report> {
        async move { authenticate(&self.live.connector, self.tools(&call), login).await }.boxed()
    }

    fn resume(self: Arc<Self>, resumption: Resumption, call: Call) -> BoxFuture<'static, Report> {
        async move { resume(&self.live.connector, self.tools(&call), resumption).await }.boxed()
    }

    fn rehearse(self: Arc<Self>, login: Login) -> BoxFuture<'static, Rehearsed> {
        async move {
            let (rehearsal, progress) = (Rehearsal::default(), Progress::default());
            // What was never sent is nothing to keep, and nobody may wait for it.
            let tools = Tools { exchange: &rehearsal, step_cache: None, ..Tools::of(&self.live, &System, &progress) };
            let report = authenticate(&self.live.connector, tools, login).await;
            Rehearsed { report, ready: rehearsal.was_asked() }
        }
        .boxed()
    }

    fn utility(self: Arc<Self>, call: UtilityCall) -> BoxFuture<'static, UtilityReport> {
        async move {
            let progress = Progress::default();
            let tools = Tools { sends: &*self.sends, ..Tools::of(&self.live, &System, &progress) };
            utility(&self.live.connector, tools, call).await
        }
        .boxed()
    }

    fn account<'a>(&self, username: &'a str) -> Cow<'a, str> {
        let Some(packing) = &self.live.connector.input.username_fields else { return Cow::Borrowed(username) };
        // What cannot be read is refused by the run, and nothing of it is written anywhere.
        let text = Some(username).filter(|text| text.len() <= MAX_PACKED_BYTES);
        let fields = text.and_then(|text| unpack(packing, text).ok());
        let user = fields.and_then(|mut fields| fields.swap_remove(USER_FIELD));
        user.map_or(Cow::Borrowed(UNREADABLE), |user| Cow::Owned(user.expose().to_owned()))
    }
}

impl Running {
    fn tools<'a>(&'a self, call: &'a Call) -> Tools<'a> {
        let tools = Tools::of(&self.live, &System, &call.progress);
        Tools { sends: &*self.sends, pauses: &*call.pauses, ..tools }
    }
}

/// A connector whose file was never valid.
struct Broken {
    about: About,
    /// What callers are told.
    what: &'static str,
}

impl Connector for Broken {
    fn about(&self) -> &About {
        &self.about
    }

    fn run(self: Arc<Self>, login: Login, _: Call) -> BoxFuture<'static, Report> {
        std::future::ready(self.report(login.request_id, login.username)).boxed()
    }

    fn resume(self: Arc<Self>, resumption: Resumption, _: Call) -> BoxFuture<'static, Report> {
        let saved = &resumption.saved;
        std::future::ready(self.report(saved.request_id().to_owned(), saved.username().to_owned())).boxed()
    }

    fn rehearse(self: Arc<Self>, login: Login) -> BoxFuture<'static, Rehearsed> {
        let report = self.report(login.request_id, login.username);
        std::future::ready(Rehearsed { report, ready: false }).boxed()
    }

    fn utility(self: Arc<Self>, call: UtilityCall) -> BoxFuture<'static, UtilityReport> {
        let report = UtilityReport {
            connector: self.about.id.clone(),
            revision: self.about.revision.clone(),
            request_id: call.request_id,
            end: UtilityEnd::Misconfigured(Misconfigured { what: self.what.to_owned() }),
            explain: self.what.to_owned(),
            steps: Vec::new(),
            took: Duration::ZERO,
        };
        std::future::ready(report).boxed()
    }
}

/// What callers are told of a file that was never valid.
const INVALID: &str = "the connector file is invalid; `doorward check` and the daemon's log say where";

/// Of a connector that nothing is wrong with but where it would send to.
const FORBIDDEN: &str = "the egress rules of the daemon (egress in doorward.yaml) forbid an address of this connector; the daemon's log says which";

impl Broken {
    fn report(&self, request_id: String, username: String) -> Report {
        let what = self.what.to_owned();
        Report {
            connector: self.about.id.clone(),
            revision: self.about.revision.clone(),
            request_id,
            account: username.clone(),
            username,
            verdict: Verdict::Misconfigured(Misconfigured { what: what.clone() }),
            explain: what,
            steps: Vec::new(),
            credential_sends: 0,
            took: Duration::ZERO,
        }
    }
}
