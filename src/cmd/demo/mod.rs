//! `doorward demo`: a 4A server, the shipped connectors and the daemon on loopback, and what they say to each other.
//!
//! Everything is in the binary; the connectors are laid out in a directory of their own, which is removed at the end.
//! Nothing listens beyond loopback, and every secret of it is drawn anew or printed in the documents.

mod console;
mod page;
mod scratch;
mod table;
mod to_try;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use crate::cmd::language::{lang, rendered};
use crate::cmd::output::print;
use anyhow::Context as _;
use arc_swap::ArcSwapOption;
use doorward::api;
use doorward::attempt::{App, LiveConnectors};
use doorward::catalog::{Catalog, Loader};
use doorward::config::{Address, Client, Config, Scope, Token};
use doorward::connector;
use doorward::connector::check::SecretsFrom;
use doorward::flow::Unbounded;
use doorward::http::{Server, listen};
use doorward::metrics::Metrics;
use doorward::script::{Limits, Worker};
use doorward::shipped;
use doorward::studio::{Folder, Surroundings};
use doorward::upstream::{Egress, EgressRules};
use doorward_demo::DemoServer;
use tokio::signal::unix::{SignalKind, signal};

use self::console::Console;
use self::page::DemoPage;
use self::scratch::Scratch;
use self::to_try::Places;
use super::new::import;
use super::studio::{StartedStudio, print_links};
use super::{MISCONFIGURED, load};

/// The address of a console that there might be; the shipped connectors deliver cookies under its domain.
const CONSOLE: &str = "https://console.corp.example.com";

/// `doorward demo`
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Show the table and end
    #[arg(long)]
    once: bool,
}

/// Shows the table, then serves until Ctrl-C unless `once`. 0: all came out as expected; 4: not all.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    load::runtime()?.block_on(demo(options.once))
}

async fn demo(once: bool) -> anyhow::Result<ExitCode> {
    let upstream = DemoServer::start().await.context("the demo server cannot start")?;
    let scratch = Scratch::new().context("there is no place for the connectors")?;
    let connectors = shipped::lay_out(scratch.path()).context("the connectors cannot be written")?;
    let live = LiveConnectors::new(Catalog::new(loader(&upstream)?, &connectors), Arc::new(Unbounded));
    let (_, diagnostics) = live.load().await.context("the connectors cannot be read")?;
    anstream::eprint!("{}", rendered(&diagnostics));

    let token = Token::draw().map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    let config = config(&token);
    let listeners = listen::open(&config).await?;
    let address = listeners.iter().find_map(listen::Listener::address).context("the daemon has no address")?;
    let daemon = format!("http://{address}");
    let page = DemoPage::open().await?;
    let app =
        App::new(&config, Arc::new(live), Arc::new(Metrics::new()), None).opening(Some(Arc::clone(&page.sessions)));
    let app = Arc::new(app);
    // The daemon ends with this channel.
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let page = page.serve(&app, stopped.clone())?;
    let server = Server::new(api::served(&app), Arc::new(ArcSwapOption::empty()), stopped);
    tokio::spawn(server.run(listeners, async move { app.logins_done().await }));

    let started = lang().fill("demo.started", &[("upstream", &upstream.base()), ("daemon", &daemon)]);
    print(&format!("{started}\n\n"))?;
    let console = Console::new(&daemon, token.expose(), &upstream)?;
    let rows = table::rows(&console, &upstream).await?;
    print(&table::text(&rows))?;
    if !once {
        let program = std::env::args().next().unwrap_or_else(|| "doorward".to_owned());
        let test = format!("{program} test {}", connectors.display());
        let studio = studio(&connectors, upstream.base()).await?;
        let link = studio.studio.link()?;
        let (token, upstream) = (token.expose(), upstream.base());
        let places =
            Places { daemon: &daemon, token, upstream: &upstream, studio: link.expose(), page: &page, test: &test };
        print(&format!("{}\n", to_try::text(&places)))?;
        print_links(&studio.studio);
        end().await.context("Ctrl-C cannot be waited for")?;
    }
    Ok(if rows.iter().all(table::Row::as_expected) { ExitCode::SUCCESS } else { ExitCode::from(MISCONFIGURED) })
}

/// A studio on the demo's connectors, which ends with this value.
async fn studio(connectors: &Path, base: String) -> anyhow::Result<StartedStudio> {
    let folder = Folder::open(connectors, false).context("the connectors cannot be opened")?;
    let worker = Worker::current_exe().context("this program cannot find itself, to start script workers")?;
    let env = Arc::new(move |name: &str| shipped::environment(&base, name));
    StartedStudio::on(folder, Surroundings { worker, env, console: Some(console_of_demo()?), history: None, import }, 0)
        .await
}

fn console_of_demo() -> anyhow::Result<connector::check::Console> {
    Ok(connector::check::Console { public_url: Some(CONSOLE.parse()?), ..Default::default() })
}

/// Until Ctrl-C, or until the parent process ends it.
async fn end() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked,
        _ = terminate.recv() => Ok(()),
    }
}

fn loader(upstream: &DemoServer) -> anyhow::Result<Loader> {
    let base = upstream.base();
    let rules = EgressRules { allow_loopback: true, ..EgressRules::default() };
    Ok(Loader {
        worker: Worker::current_exe()
            .context("the path of the running executable, from which script workers start, cannot be read")?,
        limits: Limits::default(),
        egress: Arc::new(Egress::new(&rules)?),
        bounds: doorward::catalog::bounds::Bounds::default(),
        // What the connectors read from the environment of a real installation.
        env: Box::new(move |name| shipped::environment(&base, name)),
        settings: std::collections::BTreeMap::new(),
        secrets: std::collections::BTreeMap::new(),
        secrets_from: SecretsFrom::Environment,
        console: Some(console_of_demo()?),
    })
}

fn config(token: &Token) -> Config {
    Config {
        listen: vec![Address::Tcp((std::net::Ipv4Addr::LOCALHOST, 0).into())],
        clients: vec![Client {
            name: "demo".to_owned(),
            tokens: vec![token.hash()],
            scopes: Scope::ALL.to_vec(),
            ..Client::default()
        }],
        ..Config::default()
    }
}
