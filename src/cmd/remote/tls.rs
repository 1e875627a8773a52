//! The roots by which a command checks the daemon's certificate: the system's, or the CAs of one file.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, ensure};
use doorward::files;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, Error, RootCertStore};

/// A bundle of all public CAs has 250 KiB.
const MAX_CA_BYTES: usize = 1 << 20;

/// On ring, named explicitly as everywhere in this program.
pub fn config(ca_file: Option<&Path>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        Some(path) => {
            let shown = path.display();
            let text = files::read_text(path, MAX_CA_BYTES);
            let text = text.map_err(|why| anyhow!("the CAs cannot be read from {shown}: {why}"))?;
            for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
                let certificate = certificate.with_context(|| format!("a certificate of {shown} cannot be read"))?;
                roots.add(certificate).with_context(|| format!("a certificate of {shown} cannot be used"))?;
            }
            ensure!(
                !roots.is_empty(),
                "{shown} holds no PEM certificate (a block that begins with -----BEGIN CERTIFICATE-----)"
            );
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().context("TLS cannot be set up")?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// What is wrong with the daemon's TLS.
pub fn explain(error: &Error) -> String {
    let Error::InvalidCertificate(why) = error else {
        return match error {
            Error::InvalidMessage(_) => "it does not speak TLS on this port; is it http://?".to_owned(),
            other => format!("TLS failed: {other}"),
        };
    };
    match why {
        CertificateError::UnknownIssuer => {
            "its certificate is issued by no CA that is trusted here; name the CA's file with --ca-file".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another host name; write the address as the certificate has it".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired".to_owned(),
        other => format!("its certificate was refused: {other}"),
    }
}
