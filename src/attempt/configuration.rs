//! `doorward.yaml` of a running daemon: read anew with each reload, before the connectors.
//!
//! A file with mistakes changes nothing. Of a good one everything is taken over but what only a start can change; that is
//! named. Clients are swapped before the connectors are read, so that a token that was taken away is unknown when the reload
//! ends, however long that takes.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;

use super::live::LiveConnectors;
use crate::catalog::Loader;
use crate::config::{Config, Loaded};
use crate::diagnostic::{Diagnostic, Severity, Style, render};
use crate::guard::SendQuota;
use crate::log::LogLevel;
use crate::state::Challenges;

/// What is set by a reload beside what all logins share.
pub struct Settable {
    /// The log of this process.
    pub log: LogLevel,
    /// The quota of codes.
    pub sends: Arc<SendQuota>,
    /// The store of challenges.
    pub challenges: Arc<Challenges>,
    /// The connectors, which are loaded by egress rules and limits.
    pub connectors: Arc<LiveConnectors>,
}

/// A configuration that may be taken over.
pub struct Prepared {
    /// With limits that fit into this process.
    pub config: Config,
    /// How connectors are loaded by it.
    pub loader: Loader,
}

/// Takes over what all logins share; an error says that the audit file cannot be opened, and that nothing changed.
pub(super) type ApplyRest<'a> = &'a (dyn Fn(&Config) -> io::Result<()> + Send + Sync);

/// How the daemon reads and prepares its configuration.
pub trait ConfigurationSource: Send + Sync + 'static {
    /// Reads the file. Blocks.
    fn read(&self) -> Loaded;
    /// What the checks of the file do not see; the error is for the operator.
    fn prepare(&self, config: Config) -> Result<Prepared, String>;
}

/// The configuration of a running daemon.
pub struct Configuration {
    source: Arc<dyn ConfigurationSource>,
    settable: Settable,
    /// What only a start takes over is compared with this.
    started: Config,
    state: Mutex<State>,
}

struct State {
    /// What was taken over last.
    running: Config,
    /// What the last reload came to.
    last: ConfigurationReload,
}

/// What a reload of the configuration came to.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConfigurationReload {
    /// The file has a mistake, or cannot be read: what ran before still runs.
    pub refused: bool,
    /// Keys that were taken over.
    pub changed: Vec<&'static str>,
    /// Keys that differ from what runs and are taken over by a restart only.
    pub restart: Vec<&'static str>,
    /// What was found in the file, as `doorward check` prints it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub diagnostics: Vec<String>,
}

impl Configuration {
    /// The one that the daemon was started with.
    pub fn new(started: Config, source: impl ConfigurationSource, settable: Settable) -> Self {
        let state = Mutex::new(State { running: started.clone(), last: ConfigurationReload::default() });
        Self { source: Arc::new(source), settable, started, state }
    }

    /// What the last reload came to.
    pub(crate) fn last(&self) -> ConfigurationReload {
        self.state().last.clone()
    }

    /// Reads the file and takes over what it says. One at a time.
    pub(super) async fn reload(&self, rest: ApplyRest<'_>) -> ConfigurationReload {
        let source = Arc::clone(&self.source);
        let read = tokio::task::spawn_blocking(move || {
            let Loaded { config, diagnostics } = source.read();
            (config.map(|config| source.prepare(config)), diagnostics)
        });
        let (prepared, diagnostics) = match read.await {
            Ok(read) => read,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The daemon ends.
                Err(_) => return self.last(),
            },
        };
        let applied = match prepared {
            None => Err(None),
            Some(prepared) => prepared.and_then(|prepared| self.apply(rest, prepared)).map_err(Some),
        };
        let mut outcome = match applied {
            Ok((changed, restart)) => ConfigurationReload { changed, restart, ..ConfigurationReload::default() },
            Err(why) => {
                if let Some(why) = &why {
                    tracing::error!(what = why, "configuration error");
                }
                let restart = self.state().last.restart.clone();
                let diagnostics = Vec::from_iter(why);
                ConfigurationReload { refused: true, restart, diagnostics, ..ConfigurationReload::default() }
            }
        };
        outcome.diagnostics.extend(diagnostics.iter().map(|found| render(std::slice::from_ref(found), Style::Plain)));
        diagnostics.iter().for_each(log_diagnostic);
        log_outcome(&outcome, &self.last());
        self.state().last = outcome.clone();
        outcome
    }

    /// The keys that were taken over, and those that wait for a restart.
    fn apply(&self, rest: ApplyRest<'_>, prepared: Prepared) -> Result<(Vec<&'static str>, Vec<&'static str>), String> {
        let Prepared { config, loader } = prepared;
        let Settable { log, sends, challenges, connectors } = &self.settable;
        let restart = self.started.changes_to(&config).restart;
        // The keys of a store that is not the running one are not for it.
        if !restart.contains(&"state") {
            challenges.change_keys(config.state.keys()).map_err(|error| error.to_string())?;
        }
        rest(&config).map_err(|error| format!("the audit trail cannot be written: {error}"))?;
        sends.change(&config.guard);
        connectors.change_loader(loader);
        log.set(config.log.level);
        let mut state = self.state();
        let changed = state.running.changes_to(&config).live;
        state.running = config;
        Ok((changed, restart))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing panics under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log_diagnostic(diagnostic: &Diagnostic) {
    let at = diagnostic.at.as_ref().map(|(file, span)| {
        let position = file.position(span.start);
        format!("{}:{}:{}", file.path.display(), position.line, position.column)
    });
    let (at, code, what) = (at.unwrap_or_default(), diagnostic.code, diagnostic.message.as_str());
    match diagnostic.severity {
        Severity::Error => tracing::error!(at, code, what, "configuration error"),
        Severity::Warning => tracing::warn!(at, code, what, "configuration warning"),
    }
}

fn log_outcome(now: &ConfigurationReload, before: &ConfigurationReload) {
    if now.refused {
        tracing::error!("configuration reload failed; the previous configuration stays in use");
        return;
    }
    if !now.changed.is_empty() || before.refused {
        tracing::info!(changed = now.changed.join(" "), "configuration loaded");
    }
    if !now.restart.is_empty() && now.restart != before.restart {
        tracing::warn!(restart = now.restart.join(" "), "these keys of the configuration need a restart");
    }
}
