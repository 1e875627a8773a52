//! TLS of the listeners: certificate, key, and the CA of client certificates.
//!
//! With a client CA a caller may show a certificate; one that does not verify ends the handshake. Whether a client must
//! show one is its entry's matter. Ring is the one provider; TLS 1.2 and 1.3.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

use crate::config::{Certificate, Tls};
use crate::files::{self, ReadError};

/// Why there can be no TLS. Names files, never their content.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {why}")]
    Unread {
        /// The file.
        path: PathBuf,
        /// Why.
        why: ReadError,
    },
    /// A file cannot be read as PEM of its kind.
    #[error("{path}: no {what} in PEM form can be read from it: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What the reader said.
        error: rustls_pki_types::pem::Error,
    },
    /// The file holds nothing of its kind.
    #[error("{path}: no {what} in it")]
    Empty {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// Certificate and key do not fit, or are of a kind that is not supported.
    #[error("tls.cert_file and tls.key_file cannot be used together: {0}")]
    Unusable(String),
    /// The client CA cannot be used.
    #[error("tls.client_ca_file cannot be used: {0}")]
    ClientCa(String),
}

/// In the message alone: as a source it would be printed a second time.
impl From<rustls::Error> for TlsError {
    fn from(why: rustls::Error) -> Self {
        Self::Unusable(match why {
            // rustls says "keys may not be consistent: KeyMismatch".
            rustls::Error::InconsistentKeys(_) => "the certificate belongs to another key".to_owned(),
            other => other.to_string(),
        })
    }
}

/// Reads the files (so it may block for a while) and builds what the accept loop needs.
pub fn load(tls: &Tls) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = certificates(&tls.cert_file, "certificate")?;
    let key = PrivateKeyDer::from_pem_slice(&read(&tls.key_file)?).map_err(|error| TlsError::File {
        path: tls.key_file.clone(),
        what: "private key",
        error,
    })?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match &tls.client_ca_file {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path, "CA certificate")? {
                roots.add(certificate).map_err(|error| TlsError::ClientCa(error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .map_err(|error| TlsError::ClientCa(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |error| TlsError::File { path: path.to_owned(), what, error };
    let all: Vec<_> = CertificateDer::pem_slice_iter(&read(path)?).collect::<Result<_, _>>().map_err(failed)?;
    if all.is_empty() { Err(TlsError::Empty { path: path.to_owned(), what }) } else { Ok(all) }
}

/// A key's bytes leave memory with it.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let read = files::read(path, files::MAX_BYTES).map(Zeroizing::new);
    read.map_err(|why| TlsError::Unread { path: path.to_owned(), why })
}

/// What a certificate, verified by the handshake, says about its holder. Unreadable names are no names.
pub(super) fn identity(certificate: &CertificateDer<'_>) -> Certificate {
    let mut identity = Certificate { sha256: hex::encode(Sha256::digest(certificate)), ..Certificate::default() };
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return identity };
    let Ok(Some(names)) = parsed.subject_alternative_name() else { return identity };
    for name in &names.value.general_names {
        match name {
            GeneralName::DNSName(dns) => identity.dns.push(dns.to_ascii_lowercase()),
            GeneralName::URI(uri) => identity.uris.push((*uri).to_owned()),
            _ => {}
        }
    }
    identity
}
