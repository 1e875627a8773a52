//! `doorward studio`: a page on loopback to write, check and test the connectors of one directory.
//!
//! No configuration: what is tested is what `doorward test` would run, with secrets from this process's environment. The
//! link is for one browser and works once; Enter prints another.

use std::io::{BufRead as _, IsTerminal as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwapOption;
use doorward::config::{Address, Config};
use doorward::http::listen::Listener;
use doorward::http::{Server, listen};
use doorward::script::Worker;
use doorward::studio::{self, Folder, Studio, Surroundings};
use sha2::{Digest as _, Sha256};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::language::lang;
use super::output::print;
use super::{load, new};

/// `doorward studio`
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The directory of connectors, or one that has a directory `connectors`
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// The port on 127.0.0.1; a free one when left out
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Nothing is saved
    #[arg(long)]
    read_only: bool,
}

/// Serves until Ctrl-C.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let directory = connectors(&options.directory);
    let folder = Folder::open(&directory, options.read_only)
        .with_context(|| format!("the directory {} cannot be opened", directory.display()))?;
    let worker = Worker::current_exe().context("this program cannot find itself, to start script workers")?;
    let history = history(&directory);
    let surroundings =
        Surroundings { worker, env: Arc::new(load::environment), console: None, history, import: new::import };
    load::runtime()?.block_on(serve(folder, surroundings, options.port, &directory))
}

/// A project made by `doorward init` has its connectors one level below.
fn connectors(directory: &Path) -> PathBuf {
    let below = directory.join("connectors");
    if below.is_dir() { below } else { directory.to_owned() }
}

/// Beside other programs' state, one folder for each directory (XDG Base Directory Specification); not in the directory itself, where a
/// daemon would read it. None without a home.
fn history(directory: &Path) -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = state.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state")))?;
    let whole = directory.canonicalize().ok()?;
    let name = hex::encode(&Sha256::digest(whole.as_os_str().as_encoded_bytes())[..8]);
    Some(state.join("doorward/studio").join(name))
}

async fn serve(folder: Folder, surroundings: Surroundings, port: u16, directory: &Path) -> anyhow::Result<ExitCode> {
    let started = StartedStudio::on(folder, surroundings, port).await?;
    let link = started.studio.link()?;
    print(&format!("{}\n", lang().fill("studio.cli_open", &[("directory", &directory.display())])))?;
    print(&format!("\n  {}\n\n", link.expose()))?;
    print(&format!("{}\n", lang().text("studio.cli_hint")))?;
    print_links(&started.studio);
    end().await.context("Ctrl-C cannot be waited for")?;
    Ok(ExitCode::SUCCESS)
}

/// A studio that answers. It ends with this value.
pub(super) struct StartedStudio {
    pub(super) studio: Arc<Studio>,
    _stop: watch::Sender<bool>,
}

impl StartedStudio {
    pub(super) async fn on(folder: Folder, surroundings: Surroundings, port: u16) -> anyhow::Result<Self> {
        let config =
            Config { listen: vec![Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))], ..Config::default() };
        let listeners = listen::open(&config).await?;
        let Some(Address::Tcp(address)) = listeners.iter().find_map(Listener::address) else {
            anyhow::bail!("the studio has no address");
        };
        let studio = Arc::new(Studio::new(folder, surroundings, address)?);
        let (stop, stopped) = watch::channel(false);
        let server = Server::new(studio::served(&studio), Arc::new(ArcSwapOption::empty()), stopped);
        let of_tests = Arc::clone(&studio);
        tokio::spawn(server.run(listeners, async move { of_tests.tests_done().await }));
        Ok(Self { studio, _stop: stop })
    }
}

/// Each line that is typed prints another link. The thread ends with the process.
pub(super) fn print_links(studio: &Arc<Studio>) {
    if !std::io::stdin().is_terminal() {
        return;
    }
    let studio = Arc::clone(studio);
    std::thread::spawn(move || {
        for _line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let Ok(link) = studio.link() else { return };
            if print(&format!("  {}\n", link.expose())).is_err() {
                return;
            }
        }
    });
}

/// Until Ctrl-C, or until the parent process ends it.
async fn end() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked,
        _ = terminate.recv() => Ok(()),
    }
}
