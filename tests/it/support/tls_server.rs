//! A TLS server on port 0 that answers over HTTP/1.1 or HTTP/2 with what it saw of the request; `/big` and `/fail` do so.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::certs::{Authority, Identity};

/// The settings of a server.
pub struct TlsSettings<'a> {
    pub identity: &'a Identity,
    /// The key that it really has, when that is another.
    pub forged_key: Option<&'a Identity>,
    /// Whose clients it wants.
    pub clients_of: Option<&'a Authority>,
    pub versions: &'a [&'static rustls::SupportedProtocolVersion],
    pub h2: bool,
}

impl<'a> TlsSettings<'a> {
    pub fn new(identity: &'a Identity) -> Self {
        Self { identity, forged_key: None, clients_of: None, versions: rustls::ALL_VERSIONS, h2: false }
    }

    pub fn config(&self) -> ServerConfig {
        let provider: Arc<CryptoProvider> = rustls::crypto::ring::default_provider().into();
        let builder = ServerConfig::builder_with_provider(provider.clone());
        let builder = builder.with_protocol_versions(self.versions).unwrap();
        let builder = match self.clients_of {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(authority.der.clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let key = self.forged_key.unwrap_or(self.identity).key();
        let key = provider.key_provider.load_private_key(key).unwrap();
        let certified = CertifiedKey::new(self.identity.chain.clone(), key);
        let mut config = builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
        config.alpn_protocols = if self.h2 { vec![b"h2".to_vec()] } else { vec![b"http/1.1".to_vec()] };
        config
    }
}

/// Listens until it is dropped.
pub struct TlsServer {
    pub addr: SocketAddr,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TlsServer {
    pub async fn start(settings: TlsSettings<'_>) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(settings.config()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let connections = Arc::new(AtomicUsize::new(0));
        let (seen, counted) = (Arc::clone(&requests), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    let Ok(tls) = acceptor.accept(tcp).await else { return };
                    let answer = service_fn(move |request: Request<Incoming>| {
                        seen.fetch_add(1, Ordering::SeqCst);
                        let line =
                            format!("{:?} {} {:?}", request.version(), request.uri(), request.headers().get("host"));
                        let body = if request.uri().path() == "/big" { "x".repeat(2 << 20) } else { line };
                        let fails = request.uri().path() == "/fail";
                        let reply = Response::new(Full::new(Bytes::from(body)));
                        async move { if fails { Err(std::io::Error::other("no")) } else { Ok(reply) } }
                    });
                    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(tls), answer).await;
                });
            }
        });
        Self { addr, requests, connections, task }
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// A URL of this server under another name.
    pub fn url(&self, host: &str) -> Url {
        Url::parse(&format!("https://{host}:{}/login?x=y", self.addr.port())).unwrap()
    }
}
