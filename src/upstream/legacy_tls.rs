//! TLS 1.0 to 1.2 with CBC and RSA key exchange, by OpenSSL, for one connector's server that knows nothing newer. Built with the feature
//! `legacy-tls` only.
//!
//! OpenSSL computes the handshake, which proves that the server holds the key it shows. Whom we trust is decided by the same verifier as
//! for every other connection, before a byte of a request is written.

use openssl::ssl::{SslConnector, SslMethod, SslRef, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use std::pin::Pin;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::config::TlsConfig;
use super::fault::Fault;
use super::origin::Origin;
use super::tls::{TlsError, Verifier};
use super::tls_error;
use crate::verdict::Cause;

/// Everything with authentication and encryption that is not export, single DES, RC4 or a NULL cipher. Level 0, because the
/// signatures of TLS 1.0 are over MD5 with SHA-1, which OpenSSL 3 takes at no other.
const CIPHERS: &str = "ALL:!aNULL:!eNULL:!EXPORT:!LOW:!RC4:!PSK:!SRP:@SECLEVEL=0";

/// How one connector revision connects to its old server.
pub(super) struct LegacyTls {
    connector: SslConnector,
    verifier: Verifier,
}

impl LegacyTls {
    /// `None` when the connector does not ask for it.
    pub(super) fn new(config: &TlsConfig) -> Result<Option<Self>, TlsError> {
        if !config.legacy {
            return Ok(None);
        }
        let connector = connector(config).map_err(|why| TlsError::Legacy { why: reason(&why) })?;
        Ok(Some(Self { connector, verifier: Verifier::new(config)? }))
    }

    /// TLS over `tcp`, with a server that is trusted as `origin`'s; and the certificate that it showed.
    pub(super) async fn connect(
        &self,
        tcp: TcpStream,
        origin: &Origin,
        name: &ServerName<'_>,
    ) -> Result<(SslStream<TcpStream>, CertificateDer<'static>), Fault> {
        let fault = |why: String| Fault::new(Cause::Tls, format!("TLS with {origin}: {why}"));
        // The server's name is checked by our verifier, for names and addresses alike.
        let ssl = self.connector.configure().and_then(|it| it.verify_hostname(false).into_ssl(&name.to_str()));
        let stream = ssl.and_then(|ssl| SslStream::new(ssl, tcp));
        let mut stream = stream.map_err(|error| fault(reason(&error)))?;
        Pin::new(&mut stream).connect().await.map_err(|error| fault(broken(&error)))?;
        let chain = chain(stream.ssl()).ok_or_else(|| fault("the server showed no certificate".to_owned()))?;
        let (own, rest) = (chain[0].clone(), chain.get(1..).unwrap_or_default());
        let verified = self.verifier.verify_server_cert(&own, rest, name, &[], UnixTime::now());
        verified.map_err(|error| fault(tls_error::explain(&error)))?;
        Ok((stream, own))
    }
}

fn connector(config: &TlsConfig) -> Result<SslConnector, openssl::error::ErrorStack> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1))?;
    builder.set_max_proto_version(Some(SslVersion::TLS1_2))?;
    builder.set_cipher_list(CIPHERS)?;
    // Not by OpenSSL: `connect` verifies, by the rules of every other connection.
    builder.set_verify(SslVerifyMode::NONE);
    if let (Some(chain), Some(key)) = (&config.client_cert_pem, &config.client_key_pem) {
        let mut chain = X509::stack_from_pem(chain)?.into_iter();
        if let Some(own) = chain.next() {
            builder.set_certificate(&own)?;
        }
        for issuer in chain {
            builder.add_extra_chain_cert(issuer)?;
        }
        builder.set_private_key(&*openssl::pkey::PKey::private_key_from_pem(key)?)?;
    }
    Ok(builder.build())
}

/// What the server showed, its own certificate first; never empty.
fn chain(ssl: &SslRef) -> Option<Vec<CertificateDer<'static>>> {
    let shown = ssl.peer_cert_chain()?.iter().map(|one| one.to_der().map(CertificateDer::from));
    let chain: Vec<_> = shown.collect::<Result<_, _>>().ok()?;
    (!chain.is_empty()).then_some(chain)
}

/// OpenSSL's own words; nothing of a request is in them.
fn reason(error: &openssl::error::ErrorStack) -> String {
    error.errors().first().and_then(openssl::error::Error::reason).unwrap_or("OpenSSL does not say why").to_owned()
}

fn broken(error: &openssl::ssl::Error) -> String {
    match (error.ssl_error(), error.io_error()) {
        (Some(stack), _) => format!("the handshake failed: {}", reason(stack)),
        (None, Some(io)) => format!("the connection broke during the handshake: {io}"),
        (None, None) => "the server closed the connection during the handshake".to_owned(),
    }
}
