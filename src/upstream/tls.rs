//! TLS towards upstreams: whom a connector trusts, who it is, and what a failure means in plain words.
//!
//! All on rustls with ring, named explicitly. There is no switch that turns verification off: a pin alone replaces
//! chain and name checks, and then the key itself is what is verified.

use std::error::Error as StdError;
use std::sync::{Arc, LazyLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    AlertDescription, CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};

use super::config::{TlsConfig, TlsVersion};

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
    /// One without the other.
    #[error("client_cert_file and client_key_file belong together; one of them is missing")]
    HalfAClient,
    /// Certificate and key do not belong together, or the key is of an unknown kind.
    #[error("client_cert_file and client_key_file do not fit: {why}")]
    Client {
        /// What rustls says.
        why: String,
    },
}

/// The provider of all cryptography in TLS; explicit, because a process default may be set by anybody.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));

/// The system's roots, read once a process: reading them for each of 100 connectors would cost the start budget.
static SYSTEM_ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(roots)
});

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
            builder.with_client_auth_cert(chain, key).map_err(|why| TlsError::Client { why: why.to_string() })?
        }
        _ => return Err(TlsError::HalfAClient),
    };
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(client))
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
            None => Arc::clone(&SYSTEM_ROOTS),
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
        if self.pins.contains(&seen) { Ok(()) } else { Err(refuse(Distrust::Pin { seen })) }
    }
}

/// SHA-256 of a certificate's SubjectPublicKeyInfo (the pin of RFC 7469).
pub(super) fn spki_sha256(certificate: &CertificateDer<'_>) -> Result<[u8; 32], Error> {
    let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
    Ok(Sha256::digest(key.as_ref()).into())
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
                checked.map_err(|error| name_the_issuer(error, end_entity))?;
                if !self.pins.is_empty() {
                    self.check_pin(end_entity)?;
                }
            }
            None if self.pins.is_empty() => return Err(refuse(Distrust::NoRoots)),
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

/// Why we do not trust a certificate, where rustls has no word or too few.
#[derive(Debug, thiserror::Error)]
enum Distrust {
    #[error("this machine has no trusted roots; install ca-certificates or set transport.tls.ca_file")]
    NoRoots,
    #[error("the certificate is self-signed; set transport.tls.ca_file to it, or pin it with transport.tls.pin_sha256")]
    SelfSigned,
    #[error("the certificate is issued by \"{issuer}\", which is not a trusted CA")]
    Issuer { issuer: String },
    #[error("the server's key has the pin {}, which is not in transport.tls.pin_sha256", base64_of(.seen))]
    Pin { seen: [u8; 32] },
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn refuse(why: Distrust) -> Error {
    CertificateError::Other(OtherError(Arc::new(why))).into()
}

fn name_the_issuer(error: Error, certificate: &CertificateDer<'_>) -> Error {
    if error != Error::InvalidCertificate(CertificateError::UnknownIssuer) {
        return error;
    }
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(certificate) else { return error };
    if parsed.issuer() == parsed.subject() {
        return refuse(Distrust::SelfSigned);
    }
    // The server chose this text: no control characters, and no more than a line.
    let issuer = parsed.issuer().to_string().chars().filter(|c| !c.is_control()).take(120).collect();
    refuse(Distrust::Issuer { issuer })
}

/// The rustls error at the bottom of a chain of errors, if that is what failed.
pub(super) fn tls_error<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<Error>() {
            return Some(found);
        }
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// One line for an administrator.
pub(super) fn explain(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(why) => explain_certificate(why),
        Error::AlertReceived(alert) => explain_alert(*alert),
        Error::PeerIncompatible(_) => {
            "the server offers no TLS version or cipher that Doorward and transport.tls.min_version allow".to_owned()
        }
        Error::InvalidMessage(_) => "the server does not speak TLS on this port".to_owned(),
        other => format!("TLS failed: {other}"),
    }
}

fn explain_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the certificate expired on {}", day(*not_after))
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("the certificate is valid from {} on; is this machine's clock right?", day(*not_before))
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            // The server chose these texts.
            let names: Vec<String> = presented
                .iter()
                .take(5)
                .map(|name| name.chars().filter(|c| !c.is_control()).take(80).collect())
                .collect();
            let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
            format!("the certificate is for {names}, not for {}", expected.to_str())
        }
        CertificateError::Other(OtherError(why)) => match why.downcast_ref::<Distrust>() {
            Some(distrust) => distrust.to_string(),
            None => "the certificate was refused".to_owned(),
        },
        CertificateError::BadEncoding => "the certificate cannot be parsed".to_owned(),
        CertificateError::BadSignature => "a signature of the certificate or the handshake is wrong".to_owned(),
        CertificateError::InvalidPurposeContext { .. } => "the certificate is not one for a TLS server".to_owned(),
        other => format!("the certificate was refused: {other}"),
    }
}

fn explain_alert(alert: AlertDescription) -> String {
    use AlertDescription as A;
    match alert {
        A::CertificateRequired => {
            "the server wants a client certificate; set transport.tls.client_cert_file".to_owned()
        }
        A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::UnknownCA
        | A::AccessDenied => {
            format!("the server refused our client certificate, or the lack of one (TLS alert {alert:?})")
        }
        A::HandshakeFailure | A::ProtocolVersion | A::InsufficientSecurity => {
            format!(
                "the server refused the handshake: no common TLS version or cipher, or it wants a client certificate (TLS alert {alert:?})"
            )
        }
        A::UnrecognisedName => "the server knows no certificate for this host name".to_owned(),
        other => format!("the server ended TLS with the alert {other:?}"),
    }
}

fn day(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_second(seconds) {
        Ok(time) => time.strftime("%Y-%m-%d").to_string(),
        Err(_) => "a day beyond the calendar".to_owned(),
    }
}
