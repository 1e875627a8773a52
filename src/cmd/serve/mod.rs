//! `doorward serve`: the daemon, from its configuration to an orderly end.

mod loading;
mod ways;

use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use doorward::attempt::{App, Configuration, LiveConnectors, Settable, log_reload};
use doorward::audit::Trail;
use doorward::catalog::Catalog;
use doorward::clock::System;
use doorward::config::{self, Config};
use doorward::guard::{SendQuota, SharedGuard};
use doorward::http::watch;
use doorward::log::LogLevel;
use doorward::metrics::Metrics;
use doorward::otel::Tracer;
use doorward::session::Sessions;
use doorward::state::Challenges;
use doorward::{dumps, log};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use super::{MISCONFIGURED, language, load};
use loading::{ConfigurationFile, fit};
use ways::{Listeners, TlsOfListeners, Ways, pages};

pub use loading::loader;

/// `doorward serve`
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The configuration
    #[arg(long, default_value = "doorward.yaml", value_name = "FILE")]
    config: PathBuf,
    /// Do not start while a connector is invalid
    #[arg(long)]
    strict: bool,
}

/// Runs the daemon until SIGTERM or SIGINT. 0: an orderly end; 4: it cannot start, or not everything was done in time.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let loaded = config::load(&options.config, &load::environment);
    if !loaded.diagnostics.is_empty() {
        anstream::eprint!("{}", language::rendered(&loaded.diagnostics));
    }
    let Some(config) = loaded.config else { return Ok(ExitCode::from(MISCONFIGURED)) };
    let metrics = Arc::new(Metrics::new());
    let log = log::init(&config.log).context("the log cannot be started")?;
    metrics.watch_log(log.lost());
    log::catch_panics();
    if !dumps::forbid() {
        tracing::warn!("the system does not let this process forbid core files, which would hold passwords");
    }
    let runtime = load::runtime()?;
    let ended = match fit(config) {
        Ok(config) => runtime.block_on(daemon(&config, options, Surroundings { metrics, log: log.level() })),
        Err(error) => Err(error.into()),
    };
    // What is still running had its time; a blocked thread must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    let orderly = match ended {
        Ok(orderly) => orderly,
        Err(error) => {
            // To the log and not as a usage mistake: the options were right.
            tracing::error!(error = format!("{error:#}"), "the daemon cannot start");
            false
        }
    };
    Ok(if orderly { ExitCode::SUCCESS } else { ExitCode::from(MISCONFIGURED) })
}

/// What the process has before the daemon.
struct Surroundings {
    metrics: Arc<Metrics>,
    log: LogLevel,
}

/// From here on everything that goes wrong is in the log.
async fn daemon(config: &Config, options: &Options, surroundings: Surroundings) -> anyhow::Result<bool> {
    let Surroundings { metrics, log } = surroundings;
    let files = watched(config, options).await;
    let catalog = Catalog::new(loader(config)?, &config.connectors);
    let challenges = Arc::new(Challenges::of(&config.state)?);
    let shared_guard = shared_guard(config, &challenges);
    let sends = Arc::new(SendQuota::new(&config.guard).sharing(shared_guard.clone()));
    let connectors = Arc::new(LiveConnectors::new(catalog, Arc::clone(&sends) as _));
    load_connectors(&connectors, config, options.strict).await?;
    let tls = TlsOfListeners::load(config)?;
    let trail = config.audit.as_ref().map(|audit| open_trail(audit, &metrics)).transpose()?;
    let tracer = open_tracer(config, &metrics)?;
    // Before the first call: a signal without a handler ends the process in the middle of a login.
    let signals = Signals::listen()?;
    let sessions = open_sessions(config)?;
    let listeners = Listeners::open(config).await?;
    challenges.refuse_cluster().await?;
    // In the background: what is wrong with the store is in the log from the start, and logins of one step do not care.
    let asked = Arc::clone(&challenges);
    tokio::spawn(async move { asked.ready().await });
    let settable = Settable { log, sends, challenges: Arc::clone(&challenges), connectors: Arc::clone(&connectors) };
    let file = ConfigurationFile(options.config.clone());
    let configuration = Configuration::new(config.clone(), file, settable);
    let app = App::new(config, connectors, metrics, trail)
        .keeping(challenges)
        .sharing(shared_guard)
        .traced_by(tracer.clone())
        .opening(sessions.clone())
        .configured_by(configuration);
    let app = Arc::new(app);
    let ways = Ways::of(config, options.strict, &app).await?;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let pages = pages(config, sessions, &app, (&tls, &stopped)).await?;
    let running = tokio::spawn(ways.run(listeners, &tls, &stopped, &app));
    tell_systemd(NotifyState::Ready);
    let watching = tokio::spawn(watch::files(files, Arc::clone(&app), stopped));
    signals.until_the_end(&app, &tls).await;
    tracing::info!(seconds = app.limits().drain.as_secs(), "shutting down: logins in flight may finish");
    tell_systemd(NotifyState::Stopping);
    app.drain();
    stop.send_replace(true);
    let orderly = tokio::select! {
        done = futures_util::future::join(running, pages) => done.0.unwrap_or(false) && done.1.unwrap_or(false),
        asked = second_signal() => { asked?; false }
    };
    watching.abort();
    // Ended or aborted, either way it no longer holds the app.
    let _ = watching.await;
    close(&app, tracer).await;
    tracing::info!(orderly, "ended");
    Ok(orderly)
}

async fn load_connectors(connectors: &LiveConnectors, config: &Config, strict: bool) -> anyhow::Result<()> {
    let unreadable = || format!("the directory of connectors, {}, cannot be read", config.connectors.display());
    let (reloaded, diagnostics) = connectors.load().await.with_context(unreadable)?;
    log_reload(&reloaded, &diagnostics);
    anyhow::ensure!(!strict || reloaded.refused.is_empty(), "invalid connectors: {}", reloaded.refused.join(" "));
    Ok(())
}

fn open_sessions(config: &Config) -> anyhow::Result<Option<Arc<Sessions>>> {
    let sessions = config.sign_in.as_ref().map(|sign_in| Sessions::new(sign_in, Arc::new(System))).transpose()?;
    Ok(sessions.map(Arc::new))
}

/// What all daemons count together, where the configuration says so.
fn shared_guard(config: &Config, challenges: &Challenges) -> Option<Arc<SharedGuard>> {
    let key = config.state.keys().first().filter(|_| config.guard.shared)?;
    Some(SharedGuard::new(challenges.shared_counts(key)?, &config.guard))
}

async fn second_signal() -> anyhow::Result<()> {
    let mut terminate = listen_for(SignalKind::terminate())?;
    let mut interrupt = listen_for(SignalKind::interrupt())?;
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    Ok(())
}

/// The files whose changes are noticed, as they are now.
async fn watched(config: &Config, options: &Options) -> watch::WatchedFiles {
    let (connectors, doors) = (config.connectors.clone(), config.doors.as_ref().map(|doors| doors.directory.clone()));
    watch::WatchedFiles::look(watch::Watched { connectors, doors, configuration: Some(options.config.clone()) }).await
}

/// Where systemd started the daemon (Type=notify). A failed notification is logged and stops no login.
fn tell_systemd(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "sd_notify failed");
    }
}

/// What ends the daemon, or has it read its files anew.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: listen_for(SignalKind::terminate())?,
            interrupt: listen_for(SignalKind::interrupt())?,
            hangup: listen_for(SignalKind::hangup())?,
        })
    }

    /// Waits for the end; reads the configuration, connectors, certificates and the audit file anew on SIGHUP. Signals are handled meanwhile.
    async fn until_the_end(mut self, app: &Arc<App>, tls: &TlsOfListeners) {
        let asked = Notify::new();
        let mut reading = pin!(read_again(app, tls, &asked));
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => {
                    if let Some(trail) = app.trail() {
                        trail.reopen();
                    }
                    asked.notify_one();
                }
                () = &mut reading => {}
            }
        }
    }
}

/// Reads the configuration, connectors and certificates whenever `asked`; of several times during one reading one remains.
async fn read_again(app: &Arc<App>, tls: &TlsOfListeners, asked: &Notify) {
    loop {
        asked.notified().await;
        app.reload().await;
        tls.read_again().await;
    }
}

fn listen_for(kind: SignalKind) -> anyhow::Result<Signal> {
    signal(kind).context("signals cannot be received")
}

fn open_tracer(config: &Config, metrics: &Arc<Metrics>) -> anyhow::Result<Option<Arc<Tracer>>> {
    let tracer = config.tracing.as_ref().map(|tracing| Tracer::open(tracing, Arc::clone(metrics))).transpose();
    Ok(tracer.context("traces cannot be sent (tracing in doorward.yaml)")?.map(Arc::new))
}

fn open_trail(audit: &config::Audit, metrics: &Arc<Metrics>) -> anyhow::Result<Trail> {
    Trail::open(audit, Arc::clone(metrics)).with_context(|| format!("{} cannot be written", audit.file.display()))
}

/// Writes the last audit lines, for as long as a disk may reasonably take, and sends the last spans.
async fn close(app: &App, tracer: Option<Arc<Tracer>>) {
    const LAST_LINES: Duration = Duration::from_secs(3);
    // A task that outlived the drain may be about to write; its audit line is then lost with it.
    if let Some(trail) = app.take_trail() {
        let closed = tokio::task::spawn_blocking(move || trail.close());
        let _ = tokio::time::timeout(LAST_LINES, closed).await;
    }
    if let Some(tracer) = tracer {
        tracer.close().await;
    }
}
