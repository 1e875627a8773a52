//! The ways into the daemon: the API, doors in front of it or at listeners of their own, and the login page.

use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwapOption;
use doorward::api;
use doorward::attempt::App;
use doorward::config::{Config, Doors, Tls};
use doorward::door::live::LiveDoors;
use doorward::door::{self, serve::alone, serve::served};
use doorward::http::{Served, Server, SharedTls, listen, tls};
use doorward::session::Sessions;
use doorward::sign_in::{self, Front};
use tokio::sync::watch::Receiver;

/// What is served.
pub(super) struct Ways {
    api: Served,
    /// At listeners of their own.
    doors: Option<Served>,
}

/// Where.
pub(super) struct Listeners {
    api: Vec<listen::Listener>,
    doors: Vec<listen::Listener>,
}

/// The TLS of both.
pub(super) struct TlsOfListeners {
    api: SharedTls,
    doors: SharedTls,
    /// What is read, and for which.
    files: Vec<(Tls, SharedTls)>,
}

impl Listeners {
    /// All, or none.
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        let (api, doors) = (listen::open(config).await?, listen::open_doors(config).await?);
        let own = config.doors.as_ref().is_some_and(|doors| doors.tls.is_some());
        log(&api, config.tls.is_some(), "listening");
        log(&doors, own || config.tls.is_some(), "listening for doors");
        Ok(Self { api, doors })
    }
}

fn log(listeners: &[listen::Listener], with_tls: bool, what: &'static str) {
    for listener in listeners {
        let address = listener.address().map(|address| address.to_string()).unwrap_or_default();
        // TLS is of TCP; a socket is in clear, whatever is configured.
        let tls = with_tls && matches!(listener, listen::Listener::Tcp(_));
        tracing::info!(address, tls, version = env!("CARGO_PKG_VERSION"), "{what}");
    }
}

impl TlsOfListeners {
    pub(super) fn load(config: &Config) -> anyhow::Result<Self> {
        let shared = |files: Option<&Tls>| -> anyhow::Result<SharedTls> {
            Ok(Arc::new(ArcSwapOption::new(files.map(tls::load).transpose()?)))
        };
        let of_doors = config.doors.as_ref().and_then(|doors| doors.tls.as_ref());
        let api = shared(config.tls.as_ref())?;
        let doors = if of_doors.is_some() { shared(of_doors)? } else { Arc::clone(&api) };
        let all = [(config.tls.as_ref(), &api), (of_doors, &doors)].into_iter();
        let files = all.filter_map(|(files, shared)| Some((files?.clone(), Arc::clone(shared)))).collect();
        Ok(Self { api, doors, files })
    }

    /// A certificate that cannot be read leaves the one before in use.
    pub(super) async fn read_again(&self) {
        for (files, shared) in self.files.clone() {
            match tokio::task::spawn_blocking(move || tls::load(&files)).await {
                Ok(Ok(fresh)) => shared.store(Some(fresh)),
                Ok(Err(error)) => {
                    tracing::error!(%error, "TLS certificate reload failed; the previous certificates stay in use");
                }
                // A panic was logged by its hook.
                Err(_) => {}
            }
        }
    }
}

impl Ways {
    pub(super) async fn of(config: &Config, strict: bool, app: &Arc<App>) -> anyhow::Result<Self> {
        let api = api::served(app);
        let Some(Doors { directory, listen, proxies, .. }) = &config.doors else {
            return Ok(Self { api, doors: None });
        };
        let doors = Arc::new(LiveDoors::new(directory.clone(), app));
        let unreadable = || format!("the directory of doors, {}, cannot be read", directory.display());
        let reloaded = doors.load().await.with_context(unreadable)?;
        door::live::log(&reloaded);
        anyhow::ensure!(!strict || reloaded.refused.is_empty(), "invalid doors: {}", reloaded.refused.join(" "));
        // Their consoles let users in, or ask another authenticator, when nobody answers here.
        let open = reloaded.open_without.join(" ");
        anyhow::ensure!(open.is_empty(), "invalid doors of consoles that do not refuse on trouble: {open}");
        app.reloads.followed_by(Arc::clone(&doors) as _, reloaded.told());
        let proxies = proxies.clone().into();
        if listen.is_empty() {
            return Ok(Self { api: served(api, app, doors, proxies), doors: None });
        }
        let nothing = alone(&api);
        Ok(Self { doors: Some(served(nothing, app, doors, proxies)), api })
    }

    /// Serves until `stopped`, and lets logins finish. Whether all did.
    pub(super) fn run(
        self,
        listeners: Listeners,
        tls: &TlsOfListeners,
        stopped: &Receiver<bool>,
        app: &Arc<App>,
    ) -> impl Future<Output = bool> + use<> {
        let logins = || {
            let app = Arc::clone(app);
            async move { app.logins_done().await }
        };
        let api = Server::new(self.api, Arc::clone(&tls.api), stopped.clone()).run(listeners.api, logins());
        let doors = self
            .doors
            .map(|doors| Server::new(doors, Arc::clone(&tls.doors), stopped.clone()).run(listeners.doors, logins()));
        async move {
            match doors {
                None => api.await,
                Some(doors) => {
                    let (api, doors) = tokio::join!(api, doors);
                    api && doors
                }
            }
        }
    }
}

/// The login page on its own addresses, until the daemon stops.
pub(super) async fn pages(
    config: &Config,
    sessions: Option<Arc<Sessions>>,
    app: &Arc<App>,
    (tls, stopped): (&TlsOfListeners, &Receiver<bool>),
) -> anyhow::Result<tokio::task::JoinHandle<bool>> {
    let sign_in = config.sign_in.as_ref();
    let page = sign_in.and_then(|sign_in| Some((sign_in, sign_in.page.clone()?)));
    let (Some((sign_in, page)), Some(sessions)) = (page, sessions) else { return Ok(tokio::spawn(async { true })) };
    let listeners = listen::open(&Config { listen: page.listen.clone(), ..config.clone() }).await?;
    for listener in &listeners {
        let address = listener.address().map(|address| address.to_string()).unwrap_or_default();
        tracing::info!(address, url = page.url.as_str(), "login page");
    }
    let front = Arc::new(Front::new(Arc::clone(app), sessions, sign_in, page)?);
    let server = Server::new(sign_in::served(&front), Arc::clone(&tls.api), stopped.clone());
    Ok(tokio::spawn(server.run(listeners, std::future::ready(()))))
}
