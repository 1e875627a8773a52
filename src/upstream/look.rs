//! What a server shows of itself in a TLS handshake, for `doorward pin`.
//!
//! Any certificate is taken, but only one whose key the server proves to hold. Nothing is sent beyond the handshake, and
//! nothing here is used for logins.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

use super::certificate::{self, day, one_line};
use super::config::TlsConfig;
use super::dial::{Dialer, Http, TlsConnectors};
use super::egress::{Egress, EgressRules};
use super::fault::{Fault, Progress, SendFault};
use super::lookup::{Resolver, SystemLookup};
use super::origin::{Origin, Scheme};
use super::tls::{self, Verifier};
use super::tls_error;
use crate::verdict::Cause;

/// What a server shows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerCertificate {
    /// Of its key.
    pub pin: [u8; 32],
    /// The certificate's subject, as one line.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// `2026-01-02 to 2027-01-02`.
    pub valid: String,
    /// Whether this machine's roots vouch for it now, and if not, why.
    pub trusted: Result<(), String>,
}

/// Asks a server for its certificate, within `within`.
///
/// # Errors
/// As a send that could not connect; an origin without TLS.
pub async fn present(origin: &Origin, within: Duration) -> Result<ServerCertificate, SendFault> {
    let mut progress = Progress::new();
    if origin.scheme() == Scheme::Http {
        return Err(progress.fail(Fault::new(Cause::Tls, format!("{origin} has no TLS, so there is no key to pin"))));
    }
    let onlooker = Arc::new(RecordingVerifier::default());
    let egress = Egress::new(&EgressRules { allow_loopback: true, ..EgressRules::default() }).unwrap_or_default();
    let tls = tls::with_verifier(Arc::clone(&onlooker) as _).map_err(|error| progress.fail(Fault::tls(&error)))?;
    let dialer = Dialer {
        egress: ArcSwap::from_pointee(egress),
        resolver: Resolver::new(Arc::new(SystemLookup)),
        resolve: BTreeMap::new(),
        tls: TlsConnectors::new(tls),
        #[cfg(feature = "legacy-tls")]
        legacy_tls: None,
        proxy: None,
        connect_timeout: within,
    };
    let dialled = dialer.dial(origin, Http::Any, &mut progress).await;
    // A server that wants a client certificate breaks off, but only after it has shown and proved its own.
    match (onlooker.proved(), dialled) {
        (Some(chain), _) => describe(&chain, origin).map_err(|error| progress.fail(Fault::tls(&error))),
        (None, Err(fault)) => Err(progress.fail(fault)),
        (None, Ok(_)) => Err(progress.fail(Fault::new(Cause::Tls, "the server showed no certificate"))),
    }
}

fn describe(chain: &[CertificateDer<'static>], origin: &Origin) -> Result<ServerCertificate, Error> {
    let (Some(own), rest) = (chain.first(), chain.get(1..).unwrap_or_default()) else {
        return Err(Error::NoCertificatesPresented);
    };
    let pin = certificate::spki_sha256(own)?;
    let (_, parsed) = x509_parser::parse_x509_certificate(own)
        .map_err(|_| Error::InvalidCertificate(rustls::CertificateError::BadEncoding))?;
    let validity = parsed.validity();
    let trusted = Verifier::new(&TlsConfig::default()).map_err(|error| error.to_string()).and_then(|verifier| {
        let name = origin.server_name().ok_or("the host is no name that a certificate can have")?;
        let verified = verifier.verify_server_cert(own, rest, &name, &[], UnixTime::now());
        verified.map(drop).map_err(|error| tls_error::explain(&error))
    });
    Ok(ServerCertificate {
        pin,
        subject: one_line(&parsed.subject().to_string()),
        issuer: one_line(&parsed.issuer().to_string()),
        names: certificate::names(&parsed),
        valid: format!("{} to {}", day(validity.not_before.timestamp()), day(validity.not_after.timestamp())),
        trusted,
    })
}

/// Looks at a certificate without trusting it, and sees whether the server holds its key.
#[derive(Debug, Default)]
struct RecordingVerifier {
    seen: Mutex<(Vec<CertificateDer<'static>>, bool)>,
}

impl RecordingVerifier {
    fn proved(&self) -> Option<Vec<CertificateDer<'static>>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.1.then(|| seen.0.clone())
    }

    fn note(&self, signature: &Result<HandshakeSignatureValid, Error>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).1 = signature.is_ok();
    }
}

impl ServerCertVerifier for RecordingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).map(|one| one.clone().into_owned()).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = (chain, false);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let signature = tls::tls12_signature(message, cert, dss);
        self.note(&signature);
        signature
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let signature = tls::tls13_signature(message, cert, dss);
        self.note(&signature);
        signature
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        tls::signature_schemes()
    }
}
