//! The accept loop: one task a connection, a cap on their number, and an orderly end.
//!
//! `axum::serve` sets no timer, which makes hyper's header timeout inert (axum#2741, hyper#3756); hence a loop of our
//! own. Beyond the cap the oldest connection of an unknown caller gives way; where there is none, the new one is closed at
//! once, so that its caller can turn elsewhere.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::Router;
use rustls::ServerConfig;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

use super::connection::{self, LEAVE, Terms};
use super::guests::{Guest, Guests};
use super::listen::Listener;
use super::tls;
use crate::api::App;
use crate::metrics::{Closed, Held, Shed};

/// How long a connection waits for the place of one that gives way to it.
const HANDOVER: Duration = Duration::from_secs(1);

/// How long the loop waits after the system refused a connection (no files, no memory): it would refuse the next one too.
const BREATH: Duration = Duration::from_millis(100);

/// The TLS of new connections; swapped when the files are read again.
pub type SharedTls = Arc<ArcSwapOption<ServerConfig>>;

/// A server that listens.
pub struct Server {
    app: Arc<App>,
    router: Router,
    tls: SharedTls,
    /// A permit an open connection.
    connections: Arc<Semaphore>,
    guests: Arc<Guests>,
    stop: watch::Receiver<bool>,
}

enum Accepted {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Server {
    /// A server for `app`, which ends when `stop` becomes true.
    pub fn new(app: Arc<App>, tls: SharedTls, stop: watch::Receiver<bool>) -> Arc<Self> {
        let connections = Arc::new(Semaphore::new(app.limits.connections));
        let router = crate::api::router(Arc::clone(&app));
        let guests = Guests::of(app.limits.connections);
        Arc::new(Self { app, router, tls, connections, guests, stop })
    }

    /// Serves all listeners until `stop`, then lets open requests finish within `limits.drain`. Returns whether all did.
    pub async fn run(self: Arc<Self>, listeners: Vec<Listener>) -> bool {
        let loops: Vec<_> =
            listeners.into_iter().map(|listener| tokio::spawn(Arc::clone(&self).accept(listener))).collect();
        for task in loops {
            // A panic here would be a fault of the loop; the others go on until they are told to stop.
            let _ = task.await;
        }
        let all = u32::try_from(self.app.limits.connections).unwrap_or(u32::MAX);
        let done = async {
            // A semaphore that nobody closes.
            let _ = self.connections.acquire_many(all).await;
            self.app.logins_done().await;
        };
        timeout(self.app.limits.drain, done).await.is_ok()
    }

    async fn accept(self: Arc<Self>, listener: Listener) {
        let mut stop = self.stop.clone();
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                accepted = next(&listener) => accepted,
            };
            match accepted {
                Ok(stream) => self.admit(stream),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep_until(Instant::now() + BREATH).await;
                }
            }
        }
    }

    fn admit(self: &Arc<Self>, stream: Accepted) {
        let guest = self.guests.enter();
        let permit = Arc::clone(&self.connections).try_acquire_owned();
        // All others may be known callers; then this one finds no place.
        if permit.is_err() && !guest.push_another() {
            self.app.metrics.shed(Shed::Connections);
            return;
        }
        let server = Arc::clone(self);
        tokio::spawn(async move {
            let metrics = &server.app.metrics;
            let served = async {
                let permit = match permit {
                    Ok(permit) => permit,
                    Err(_) => timeout(HANDOVER, Arc::clone(&server.connections).acquire_owned()).await.ok()?.ok()?,
                };
                let _held = Held::new(|change| metrics.connections(change));
                server.serve(stream, &guest).await;
                drop(permit);
                Some(())
            };
            tokio::select! {
                biased;
                served = served => if served.is_none() {
                    metrics.shed(Shed::Connections);
                },
                () = guest.pushed_out() => metrics.closed(Closed::Crowded),
            }
        });
    }

    async fn serve(&self, stream: Accepted, guest: &Arc<Guest>) {
        let (metrics, guest) = (Arc::clone(&self.app.metrics), Arc::clone(guest));
        let terms = Terms { limits: self.app.limits, stop: self.stop.clone(), metrics, guest };
        match stream {
            Accepted::Unix(stream) => connection::serve(stream, self.router.clone(), None, terms).await,
            Accepted::Tcp(stream) => {
                // A reply is one write; waiting to fill a packet only delays it. Failing to say so is no harm.
                let _ = stream.set_nodelay(true);
                match self.tls.load_full() {
                    None => connection::serve(stream, self.router.clone(), None, terms).await,
                    Some(config) => self.serve_tls(stream, config, terms).await,
                }
            }
        }
    }

    async fn serve_tls(&self, stream: TcpStream, config: Arc<ServerConfig>, terms: Terms) {
        let handshake = timeout(terms.limits.header, TlsAcceptor::from(config).accept(stream));
        let mut stop = self.stop.clone();
        let ending = async {
            // An error: whoever could say it is gone.
            let _ = stop.wait_for(|stop| *stop).await;
            tokio::time::sleep_until(Instant::now() + LEAVE).await;
        };
        let handshake = async {
            tokio::select! { done = handshake => done.ok()?.ok(), () = ending => None }
        };
        let Some(stream) = handshake.await else {
            self.app.metrics.closed(Closed::Tls);
            return;
        };
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let identity = certificate.map(|certificate| Arc::new(tls::identity(certificate)));
        connection::serve(stream, self.router.clone(), identity, terms).await;
    }
}

async fn next(listener: &Listener) -> std::io::Result<Accepted> {
    match listener {
        Listener::Tcp(listener) => listener.accept().await.map(|(stream, _)| Accepted::Tcp(stream)),
        Listener::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Accepted::Unix(stream)),
    }
}
