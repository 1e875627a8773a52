//! The accept loop: one task a connection, a cap on their number, and an orderly end.
//!
//! `axum::serve` sets no timer, which makes hyper's header timeout inert (axum#2741, hyper#3756); hence a loop of our
//! own. Beyond the cap the oldest connection without an authenticated caller is evicted; where there is none, the new one is
//! closed at once, so that its caller can try another daemon.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

use super::connection::{self, ConnectionContext, DRAIN_IDLE_TIMEOUT};
use super::connection_slots::{ConnectionSlot, ConnectionSlots};
use super::listen::Listener;
use super::{Peer, Served, tls};
use crate::metrics::{Closed, GaugeGuard, Shed};

/// How long a connection waits for the place of an evicted one.
const HANDOVER_TIMEOUT: Duration = Duration::from_secs(1);

/// After the system refused a connection (no files, no memory): it would refuse the next one too.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// The TLS of new connections; swapped when the files are read again.
pub type SharedTls = Arc<ArcSwapOption<ServerConfig>>;

/// A server that listens.
pub struct Server {
    served: Served,
    tls: SharedTls,
    /// A permit an open connection.
    connections: Arc<Semaphore>,
    max: usize,
    slots: Arc<ConnectionSlots>,
    stop: watch::Receiver<bool>,
}

enum Accepted {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Server {
    /// A server that ends when `stop` becomes true.
    pub fn new(served: Served, tls: SharedTls, stop: watch::Receiver<bool>) -> Arc<Self> {
        // A reload does not change it.
        let max = served.limits.load().connections;
        Arc::new(Self {
            served,
            tls,
            connections: Arc::new(Semaphore::new(max)),
            max,
            slots: ConnectionSlots::of(max),
            stop,
        })
    }

    /// Serves all listeners until `stop`, then lets open requests and `work` finish within `limits.drain`. Returns whether all
    /// did.
    pub async fn run(self: Arc<Self>, listeners: Vec<Listener>, work: impl Future<Output = ()>) -> bool {
        let loops: Vec<_> =
            listeners.into_iter().map(|listener| tokio::spawn(Arc::clone(&self).accept(listener))).collect();
        for task in loops {
            // A panic here would be a fault of the loop; the others go on until they are stopped.
            let _ = task.await;
        }
        let all = u32::try_from(self.max).unwrap_or(u32::MAX);
        let done = async {
            // The semaphore is never closed.
            let _ = self.connections.acquire_many(all).await;
            work.await;
        };
        let drain = self.served.limits.load().drain;
        timeout(drain, done).await.is_ok()
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
                    tokio::time::sleep_until(Instant::now() + RETRY_DELAY).await;
                }
            }
        }
    }

    fn admit(self: &Arc<Self>, stream: Accepted) {
        let slot = self.slots.enter();
        let permit = Arc::clone(&self.connections).try_acquire_owned();
        // All others may be authenticated; then this one finds no place.
        if permit.is_err() && !slot.evict_oldest() {
            self.served.metrics.shed(Shed::Connections);
            return;
        }
        let server = Arc::clone(self);
        tokio::spawn(async move {
            let metrics = &server.served.metrics;
            let served = async {
                let permit = match permit {
                    Ok(permit) => permit,
                    Err(_) => {
                        timeout(HANDOVER_TIMEOUT, Arc::clone(&server.connections).acquire_owned()).await.ok()?.ok()?
                    }
                };
                let _held = GaugeGuard::new(|change| metrics.connections(change));
                server.serve(stream, &slot).await;
                drop(permit);
                Some(())
            };
            tokio::select! {
                biased;
                served = served => if served.is_none() {
                    metrics.shed(Shed::Connections);
                },
                () = slot.evicted() => metrics.closed(Closed::Crowded),
            }
        });
    }

    async fn serve(&self, stream: Accepted, slot: &Arc<ConnectionSlot>) {
        let peer = Peer(match &stream {
            Accepted::Unix(_) => None,
            Accepted::Tcp(stream) => stream.peer_addr().ok().map(|address| address.ip()),
        });
        let context =
            ConnectionContext { served: self.served.clone(), stop: self.stop.clone(), slot: Arc::clone(slot), peer };
        match stream {
            Accepted::Unix(stream) => connection::serve(stream, None, context).await,
            Accepted::Tcp(stream) => {
                // A reply is one write; waiting to fill a packet only delays it. Failing to say so is no harm.
                let _ = stream.set_nodelay(true);
                match self.tls.load_full() {
                    None => connection::serve(stream, None, context).await,
                    Some(config) => self.serve_tls(stream, config, context).await,
                }
            }
        }
    }

    async fn serve_tls(&self, stream: TcpStream, config: Arc<ServerConfig>, context: ConnectionContext) {
        let most = context.served.limits.load().header;
        let handshake = timeout(most, TlsAcceptor::from(config).accept(stream));
        let mut stop = self.stop.clone();
        let ending = async {
            // An error: the sender is gone.
            let _ = stop.wait_for(|stop| *stop).await;
            tokio::time::sleep_until(Instant::now() + DRAIN_IDLE_TIMEOUT).await;
        };
        let handshake = async {
            tokio::select! { done = handshake => done.ok()?.ok(), () = ending => None }
        };
        let Some(stream) = handshake.await else {
            self.served.metrics.closed(Closed::Tls);
            return;
        };
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let identity = certificate.map(|certificate| Arc::new(tls::identity(certificate)));
        connection::serve(stream, identity, context).await;
    }
}

async fn next(listener: &Listener) -> std::io::Result<Accepted> {
    match listener {
        Listener::Tcp(listener) => listener.accept().await.map(|(stream, _)| Accepted::Tcp(stream)),
        Listener::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Accepted::Unix(stream)),
    }
}
