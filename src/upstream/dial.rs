//! From an origin to a connected stream: resolve, ask the egress rules, dial what was checked, tunnel, TLS.
//!
//! There is one way to an address (`permitted`), so an override, a DNS answer, a literal and a proxy cannot differ in
//! what is checked. Nothing of a request is written here.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::certificate::end_point;
use super::egress::{Egress, Refused};
use super::fault::{Fault, Progress, Stage, connecting, handshake};
use super::lookup::Resolver;
use super::origin::{Host, Origin, Scheme};
use super::proxy::Proxy;
use super::stream::Stream;
use crate::verdict::Cause;

/// The least time for one of several addresses: a handshake across a continent, and one lost SYN is not fatal.
const MIN_SHARE: Duration = Duration::from_millis(250);

/// How one connector revision connects.
pub(super) struct Dialer {
    /// A reload may change it, also for a revision that stays.
    pub(super) egress: ArcSwap<Egress>,
    pub(super) resolver: Resolver,
    pub(super) resolve: BTreeMap<Host, IpAddr>,
    pub(super) tls: TlsConnectors,
    /// Instead of `tls`, where the connector says so.
    #[cfg(feature = "legacy-tls")]
    pub(super) legacy_tls: Option<super::legacy_tls::LegacyTls>,
    pub(super) proxy: Option<Proxy>,
    pub(super) connect_timeout: Duration,
}

/// Which HTTP a connection may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Http {
    Any,
    /// HTTP/2 has no place for schemes that authenticate the connection.
    Http1,
}

/// TLS by what ALPN offers.
pub(super) struct TlsConnectors {
    any: TlsConnector,
    http1: TlsConnector,
}

impl TlsConnectors {
    pub(super) fn new(config: Arc<ClientConfig>) -> Self {
        let mut http1 = ClientConfig::clone(&config);
        http1.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { any: config.into(), http1: Arc::new(http1).into() }
    }

    fn of(&self, http: Http) -> &TlsConnector {
        match http {
            Http::Any => &self.any,
            Http::Http1 => &self.http1,
        }
    }
}

/// A connection, ready for HTTP.
pub(super) struct Dialled {
    pub(super) stream: Stream,
    /// ALPN chose HTTP/2.
    pub(super) h2: bool,
    /// The hash of the server's certificate (tls-server-end-point), where only HTTP/1.1 was offered.
    pub(super) end_point: Option<Vec<u8>>,
}

impl Dialer {
    /// What can be known before names are resolved: literals, overrides, denied names, an unlisted proxy.
    pub(super) fn permits_in_advance(&self, egress: &Egress, origin: &Origin) -> Result<(), Refused> {
        let target = match &self.proxy {
            None => origin,
            Some(proxy) => {
                egress.permits_proxy(&proxy.origin)?;
                egress.permits_behind_proxy(origin.host())?;
                &proxy.origin
            }
        };
        match (self.resolve.get(target.host()), target.host()) {
            (Some(addr), _) | (None, Host::Addr(addr)) => self.permits(egress, target, *addr).map(drop),
            (None, Host::Name(_)) if self.proxy.is_some() => Ok(()),
            (None, host @ Host::Name(_)) => egress.permits_some_addr(host),
        }
    }

    /// Connects to `origin` within `connect_timeout`.
    pub(super) async fn dial(&self, origin: &Origin, http: Http, progress: &mut Progress) -> Result<Dialled, Fault> {
        match tokio::time::timeout(self.connect_timeout, self.connect(origin, http, progress)).await {
            Ok(done) => done,
            Err(_) => Err(progress.connect_too_late(origin, self.connect_timeout)),
        }
    }

    async fn connect(&self, origin: &Origin, http: Http, progress: &mut Progress) -> Result<Dialled, Fault> {
        let give_up = Instant::now() + self.connect_timeout;
        let target = match &self.proxy {
            None => origin,
            Some(proxy) => {
                self.egress.load().permits_behind_proxy(origin.host()).map_err(|why| refused(&why))?;
                &proxy.origin
            }
        };
        let addresses = self.permitted(target, progress).await?;
        let mut tcp = open(&addresses, give_up, progress).await?;
        if let Some(proxy) = &self.proxy
            && origin.scheme() == Scheme::Https
        {
            progress.stage = Stage::Tunnel;
            proxy.tunnel(&mut tcp, origin).await?;
        }
        match origin.scheme() {
            Scheme::Http => Ok(Dialled { stream: Stream::Plain(tcp), h2: false, end_point: None }),
            Scheme::Https => self.secure(tcp, origin, http, progress).await,
        }
    }

    async fn secure(
        &self,
        tcp: TcpStream,
        origin: &Origin,
        http: Http,
        progress: &mut Progress,
    ) -> Result<Dialled, Fault> {
        progress.stage = Stage::Handshake;
        let name = origin.server_name().ok_or_else(|| {
            Fault::new(Cause::Tls, format!("{} is no name that a certificate can have", origin.host()))
        })?;
        #[cfg(feature = "legacy-tls")]
        if let Some(legacy) = &self.legacy_tls {
            let (stream, shown) = legacy.connect(tcp, origin, &name).await?;
            let end_point = end_point(&shown).filter(|_| http == Http::Http1);
            return Ok(Dialled { stream: Stream::Legacy(Box::new(stream)), h2: false, end_point });
        }
        let stream = self.tls.of(http).connect(name, tcp).await.map_err(|error| handshake(origin, &error))?;
        let session = stream.get_ref().1;
        let h2 = session.alpn_protocol() == Some(b"h2");
        let shown = session.peer_certificates().and_then(<[_]>::first).filter(|_| http == Http::Http1);
        let end_point = shown.and_then(end_point);
        Ok(Dialled { stream: Stream::Tls(Box::new(stream)), h2, end_point })
    }

    /// The addresses of `target` that may be dialled, in the resolver's order.
    ///
    /// Of an answer with allowed and forbidden addresses the allowed ones are used. Refusing all would be no safer
    /// (what is dialled was checked either way) and would let one stray AAAA record lock everybody out.
    async fn permitted(&self, target: &Origin, progress: &mut Progress) -> Result<Vec<SocketAddr>, Fault> {
        progress.stage = Stage::Resolve;
        let one;
        let answer;
        let addresses: &[IpAddr] = match (self.resolve.get(target.host()), target.host()) {
            (Some(addr), _) | (None, Host::Addr(addr)) => {
                one = [*addr];
                &one
            }
            (None, Host::Name(name)) => {
                answer =
                    self.resolver.resolve(name).await.map_err(|why| {
                        Fault::new(Cause::Dns, format!("the name {name} could not be resolved: {why}"))
                    })?;
                &answer
            }
        };
        let egress = self.egress.load_full();
        let mut last = None;
        let mut permitted = Vec::with_capacity(addresses.len());
        for addr in addresses {
            match self.permits(&egress, target, *addr) {
                Ok(addr) => permitted.push(SocketAddr::new(addr, target.port())),
                Err(why) => last = Some(why),
            }
        }
        match last {
            _ if !permitted.is_empty() => Ok(permitted),
            Some(why) => Err(refused(&why)),
            None => Err(Fault::new(Cause::Dns, format!("the name {} has no address", target.host()))),
        }
    }

    fn permits(&self, egress: &Egress, target: &Origin, addr: IpAddr) -> Result<IpAddr, Refused> {
        if self.proxy.is_some() {
            egress.permits_proxy_addr(target, addr)
        } else {
            egress.permits(&target.host().to_string(), addr)
        }
    }
}

fn refused(why: &Refused) -> Fault {
    Fault::new(Cause::Connect, format!("the daemon's egress rules forbid it: {why}"))
}

/// Tries the addresses in order; each gets its share of the time that is left, the last one all of it (the caller's own
/// timeout ends that). The last failure is the one reported.
async fn open(addresses: &[SocketAddr], give_up: Instant, progress: &mut Progress) -> Result<TcpStream, Fault> {
    let mut last = None;
    for (tried, addr) in addresses.iter().enumerate() {
        progress.stage = Stage::Connect(*addr);
        let now = Instant::now();
        let until = match u32::try_from(addresses.len() - tried) {
            Ok(1) => give_up + MIN_SHARE,
            left => now + (give_up.saturating_duration_since(now) / left.unwrap_or(u32::MAX)).max(MIN_SHARE),
        };
        match tokio::time::timeout_at(until, TcpStream::connect(addr)).await {
            Ok(Ok(tcp)) => {
                // A request is one write and must not wait for an acknowledgement (Nagle); if the option
                // cannot be set, the exchange still works.
                let _ = tcp.set_nodelay(true);
                return Ok(tcp);
            }
            Ok(Err(error)) => last = Some(connecting(*addr, &error)),
            Err(_) => last = Some(connecting(*addr, &std::io::ErrorKind::TimedOut.into())),
        }
    }
    Err(last.unwrap_or_else(|| Fault::new(Cause::Dns, "the name has no address")))
}
