//! Loading connector files. In order, for all files of a generation:
//!
//! 1. read and parse (`connector::check::Draft::read`);
//! 2. find what the scripts read, in a worker process (`inspect`);
//! 3. check and compile (`Draft::finish`, with `connector::evidence`: which rules prove anything);
//! 4. the operator's memory limits (`bounds`);
//! 5. start the workers of the scripts (`Pool`);
//! 6. the client to the upstream, with the egress rules (`Client::new`);
//! 7. probe: replies that are no login must not be taken for one (`probe`); warn of what is probably misread (`misread`).

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::bounds::Bounds;
use super::found::{no_transport, took_for_success, took_for_wrong};
use super::misread::misread;
use super::parallel::parallel_map;
use super::probe::probe;
use crate::connector::Live;
use crate::connector::check::{Checked, Console, Draft, LoadContext, Loaded, SecretsFrom};
use crate::connector::step_cache::StepCache;
use crate::diagnostic::{Diagnostic, Severity};
use crate::files::{self, ReadError};
use crate::script::{FailedConnector, Limits, Pool, Reads, Source, Worker, inspect};
use crate::upstream::{Client, ClientError, Egress};

/// Connectors that are probed at a time: enough to keep the workers of a machine with two cores busy, and far fewer
/// than the pool has queue slots.
const PROBED: usize = 8;

/// Looks an environment variable up.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// How connectors are loaded; the same for every generation.
pub struct Loader {
    /// How a script worker is started.
    pub worker: Worker,
    /// What scripts may use.
    pub limits: Limits,
    /// The operator's egress rules.
    pub egress: Arc<Egress>,
    /// The operator's memory limits.
    pub bounds: Bounds,
    /// Environment variables.
    pub env: Environment,
    /// Settings that win over the files.
    pub settings: BTreeMap<String, String>,
    /// Secrets that win over the files.
    pub secrets: BTreeMap<String, String>,
    /// The source of all other secrets.
    pub secrets_from: SecretsFrom,
    /// The console of a daemon; commands have none.
    pub console: Option<Console>,
}

/// A text that stands in a file, or is to stand there.
pub struct FileText {
    /// The file.
    pub path: PathBuf,
    /// The error: it could not be read.
    pub text: Result<String, ReadError>,
}

/// One file after loading.
pub struct LoadedFile {
    /// The id.
    pub id: String,
    /// `None` when it cannot run.
    pub live: Option<Live>,
    /// Egress rules forbid one of its origins.
    pub forbidden: bool,
    /// Everything that was found in it.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loader {
    /// Loads connector files together; the outcomes are in the order of `files`.
    pub async fn load(&self, files: &[PathBuf]) -> Vec<LoadedFile> {
        let read = |path: &PathBuf| (path.clone(), files::read_text(path, files::MAX_BYTES));
        let texts = parallel_map(files.iter().collect(), read).into_iter();
        self.load_texts(texts.map(|(path, text)| FileText { path, text }).collect(), &|_| true).await
    }

    /// Loads texts as if they stood in the files that they name. Of the files that a text names in turn only those are read
    /// that `may_read`, which gets the path as the connector's directory has it.
    pub async fn load_texts(&self, texts: Vec<FileText>, may_read: &(dyn Fn(&Path) -> bool + Sync)) -> Vec<LoadedFile> {
        let read_file = |path: &Path| {
            if may_read(path) { files::read(path, files::MAX_BYTES) } else { Err(ReadError::Withheld) }
        };
        let context = || LoadContext { read_file: &read_file, ..self.load_context() };
        let mut drafts = parallel_map(texts, |FileText { path, text }| match text {
            Ok(text) => Ok(Draft::read(&path, text, context())),
            Err(why) => Err(Box::new(unreadable(&path, &why.to_string()))),
        });
        let mut next_script = 0;
        let mut firsts = Vec::with_capacity(drafts.len());
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
        let mut checked = parallel_map(with_reads.collect(), |(draft, reads)| match draft {
            Ok(draft) => draft.finish(context(), reads),
            Err(checked) => *checked,
        });
        self.bounds.apply(&mut checked);
        let pool = self.pool(sources, &mut checked).await;
        // The probe waits for scripts most of the time.
        let started = checked.into_iter().zip(firsts).map(|(checked, first)| self.start(checked, first, pool.clone()));
        stream::iter(started).buffered(PROBED).collect().await
    }

    /// What surrounds a file of this loader.
    pub fn load_context(&self) -> LoadContext<'_> {
        LoadContext {
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
        // A panic of the task returns no reads, and every script without reads becomes a diagnostic.
        tokio::task::spawn_blocking(move || inspect(&worker, &sources)).await.unwrap_or_default()
    }

    /// The workers of this generation. The scripts of a connector that did not load are replaced by empty ones, so that
    /// the numbers of the others do not change.
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

    async fn start(&self, checked: Checked, first_script: u32, pool: Option<Arc<Pool>>) -> LoadedFile {
        let Checked { id, loaded, mut diagnostics } = checked;
        let Some(loaded) = loaded else { return LoadedFile { id, live: None, forbidden: false, diagnostics } };
        let Loaded { connector, transport, origins, reads, raw, file, .. } = loaded;
        let replies = self.bounds.replies();
        let client = match Client::new(&transport, Arc::clone(&self.egress), &origins) {
            Ok(client) => client.bounded_by(&replies),
            Err(error) => {
                let forbidden = matches!(error, ClientError::Egress { .. });
                diagnostics.push(no_transport(&raw, &file, &error));
                return LoadedFile { id, live: None, forbidden, diagnostics };
            }
        };
        let step_cache = StepCache::default();
        let live = Live { connector, client, step_cache, replies, scripts: pool, reads, first_script, raw, file };
        let false_proofs = probe(&live).await;
        for proof in &false_proofs {
            diagnostics.push(took_for_success(&live.raw, &live.file, proof));
        }
        for misread in misread(&live).await {
            diagnostics.extend(took_for_wrong(&live.raw, &live.file, &misread));
        }
        LoadedFile { id, live: false_proofs.is_empty().then_some(live), forbidden: false, diagnostics }
    }
}

fn unreadable(path: &Path, why: &str) -> Checked {
    let id = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let diagnostic = without_place("file-unreadable", format!("{} cannot be read: {why}", path.display()));
    Checked { id, loaded: None, diagnostics: vec![diagnostic] }
}

pub(super) fn without_place(code: &'static str, message: String) -> Diagnostic {
    Diagnostic { severity: Severity::Error, code, message, at: None, label: None, help: Vec::new() }
}

impl Live {
    /// A warning where `egress` forbids one of its origins, as far as that can be known before names are resolved.
    pub fn forbidden_by(&self, egress: &Egress) -> Option<Diagnostic> {
        let error = self.client.refused_by(egress)?;
        Some(no_transport(&self.raw, &self.file, &error).as_warning())
    }
}

/// The connector files below `path`: itself if it is a file, else every `.yaml`, `.yml` and `.json` in it, sorted. What
/// one of them is, and whether it answers, shows when it is read.
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
        // Links are not followed here: one may lead to a mount that does not respond.
        if known && !hidden && !entry.file_type()?.is_dir() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
