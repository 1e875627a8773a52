//! Callers over TLS: client certificates, and handshakes that stall.

use std::sync::Arc;

use doorward::config::{CertificateRule, Client, Config, Limits, Scope, Tls};
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, SanType};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use super::{Running, on, rest, short, soon, start};
use crate::made_up::MadeUp;

/// Who begins a handshake and does not go on is closed like who begins a head.
#[tokio::test]
async fn a_stalled_handshake_is_closed() {
    for sent in [&b""[..], b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let pki = Pki::new();
        let config = Config { limits: short("tls"), ..pki.config() };
        let running = start(&config, MadeUp::new("demo")).await;
        let mut stream = running.connect().await;
        stream.write_all(sent).await.unwrap();
        rest(&mut stream).await;
        let text = running.metrics.text();
        assert!(running.counted("doorward_connections_closed_total{cause=\"tls\"} 1"), "{sent:?}: {text}");
    }
}

struct Pki {
    directory: tempfile::TempDir,
}

impl Pki {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(directory.path().join("ca.pem"), issuer.pem()).unwrap();
        let pki = Self { directory };
        for name in ["localhost", "gateway.example.com", "stranger.example.com"] {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::default();
            params.subject_alt_names = vec![SanType::DnsName(name.try_into().unwrap())];
            let certificate = params.signed_by(&key, &issuer).unwrap();
            std::fs::write(pki.path(name, "crt"), certificate.pem()).unwrap();
            std::fs::write(pki.path(name, "key"), key.serialize_pem()).unwrap();
        }
        pki
    }

    fn path(&self, name: &str, kind: &str) -> std::path::PathBuf {
        self.directory.path().join(format!("{name}.{kind}"))
    }

    fn config(&self) -> Config {
        let gateway = Client {
            name: "gateway".to_owned(),
            certificate: Some(CertificateRule::Dns("gateway.example.com".to_owned())),
            scopes: vec![Scope::Authenticate, Scope::Read],
            ..Client::default()
        };
        Config {
            tls: Some(Tls {
                cert_file: self.path("localhost", "crt"),
                key_file: self.path("localhost", "key"),
                client_ca_file: Some(self.directory.path().join("ca.pem")),
            }),
            clients: vec![gateway],
            ..on("127.0.0.1:0", Limits::default())
        }
    }

    /// The status of a read by who shows the certificate `name`.
    async fn read_as(&self, running: &Running, name: Option<&str>) -> Option<u16> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.directory.path().join("ca.pem")).unwrap()).unwrap();
        let builder = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match name {
            None => builder.with_no_client_auth(),
            Some(name) => builder
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_file(self.path(name, "crt")).unwrap()],
                    PrivateKeyDer::from_pem_file(self.path(name, "key")).unwrap(),
                )
                .unwrap(),
        };
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let name = ServerName::try_from("localhost").unwrap();
        let stream = connector.connect(name, running.connect().await).await.unwrap();
        status_over(stream).await
    }
}

async fn status_over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Option<u16> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let request = Request::get("/v1/connectors/demo").header("host", "d").body(Empty::<bytes::Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.ok()?;
    let status = response.status().as_u16();
    response.into_body().collect().await.unwrap();
    Some(status)
}

#[tokio::test]
async fn a_client_certificate_is_an_identity() {
    let pki = Pki::new();
    let running = start(&pki.config(), MadeUp::new("demo")).await;
    assert_eq!(soon(pki.read_as(&running, Some("gateway.example.com"))).await, Some(200));
    assert_eq!(soon(pki.read_as(&running, Some("stranger.example.com"))).await, Some(401));
    assert_eq!(soon(pki.read_as(&running, None)).await, Some(401));
    // Another CA's certificate with the right name does not get through the handshake.
    let other = Pki::new();
    std::fs::copy(pki.directory.path().join("ca.pem"), other.directory.path().join("ca.pem")).unwrap();
    assert_eq!(soon(other.read_as(&running, Some("gateway.example.com"))).await, None);
    // Nobody speaks clear text there.
    let mut stream = running.connect().await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: d\r\n\r\n").await.unwrap();
    assert!(!rest(&mut stream).await.contains("200 OK"));
}
