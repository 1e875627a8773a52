//! TLS towards upstreams: the roots and pins that a connector trusts, and its client certificate.
//!
//! All on rustls with ring, named explicitly. There is no switch that turns verification off: a pin alone replaces
//! chain and name checks, and then the key itself is what is verified.

use std::path::Path;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::certificate::spki_sha256;
use super::config::{TlsConfig, TlsVersion};
use super::tls_error::{self, Distrust};
use crate::files::{self, ReadError};

/// A TLS setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No certificate in the PEM.
    #[error("{what} holds no PEM certificate (a block that begins with -----BEGIN CERTIFICATE-----)")]
    NoCertificate {
        /// Which setting.
        what: &'static str,
    },
    /// A certificate that is none.
    #[error("a certificate of {what} cannot be read: {why}")]
    Certificate {
        /// Which setting.
        what: &'static str,
        /// What the parser says.
        why: String,
    },
    /// No usable key.
    #[error("client_key_file holds no PEM private key that can be read without a passphrase")]
    NoKey,
    /// The files of the system's roots do not answer.
    #[error("the system's root certificates cannot be read: {0}")]
    SystemRoots(ReadError),
    /// One without the other.
    #[error("client_cert_file and client_key_file belong together; one of them is missing")]
    HalfAClient,
    /// OpenSSL cannot be set up.
    #[cfg(feature = "legacy-tls")]
    #[error("legacy: OpenSSL cannot be set up: {why}")]
    Legacy {
        /// What OpenSSL says.
        why: String,
    },
    /// Certificate and key do not belong together, or the key is of an unknown kind.
    #[error("client_cert_file and client_key_file do not fit: {why}")]
    Client {
        /// What rustls says.
        why: String,
    },
}

/// The provider of all cryptography in TLS; explicit, because any crate may set the process default.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));

/// The system's roots, read once a process: reading them for each of 100 connectors would cost the start budget.
static SYSTEM_ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();

/// SSL_CERT_FILE and SSL_CERT_DIR may lead anywhere, so these files are waited for no longer than others. When they do not
/// answer, the next connector asks again.
fn system_roots() -> Result<Arc<RootCertStore>, TlsError> {
    if let Some(roots) = SYSTEM_ROOTS.get() {
        return Ok(Arc::clone(roots));
    }
    let read = files::within(Path::new("the system's roots"), ROOTS_TIMEOUT, rustls_native_certs::load_native_certs);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(read.map_err(TlsError::SystemRoots)?.certs);
    Ok(Arc::clone(SYSTEM_ROOTS.get_or_init(|| Arc::new(roots))))
}

/// A directory of a few hundred files on a busy machine.
const ROOTS_TIMEOUT: Duration = Duration::from_secs(10);

/// The rustls configuration of one connector revision.
pub(super) fn client_config(config: &TlsConfig) -> Result<Arc<ClientConfig>, TlsError> {
    let versions: &[_] = match config.min_version {
        TlsVersion::V1_2 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::V1_3 => &[&rustls::version::TLS13],
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_protocol_versions(versions)
        .map_err(|why| TlsError::Client { why: why.to_string() })?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier::new(config)?));
    let mut client = match (&config.client_cert_pem, &config.client_key_pem) {
        (None, None) => builder.with_no_client_auth(),
        (Some(chain), Some(key)) => {
            let chain = certificates(chain, "client_cert_file")?;
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
            builder.with_client_auth_cert(chain, key).map_err(|why| TlsError::Client { why: unfit(&why) })?
        }
        _ => return Err(TlsError::HalfAClient),
    };
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(client))
}

/// rustls says "keys may not be consistent: KeyMismatch".
fn unfit(why: &Error) -> String {
    match why {
        Error::InconsistentKeys(_) => "the certificate belongs to another key".to_owned(),
        other => other.to_string(),
    }
}

/// A configuration without a client certificate for another verifier.
pub(super) fn with_verifier(verifier: Arc<dyn ServerCertVerifier>) -> Result<Arc<ClientConfig>, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER));
    let builder = builder.with_protocol_versions(rustls::ALL_VERSIONS)?.dangerous();
    Ok(Arc::new(builder.with_custom_certificate_verifier(verifier).with_no_client_auth()))
}

/// Whether the server holds the key of `cert` (TLS 1.2).
pub(super) fn tls12_signature(
    message: &[u8],
    cert: &CertificateDer<'_>,
    dss: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    verify_tls12_signature(message, cert, dss, &PROVIDER.signature_verification_algorithms)
}

/// Whether the server holds the key of `cert` (TLS 1.3).
pub(super) fn tls13_signature(
    message: &[u8],
    cert: &CertificateDer<'_>,
    dss: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    verify_tls13_signature(message, cert, dss, &PROVIDER.signature_verification_algorithms)
}

/// What we can verify.
pub(super) fn signature_schemes() -> Vec<SignatureScheme> {
    PROVIDER.signature_verification_algorithms.supported_schemes()
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|why| TlsError::Certificate { what, why: why.to_string() })?;
    if all.is_empty() { Err(TlsError::NoCertificate { what }) } else { Ok(all) }
}

/// Chain and name by webpki, pins by us, or both.
#[derive(Debug)]
pub(super) struct Verifier {
    /// `None` when pins alone decide, or when there is no root at all (then nothing is trusted).
    chain: Option<Arc<WebPkiServerVerifier>>,
    pins: Vec<[u8; 32]>,
}

impl Verifier {
    pub(super) fn new(config: &TlsConfig) -> Result<Self, TlsError> {
        let pins = config.pin_sha256.clone();
        let roots = match &config.ca_pem {
            None if !pins.is_empty() => return Ok(Self { chain: None, pins }),
            None => system_roots()?,
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(pem, "ca_file")? {
                    let added = roots.add(certificate);
                    added.map_err(|why| TlsError::Certificate { what: "ca_file", why: why.to_string() })?;
                }
                Arc::new(roots)
            }
        };
        // The builder refuses an empty store; a machine without roots gets its explanation at the handshake.
        let chain = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&PROVIDER)).build().ok();
        Ok(Self { chain, pins })
    }

    fn check_pin(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let seen = spki_sha256(certificate)?;
        if self.pins.contains(&seen) { Ok(()) } else { Err(tls_error::refuse(Distrust::Pin { seen })) }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.chain {
            Some(chain) => {
                let checked = chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
                checked.map_err(|error| tls_error::in_words(error, end_entity, server_name))?;
                if !self.pins.is_empty() {
                    self.check_pin(end_entity)?;
                }
            }
            None if self.pins.is_empty() => return Err(tls_error::refuse(Distrust::NoRoots)),
            None => self.check_pin(end_entity)?,
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        signature_schemes()
    }
}
