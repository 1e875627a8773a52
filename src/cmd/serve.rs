//! `doorward serve`: the daemon, from its configuration to an orderly end.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwapOption;
use doorward::api;
use doorward::attempt::{App, LiveConnectors, log_reload};
use doorward::audit::Trail;
use doorward::catalog::bounds::Bounds;
use doorward::catalog::{Catalog, Loader};
use doorward::config::{self, Config};
use doorward::connector::check::{Console, SecretsFrom};
use doorward::guard::SendQuota;
use doorward::http::descriptors::{self, TooFew};
use doorward::http::{Server, SharedTls, listen, tls, watch};
use doorward::metrics::Metrics;
use doorward::script::{Limits, Worker};
use doorward::state::Challenges;
use doorward::upstream::Egress;
use doorward::{dumps, log};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use super::{MISCONFIGURED, language, load};

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
        Ok(config) => runtime.block_on(daemon(&config, options.strict, metrics)),
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

/// From here on everything that goes wrong is in the log.
async fn daemon(config: &Config, strict: bool, metrics: Arc<Metrics>) -> anyhow::Result<bool> {
    let catalog = Catalog::new(loader(config)?, &config.connectors);
    let connectors = Arc::new(LiveConnectors::new(catalog, Arc::new(SendQuota::new(&config.guard))));
    let unreadable = || format!("the directory of connectors, {}, cannot be read", config.connectors.display());
    let (reloaded, diagnostics) = connectors.load().await.with_context(unreadable)?;
    log_reload(&reloaded, &diagnostics);
    anyhow::ensure!(!strict || reloaded.refused.is_empty(), "invalid connectors: {}", reloaded.refused.join(" "));
    let shared: SharedTls = Arc::new(ArcSwapOption::new(config.tls.as_ref().map(tls::load).transpose()?));
    let trail = config.audit.as_ref().map(|audit| open_trail(audit, &metrics)).transpose()?;
    let challenges = Arc::new(Challenges::of(&config.state)?);
    // Before the first call: a signal without a handler ends the process in the middle of a login.
    let signals = Signals::listen()?;
    let listeners = listen::open(config).await?;
    log_listeners(&listeners, config);
    // In the background: what is wrong with the store is in the log from the start, and logins of one step do not care.
    let asked = Arc::clone(&challenges);
    tokio::spawn(async move { asked.ready().await });
    let app = Arc::new(App::new(config, Arc::clone(&connectors) as _, metrics, trail).keeping(challenges));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let server = Server::new(api::served(&app), Arc::clone(&shared), stopped.clone());
    let logins = Arc::clone(&app);
    let running = tokio::spawn(server.run(listeners, async move { logins.logins_done().await }));
    tell_systemd(NotifyState::Ready);
    let watching = tokio::spawn(watch::connectors(config.connectors.clone(), Arc::clone(&app), stopped));
    signals.until_the_end(config, &app, &shared).await;
    tracing::info!(seconds = config.limits.drain.as_secs(), "ending: open logins may finish");
    tell_systemd(NotifyState::Stopping);
    app.drain();
    stop.send_replace(true);
    let second = async {
        let mut terminate = listen_for(SignalKind::terminate())?;
        let mut interrupt = listen_for(SignalKind::interrupt())?;
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        Ok::<_, anyhow::Error>(())
    };
    let orderly = tokio::select! {
        done = running => done.unwrap_or(false),
        asked = second => { asked?; false }
    };
    watching.abort();
    // Ended or aborted, either way it no longer holds the app.
    let _ = watching.await;
    close(app).await;
    tracing::info!(orderly, "ended");
    Ok(orderly)
}

fn log_listeners(listeners: &[listen::Listener], config: &Config) {
    for listener in listeners {
        let address = listener.address().map(|address| address.to_string()).unwrap_or_default();
        // TLS is of TCP; a socket is in clear, whatever is configured.
        let tls = config.tls.is_some() && matches!(listener, listen::Listener::Tcp(_));
        tracing::info!(address, tls, version = env!("CARGO_PKG_VERSION"), "listening");
    }
}

/// Where systemd started the daemon (Type=notify). A failed notification is logged and stops no login.
fn tell_systemd(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd cannot be told how the daemon is");
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

    /// Waits for the end; reads connectors, certificates and the audit file anew on SIGHUP. Signals are handled meanwhile.
    async fn until_the_end(mut self, config: &Config, app: &Arc<App>, shared: &SharedTls) {
        let asked = Notify::new();
        let mut reading = pin!(read_again(config, app, shared, &asked));
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => {
                    if let Some(trail) = &app.trail {
                        trail.reopen();
                    }
                    asked.notify_one();
                }
                () = &mut reading => {}
            }
        }
    }
}

/// Reads connectors and certificates whenever `asked`; of several times during one reading one remains.
async fn read_again(config: &Config, app: &Arc<App>, shared: &SharedTls, asked: &Notify) {
    loop {
        asked.notified().await;
        app.reload().await;
        let Some(files) = config.tls.clone() else { continue };
        match tokio::task::spawn_blocking(move || tls::load(&files)).await {
            Ok(Ok(fresh)) => shared.store(Some(fresh)),
            Ok(Err(error)) => tracing::error!(%error, "the certificates are not changed"),
            // A panic was logged by its hook.
            Err(_) => {}
        }
    }
}

fn listen_for(kind: SignalKind) -> anyhow::Result<Signal> {
    signal(kind).context("signals cannot be received")
}

/// Loads connectors as the daemon does.
pub(super) fn loader(config: &Config) -> anyhow::Result<Loader> {
    let console = Console { public_url: config.public_url.clone(), reserved_cookies: config.reserved_cookies.clone() };
    Ok(Loader {
        worker: Worker::current_exe().context("this program cannot find itself, to start script workers")?,
        limits: limits(config),
        egress: Arc::new(Egress::new(&config.egress)?),
        bounds: Bounds::of(&config.limits),
        env: Box::new(load::environment),
        settings: std::collections::BTreeMap::new(),
        secrets: std::collections::BTreeMap::new(),
        secrets_from: SecretsFrom::Environment,
        console: Some(console),
    })
}

fn limits(config: &Config) -> Limits {
    let usual = Limits::default();
    let scripts = config.scripts;
    Limits {
        workers: scripts.workers.unwrap_or(usual.workers),
        cpu: scripts.cpu,
        wall: scripts.wall,
        memory: scripts.memory,
        ..usual
    }
}

fn open_trail(audit: &config::Audit, metrics: &Arc<Metrics>) -> anyhow::Result<Trail> {
    if let Some(directory) = audit.file.parent().filter(|directory| *directory != Path::new("")) {
        std::fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))?;
    }
    Trail::open(audit, Arc::clone(metrics)).with_context(|| format!("{} cannot be written", audit.file.display()))
}

/// Writes the last audit lines, for as long as a disk may reasonably take.
async fn close(app: Arc<App>) {
    const LAST_LINES: Duration = Duration::from_secs(3);
    // A task that outlived the drain may still hold the app; its audit line is then lost with it.
    let Ok(app) = Arc::try_unwrap(app) else { return };
    if let Some(trail) = app.trail {
        let closed = tokio::task::spawn_blocking(move || trail.close());
        let _ = tokio::time::timeout(LAST_LINES, closed).await;
    }
}

/// As many open files as the system allows: each connection is one, and the usual soft limit is 1024. What does not fit into
/// them is made smaller here, where it can be said, rather than found out by logins that cannot connect.
fn fit(mut config: Config) -> Result<Config, TooFew> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let scripts = limits(&config);
    let fitted = descriptors::fit(config.limits, scripts.workers + scripts.isolation, files)?;
    if fitted != config.limits {
        tracing::warn!(
            files,
            connections = fitted.connections,
            in_flight = fitted.in_flight,
            "limits.connections and limits.in_flight are more than the files that this process may open; these are used \
             (LimitNOFILE= of systemd raises the limit)"
        );
        config.limits = fitted;
    }
    Ok(config)
}
