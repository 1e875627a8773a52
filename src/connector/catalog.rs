//! All connectors of a daemon (or of one command): loaded together, swapped whole, each on its own.
//!
//! A generation shares one pool of script workers; every connector has its own connections (docs/security.md, failure 20). A connector
//! whose file became invalid keeps its last good revision, with the pool it was built with; one that never was valid
//! answers misconfigured.

mod rest;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::{StreamExt as _, stream};

use super::bounds::Bounds;
use super::check::{self, Checked, Compiled, Console, Draft, Loaded, SecretsFrom, Surroundings};
use super::found::{no_transport, took_for_success, took_for_wrong};
use super::probe::{misread, probe};
use super::spread::spread;
use super::step_cache::StepCache;
use super::{Connector, raw};
use crate::budget::Budget;
use crate::diagnostic::{Diagnostic, Severity, SourceFile};
use crate::files;
use crate::script::{FailedConnector, Limits, Pool, Reads, Source, Worker, inspect};
use crate::upstream::{Client, ClientError, Egress};

/// Connectors that are probed at a time: enough to keep the workers of a machine with two cores busy, and far fewer
/// than the pool has places for.
const PROBED: usize = 8;

/// Looks an environment variable up.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// How connectors are loaded; the same for every generation.
pub struct Loader {
    /// How a script worker is started.
    pub worker: Worker,
    /// What scripts may use.
    pub limits: Limits,
    /// The operator's bound of upstreams.
    pub egress: Arc<Egress>,
    /// The operator's bounds of memory.
    pub bounds: Bounds,
    /// Environment variables.
    pub env: Environment,
    /// Settings that win over the files.
    pub settings: BTreeMap<String, String>,
    /// Secrets that win over the files.
    pub secrets: BTreeMap<String, String>,
    /// Where the other secrets come from.
    pub secrets_from: SecretsFrom,
    /// The console that a daemon serves; commands serve none.
    pub console: Option<Console>,
}

/// A connector that runs.
pub struct Live {
    /// What it does.
    pub connector: Connector,
    /// Its connections.
    pub client: Client,
    /// Captures of its steps with `cache`. A reload begins with an empty one, so that a new secret is used at once.
    pub step_cache: StepCache,
    /// What its logins may hold of replies.
    pub replies: Arc<Budget>,
    /// The workers that hold its scripts; none when no connector of its generation has any.
    pub scripts: Option<Arc<Pool>>,
    /// What its scripts read, for checking it again with other settings.
    pub reads: Vec<Reads>,
    /// The number of its first script in the pool.
    pub first_script: u32,
    /// What was written.
    pub raw: raw::Connector,
    /// The file.
    pub file: Arc<SourceFile>,
}

/// One file after loading.
pub struct Outcome {
    /// The id.
    pub id: String,
    /// There when it can run.
    pub live: Option<Live>,
    /// The operator's bound forbids one of its origins.
    pub forbidden: bool,
    /// Everything that was found in it.
    pub diagnostics: Vec<Diagnostic>,
}

impl Live {
    /// A warning where `egress` forbids one of its origins, as far as that can be known before names are resolved.
    pub fn forbidden_by(&self, egress: &Egress) -> Option<Diagnostic> {
        let error = self.client.refused_by(egress)?;
        Some(no_transport(&self.raw, &self.file, &error).as_warning())
    }

    /// The same file checked once more in other surroundings: other settings, real secrets.
    pub fn again(&self, around: Surroundings<'_>) -> Result<Compiled, Vec<Diagnostic>> {
        check::again(&self.connector.id, (&self.raw, &self.file), (&self.reads, self.first_script), around)
    }
}

impl Loader {
    /// Loads connector files together. Every one of `files` has its outcome, in order.
    pub async fn load(&self, files: &[PathBuf]) -> Vec<Outcome> {
        let mut drafts = spread(files.iter().collect(), |path| match files::read_text(path, files::MAX_BYTES) {
            Ok(text) => Ok(Draft::read(path, text, self.around())),
            Err(why) => Err(Box::new(unreadable(path, &why.to_string()))),
        });
        let mut next_script = 0;
        let mut firsts = Vec::with_capacity(files.len());
        for draft in &mut drafts {
            firsts.push(next_script);
            if let Ok(draft) = draft {
                draft.number(&mut next_script);
            }
        }
        let mut sources: Vec<Source> = drafts.iter().flatten().flat_map(Draft::scripts).cloned().collect();
        let reads = self.inspect(sources.clone()).await;
        for (source, reads) in sources.iter_mut().zip(&reads) {
            source.compiling = reads.as_ref().map_or(Duration::ZERO, |reads| reads.compiling);
        }
        let mut reads = reads.into_iter();
        let with_reads = drafts.into_iter().map(|draft| {
            let count = draft.as_ref().map_or(0, |draft| draft.scripts().count());
            (draft, reads.by_ref().take(count).collect::<Vec<_>>())
        });
        let mut checked = spread(with_reads.collect(), |(draft, reads)| match draft {
            Ok(draft) => draft.finish(self.around(), reads),
            Err(checked) => *checked,
        });
        self.bounds.apply(&mut checked);
        let pool = self.pool(sources, &mut checked).await;
        // The probe waits for scripts most of the time.
        let enlivened =
            checked.into_iter().zip(firsts).map(|(checked, first)| self.enliven(checked, first, pool.clone()));
        stream::iter(enlivened).buffered(PROBED).collect().await
    }

    /// What surrounds a file of this loader.
    pub fn around(&self) -> Surroundings<'_> {
        Surroundings {
            env: &*self.env,
            read_file: &|path| files::read(path, files::MAX_BYTES),
            settings: &self.settings,
            secrets: &self.secrets,
            secrets_from: self.secrets_from,
            console: self.console.as_ref(),
        }
    }

    async fn inspect(&self, sources: Vec<Source>) -> Vec<Result<Reads, crate::script::CompileError>> {
        if sources.is_empty() {
            return Vec::new();
        }
        let worker = self.worker.clone();
        // A panic of the task leaves no reads, and every script without reads is then a mistake of its own.
        tokio::task::spawn_blocking(move || inspect(&worker, &sources)).await.unwrap_or_default()
    }

    /// The workers of this generation. A connector that did not load leaves an empty script in its place, so that
    /// numbers stay what they were.
    async fn pool(&self, mut sources: Vec<Source>, checked: &mut [Checked]) -> Option<Arc<Pool>> {
        let loaded: HashSet<&str> = checked.iter().filter(|c| c.loaded.is_some()).map(|c| c.id.as_str()).collect();
        for source in &mut sources {
            if !loaded.contains(source.connector.as_str()) {
                source.text.clear();
            }
        }
        if sources.iter().all(|source| source.text.is_empty()) {
            return None;
        }
        let (pool, lost) = Pool::start_each(self.worker.clone(), self.limits.clone(), sources).await;
        for FailedConnector { connector, why } in lost {
            let of_it = checked.iter_mut().filter(|c| c.id == connector);
            for scripted in of_it.filter(|c| c.loaded.as_ref().is_some_and(|l| !l.scripts.is_empty())) {
                let message = format!("the scripts of `{connector}` cannot be started: {why}");
                scripted.loaded = None;
                scripted.diagnostics.push(without_place("script-workers", message));
            }
        }
        Some(Arc::new(pool))
    }

    async fn enliven(&self, checked: Checked, first_script: u32, pool: Option<Arc<Pool>>) -> Outcome {
        let Checked { id, loaded, mut diagnostics } = checked;
        let Some(loaded) = loaded else { return Outcome { id, live: None, forbidden: false, diagnostics } };
        let Loaded { connector, transport, origins, reads, raw, file, .. } = loaded;
        let replies = self.bounds.replies();
        let client = match Client::new(&transport, Arc::clone(&self.egress), &origins) {
            Ok(client) => client.bounded_by(&replies),
            Err(error) => {
                let forbidden = matches!(error, ClientError::Egress { .. });
                diagnostics.push(no_transport(&raw, &file, &error));
                return Outcome { id, live: None, forbidden, diagnostics };
            }
        };
        let fooled = probe(&connector, pool.as_deref()).await;
        for fooled in &fooled {
            diagnostics.push(took_for_success(&raw, &file, fooled));
        }
        for misread in misread(&connector, pool.as_deref()).await {
            diagnostics.extend(took_for_wrong(&raw, &file, &misread));
        }
        let step_cache = StepCache::default();
        let live = Live { connector, client, step_cache, replies, scripts: pool, reads, first_script, raw, file };
        Outcome { id, live: fooled.is_empty().then_some(live), forbidden: false, diagnostics }
    }
}

fn unreadable(path: &Path, why: &str) -> Checked {
    let id = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let diagnostic = without_place("file-unreadable", format!("{} cannot be read: {why}", path.display()));
    Checked { id, loaded: None, diagnostics: vec![diagnostic] }
}

fn without_place(code: &'static str, message: String) -> Diagnostic {
    Diagnostic { severity: Severity::Error, code, message, at: None, label: None, help: Vec::new() }
}

/// The connector files below `path`: itself if it is a file, else every `.yaml`, `.yml` and `.json` in it, sorted. What one
/// of them is, and whether it answers, shows when it is read.
pub fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let own = path.to_owned();
    let listed = files::within(path, files::READ_TIMEOUT, move || list(&own));
    listed.unwrap_or_else(|why| Err(std::io::Error::other(why)))
}

fn list(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let path = entry.path();
        // Editors leave hidden files beside the one being written.
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let known = path.extension().is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|known| ending == *known));
        // Links are not followed here: one of them may lead to a mount that is away.
        if known && !hidden && !entry.file_type()?.is_dir() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// One connector of the present generation.
#[derive(Clone)]
pub enum Entry {
    /// It runs; `stale` when its file has become invalid since.
    Live {
        /// What runs.
        live: Arc<Live>,
        /// Whether the file says something else that is invalid.
        stale: bool,
    },
    /// Its file was never valid.
    Broken {
        /// The operator's bound forbids one of its origins: nothing else is wrong with it.
        forbidden: bool,
    },
}

/// What a reload changed. Ids only.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Change {
    /// New revisions.
    pub changed: Vec<String>,
    /// No longer there.
    pub removed: Vec<String>,
    /// Invalid now; a last good revision, if there was one, still runs.
    pub refused: Vec<String>,
}

/// The connectors of a directory, swapped whole on reload.
pub struct Catalog {
    loader: Arc<Loader>,
    directory: PathBuf,
    entries: ArcSwap<BTreeMap<String, Entry>>,
    /// Reloads follow each other; logins never wait for one.
    reloading: tokio::sync::Mutex<()>,
}

impl Catalog {
    /// An empty catalog of `directory`; the first [`Catalog::reload`] fills it.
    pub fn new(loader: Loader, directory: impl Into<PathBuf>) -> Self {
        Self {
            loader: Arc::new(loader),
            directory: directory.into(),
            entries: ArcSwap::default(),
            reloading: tokio::sync::Mutex::default(),
        }
    }

    /// The connector of this id.
    pub fn get(&self, id: &str) -> Option<Entry> {
        self.entries.load().get(id).cloned()
    }

    /// All of them, by id.
    pub fn entries(&self) -> Arc<BTreeMap<String, Entry>> {
        self.entries.load_full()
    }

    /// Beside the runtime: files are waited for, and reading and checking many of them computes for a while.
    async fn outcomes(&self) -> std::io::Result<Vec<Outcome>> {
        let (loader, directory) = (Arc::clone(&self.loader), self.directory.clone());
        let runtime = tokio::runtime::Handle::current();
        let loading = tokio::task::spawn_blocking(move || Ok(runtime.block_on(loader.load(&files(&directory)?))));
        loading.await.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The daemon ends.
            Err(error) => Err(std::io::Error::other(error)),
        })
    }

    /// Reads all files again and swaps the generation. Says what changed and everything that was found.
    pub async fn reload(&self) -> std::io::Result<(Change, Vec<Diagnostic>)> {
        let _one_at_a_time = self.reloading.lock().await;
        let outcomes = self.outcomes().await?;
        let before = self.entries.load_full();
        let (mut entries, mut change, mut diagnostics) = (BTreeMap::new(), Change::default(), Vec::new());
        for Outcome { id, live, forbidden, diagnostics: found } in outcomes {
            diagnostics.extend(found);
            if entries.contains_key(&id) {
                diagnostics.push(without_place("duplicate-id", format!("two files have the id `{id}`")));
                change.refused.push(id);
                continue;
            }
            let entry = match (live, before.get(&id)) {
                (Some(live), old) => {
                    let same = matches!(old, Some(Entry::Live { live: old, .. }) if old.connector.revision == live.connector.revision);
                    if !same {
                        change.changed.push(id.clone());
                    }
                    Entry::Live { live: Arc::new(live), stale: false }
                }
                (None, Some(Entry::Live { live, .. })) => {
                    change.refused.push(id.clone());
                    Entry::Live { live: Arc::clone(live), stale: true }
                }
                (None, _) => {
                    change.refused.push(id.clone());
                    Entry::Broken { forbidden }
                }
            };
            entries.insert(id, entry);
        }
        change.removed = before.keys().filter(|id| !entries.contains_key(*id)).cloned().collect();
        rest::replaced(&before, &entries);
        self.entries.store(Arc::new(entries));
        Ok((change, diagnostics))
    }
}
