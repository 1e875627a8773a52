//! The client of one connector revision: `send` turns one rendered request into a reply or a fault.
//!
//! One client, one connector, one revision (docs/security.md, failure 20). A request is written at most once: another connection is
//! tried only while hyper gives the request back unwritten. What a reply means is none of its business.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use http::Request;
use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use tokio::time::Instant;

use super::attempt::{Attempt, AttemptError, connection};
use super::config::TransportConfig;
use super::dial::{Dialer, Http, TlsConnectors};
use super::egress::{Egress, Refused};
use super::fault::{Fault, Progress, SendFault};
use super::gate::{Full as GateFull, Gate};
use super::lookup::{Lookup, Resolver, SystemLookup};
use super::origin::{Host, Origin, OriginError, Scheme};
use super::own::OwnConnection;
use super::pool::{Body, Conn, Pool};
use super::proxy::Proxy;
use super::reply::Reply;
use super::tls::{TlsError, client_config};
use super::wire::{self, Form, Outgoing};
use crate::budget::Budget;
use crate::verdict::Cause;

/// In the message alone: as a source it would be printed a second time.
impl From<TlsError> for ClientError {
    fn from(why: TlsError) -> Self {
        Self::Tls(why)
    }
}

/// A connector's transport that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A TLS setting.
    #[error("transport.tls: {0}")]
    Tls(TlsError),
    /// A literal address or a denied name of the connector lies outside the operator's bound.
    #[error("{origin}: {why}")]
    Egress {
        /// The origin, or the entry of `resolve`.
        origin: String,
        /// The rule.
        why: Refused,
    },
    /// A name in `resolve`.
    #[error("transport.resolve: {0}")]
    Resolve(OriginError),
    /// The proxy's URL.
    #[error("transport.proxy: {0}")]
    Proxy(OriginError),
}

/// Connections of one connector revision.
pub struct Client {
    origins: Box<[Origin]>,
    /// `Host` of each origin.
    hosts: Box<[HeaderValue]>,
    dialer: Dialer,
    pool: Arc<Pool>,
    gate: Gate,
    max_response: usize,
    /// What bodies take while they are read.
    replies: Option<Arc<Budget>>,
    credential_sends: AtomicU64,
}

impl Client {
    /// A client for `origins` only.
    ///
    /// # Errors
    /// A TLS setting that cannot be used; an origin, override or proxy outside the operator's bound, as far as that can be
    /// known before names are resolved.
    pub fn new(config: &TransportConfig, egress: Arc<Egress>, origins: &[Origin]) -> Result<Self, ClientError> {
        Self::with_lookup(config, egress, origins, Arc::new(SystemLookup))
    }

    /// The same with another resolver.
    pub fn with_lookup(
        config: &TransportConfig,
        egress: Arc<Egress>,
        origins: &[Origin],
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, ClientError> {
        let proxy = config.proxy.as_ref().map(Proxy::new).transpose().map_err(ClientError::Proxy)?;
        let mut resolve = BTreeMap::new();
        for (name, addr) in &config.resolve {
            resolve.insert(Host::parse(name).map_err(ClientError::Resolve)?, *addr);
        }
        let dialer = Dialer {
            egress: ArcSwap::new(egress),
            resolver: Resolver::new(lookup),
            resolve,
            tls: TlsConnectors::new(client_config(&config.tls)?),
            #[cfg(feature = "legacy-tls")]
            legacy_tls: super::legacy_tls::LegacyTls::new(&config.tls)?,
            proxy,
            connect_timeout: config.connect_timeout,
        };
        for origin in origins {
            let refused = |why| ClientError::Egress { origin: origin.to_string(), why };
            dialer.permits_in_advance(&dialer.egress.load(), origin).map_err(refused)?;
        }
        let gate = Gate::new(config.max_in_flight, config.max_in_flight);
        Ok(Self {
            origins: origins.into(),
            hosts: origins.iter().filter_map(|origin| HeaderValue::try_from(origin.authority()).ok()).collect(),
            pool: Pool::new(origins.len(), config.keep_alive, gate.places()),
            dialer,
            gate,
            max_response: config.max_response,
            replies: None,
            credential_sends: AtomicU64::new(0),
        })
    }

    /// The same, and the bodies that it reads count in `budget` while they are read.
    #[must_use]
    pub fn bounded_by(mut self, budget: &Arc<Budget>) -> Self {
        self.replies = Some(Arc::clone(budget));
        self
    }

    /// What another bound than this client's would refuse, as far as that can be known before names are resolved.
    pub fn refused_by(&self, egress: &Egress) -> Option<ClientError> {
        self.origins.iter().find_map(|origin| {
            let refused = |why| ClientError::Egress { origin: origin.to_string(), why };
            self.dialer.permits_in_advance(egress, origin).map_err(refused).err()
        })
    }

    /// From now on only what `egress` permits is dialled, and no connection that was dialled before gets another request.
    pub fn change_egress(&self, egress: &Arc<Egress>) {
        if Arc::ptr_eq(&self.dialer.egress.swap(Arc::clone(egress)), egress) {
            return;
        }
        self.pool.distrust(self.pool.generation());
    }

    /// How many requests with a user's credential were written, in this client's life.
    pub fn credential_sends(&self) -> u64 {
        self.credential_sends.load(Ordering::Relaxed)
    }

    /// Sends one request and reads its reply, both before `deadline`.
    ///
    /// # Errors
    /// Every failure has a cause, one line of explanation, and says whether bytes of the request may have been written.
    pub async fn send(&self, request: &Outgoing, deadline: Instant) -> Result<Reply, SendFault> {
        let mut progress = Progress::new();
        let Some(lane) = self.origins.iter().position(|origin| origin.contains(&request.url)) else {
            return Err(progress
                .fail(Fault::new(Cause::Connect, "the request goes to an origin that the connector does not name")));
        };
        let within = deadline.saturating_duration_since(progress.started);
        if within.is_zero() {
            return Err(progress.fail(Fault::new(Cause::Timeout, "no time was left to send the request")));
        }
        match tokio::time::timeout_at(deadline, self.exchange(lane, request, &mut progress)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(fault)) => {
                self.pool.forget(lane, progress.meter.as_ref());
                Err(progress.fail(fault))
            }
            Err(_) => {
                self.pool.forget(lane, progress.meter.as_ref());
                Err(progress.too_late(&self.origins[lane], within))
            }
        }
    }

    async fn exchange(&self, lane: usize, request: &Outgoing, progress: &mut Progress) -> Result<Reply, Fault> {
        let _place = self.gate.enter().await.map_err(|full| self.overloaded(full))?;
        let continues = request.own.as_ref().is_some_and(OwnConnection::continues);
        loop {
            let kept = match &request.own {
                Some(own) => own.take(lane, self.pool.generation()).map(Conn::H1),
                None => self.pool.take(lane),
            };
            let is_kept = kept.is_some();
            let conn = match kept {
                Some(conn) => conn,
                None if continues => return Err(closed_between()),
                // Boxed: most requests find a connection and need not carry the room for a handshake about.
                None => Box::pin(self.open(lane, request.own.as_ref(), progress)).await?,
            };
            let generation = conn.generation();
            let message = self.message(lane, request, conn.is_h2())?;
            let spellings = request.spellings.clone();
            let (max_response, replies) = (self.max_response, self.replies.as_ref());
            let attempt = Attempt { conn, is_kept, max_response, spellings, replies };
            match self.counted(request, attempt.run(message, progress)).await {
                Ok((reply, conn)) => {
                    self.keep(lane, conn, request.own.as_ref());
                    return Ok(reply);
                }
                Err(AttemptError::Unwritten(_)) if continues => return Err(closed_between()),
                // It was closed while it lay idle, and hyper gave the request back: nothing was written.
                Err(AttemptError::Unwritten(_)) if is_kept => {}
                Err(AttemptError::Unwritten(fault)) => return Err(fault),
                Err(AttemptError::Written(fault)) => {
                    if fault.doubt {
                        self.pool.distrust(generation);
                    }
                    return Err(fault);
                }
            }
        }
    }

    /// After a reply. A connection of one login's own never goes into the pool.
    fn keep(&self, lane: usize, conn: Option<Conn>, own: Option<&OwnConnection>) {
        match (conn, own) {
            (Some(Conn::H1(h1)), Some(own)) => own.keep(lane, h1),
            (Some(conn), None) => self.pool.keep(lane, conn),
            (Some(Conn::H2(_)), Some(_)) | (None, _) => {}
        }
    }

    async fn open(&self, lane: usize, own: Option<&OwnConnection>, progress: &mut Progress) -> Result<Conn, Fault> {
        let origin = &self.origins[lane];
        if own.is_some() && origin.scheme() == Scheme::Http && self.dialer.proxy.is_some() {
            let why = "a scheme that authenticates the connection (NTLM) needs one from end to end, which a proxy gives to https \
                       origins only";
            return Err(Fault::new(Cause::Connect, why));
        }
        let http = if own.is_some() { Http::Http1 } else { Http::Any };
        let mut dialled = self.dialer.dial(origin, http, progress).await?;
        progress.connected = Some(progress.started.elapsed());
        if let Some(own) = own {
            own.opened(dialled.end_point.take());
        }
        let conn = connection(dialled, &self.pool).await?;
        if let Conn::H2(h2) = &conn {
            // Others need not wait for the first reply to share it.
            self.pool.keep(lane, Conn::H2(h2.clone()));
        }
        Ok(conn)
    }

    /// Counts before the attempt, so that one that the deadline cuts off is counted too.
    async fn counted<T>(
        &self,
        request: &Outgoing,
        attempt: impl Future<Output = Result<T, AttemptError>>,
    ) -> Result<T, AttemptError> {
        if !request.carries_credential {
            return attempt.await;
        }
        self.credential_sends.fetch_add(1, Ordering::Relaxed);
        let done = attempt.await;
        if let Err(AttemptError::Unwritten(_)) = &done {
            self.credential_sends.fetch_sub(1, Ordering::Relaxed);
        }
        done
    }

    fn message(&self, lane: usize, request: &Outgoing, h2: bool) -> Result<Request<Body>, Fault> {
        let origin = &self.origins[lane];
        let host = &self.hosts[lane];
        let proxy = self.dialer.proxy.as_ref().filter(|_| origin.scheme() == Scheme::Http);
        let form = match (h2, proxy) {
            (true, _) | (_, Some(_)) => Form::Absolute(host),
            (false, None) => Form::Path,
        };
        let mut message = wire::message(origin.scheme(), request, form)?;
        if !h2 {
            message.headers_mut().entry(HOST).or_insert_with(|| host.clone());
        }
        if let Some(authorization) = proxy.and_then(|proxy| proxy.authorization.clone()) {
            message.headers_mut().insert(PROXY_AUTHORIZATION, authorization);
        }
        Ok(message)
    }

    fn overloaded(&self, full: GateFull) -> Fault {
        let places = self.gate.places();
        Fault::new(
            Cause::Overloaded,
            match full {
                GateFull::Queue => format!("{places} requests of this connector are in flight and as many wait"),
                GateFull::Wait => {
                    format!("{places} requests of this connector are in flight; none ended within 250 ms")
                }
            },
        )
    }
}

fn closed_between() -> Fault {
    let why = "the server closed the connection between its challenge and the answer, which must go over the same one";
    Fault::new(Cause::Connect, why)
}
