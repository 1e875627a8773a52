//! All connectors of a daemon (or of one command): loaded together and swapped as a whole.
//!
//! A generation shares one pool of script workers; every connector has its own connections (docs/security.md, failure
//! 20). A connector whose file became invalid keeps its last good revision, with the pool it was built with; one that
//! never was valid answers misconfigured.

pub mod bounds;
mod entry;
mod finding;
mod found;
mod load;
mod misread;
mod parallel;
mod probe;
mod retire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use schemars::JsonSchema;
use serde::Serialize;

pub use self::entry::CatalogEntry;
pub use self::finding::Finding;
pub use self::load::{Environment, FileText, LoadedFile, Loader, files};

use self::load::without_place;
use crate::diagnostic::Diagnostic;
use crate::upstream::Egress;

/// What a reload came to. The mistakes go to the log as well, where the operator reads.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reloaded {
    /// Connectors whose revision is new.
    pub changed: Vec<String>,
    /// Connectors that are no longer there.
    pub removed: Vec<String>,
    /// Connectors whose file is invalid now; the last good revision, if there was one, still runs.
    pub refused: Vec<String>,
    /// What was found in the files; absent when nothing was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub diagnostics: Vec<Finding>,
    /// The directory of connectors could not be read: nothing changed. Absent when it could.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub unreadable: bool,
}

/// The connectors of a directory, swapped whole on reload.
pub struct Catalog {
    loader: ArcSwap<Loader>,
    directory: PathBuf,
    entries: ArcSwap<BTreeMap<String, CatalogEntry>>,
    /// One reload at a time; logins never wait for one.
    reloading: tokio::sync::Mutex<()>,
}

impl Catalog {
    /// An empty catalog of `directory`; the first [`Catalog::reload`] fills it.
    pub fn new(loader: Loader, directory: impl Into<PathBuf>) -> Self {
        Self {
            loader: ArcSwap::from_pointee(loader),
            directory: directory.into(),
            entries: ArcSwap::default(),
            reloading: tokio::sync::Mutex::default(),
        }
    }

    /// The next reload loads by `loader`.
    pub fn change_loader(&self, loader: Loader) {
        self.loader.store(Arc::new(loader));
    }

    /// The connector of this id.
    pub fn get(&self, id: &str) -> Option<CatalogEntry> {
        self.entries.load().get(id).cloned()
    }

    /// All of them, by id.
    pub fn entries(&self) -> Arc<BTreeMap<String, CatalogEntry>> {
        self.entries.load_full()
    }

    /// On a blocking thread: reading files blocks, and checking many of them takes a while.
    async fn outcomes(&self) -> std::io::Result<Vec<LoadedFile>> {
        let (loader, directory) = (self.loader.load_full(), self.directory.clone());
        let runtime = tokio::runtime::Handle::current();
        let loading = tokio::task::spawn_blocking(move || Ok(runtime.block_on(loader.load(&files(&directory)?))));
        loading.await.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The daemon ends.
            Err(error) => Err(std::io::Error::other(error)),
        })
    }

    fn bind_egress(&self, entries: &BTreeMap<String, CatalogEntry>) -> Arc<Egress> {
        let egress = Arc::clone(&self.loader.load().egress);
        for entry in entries.values() {
            if let CatalogEntry::Live { live, .. } = entry {
                live.client.change_egress(&egress);
            }
        }
        egress
    }

    /// Reads all files again and swaps the generation. Says what changed and everything that was found.
    pub async fn reload(&self) -> std::io::Result<(Reloaded, Vec<Diagnostic>)> {
        let _one_at_a_time = self.reloading.lock().await;
        let before = self.entries.load_full();
        // What still runs of them, a login or a last good revision, holds to the operator's bound of now.
        let egress = self.bind_egress(&before);
        let outcomes = self.outcomes().await?;
        let (mut entries, mut change, mut diagnostics) = (BTreeMap::new(), Reloaded::default(), Vec::new());
        for LoadedFile { id, live, forbidden, diagnostics: found } in outcomes {
            change.diagnostics.extend(found.iter().map(|diagnostic| Finding::of(&id, diagnostic)));
            diagnostics.extend(found);
            if entries.contains_key(&id) {
                let duplicate = without_place("duplicate-id", format!("two files have the id `{id}`"));
                change.diagnostics.push(Finding::of(&id, &duplicate));
                diagnostics.push(duplicate);
                change.refused.push(id);
                continue;
            }
            let entry = match (live, before.get(&id)) {
                (Some(live), old) => {
                    let same = matches!(old, Some(CatalogEntry::Live { live: old, .. }) if old.connector.revision == live.connector.revision);
                    if !same {
                        change.changed.push(id.clone());
                    }
                    CatalogEntry::Live { live: Arc::new(live), stale: false }
                }
                (None, Some(CatalogEntry::Live { live, .. })) if live.client.refused_by(&egress).is_none() => {
                    change.refused.push(id.clone());
                    CatalogEntry::Live { live: Arc::clone(live), stale: true }
                }
                (None, old) => {
                    change.refused.push(id.clone());
                    CatalogEntry::Broken { forbidden: forbidden || matches!(old, Some(CatalogEntry::Live { .. })) }
                }
            };
            entries.insert(id, entry);
        }
        change.removed = before.keys().filter(|id| !entries.contains_key(*id)).cloned().collect();
        retire::run_on_demand(&before, &entries);
        self.entries.store(Arc::new(entries));
        Ok((change, diagnostics))
    }
}
