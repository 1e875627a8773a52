//! What a failure of TLS means, in plain words for an administrator.
//!
//! Matched by type all the way down; texts that the server chose are cleaned first.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, Error, OtherError};

use super::certificate::{self, pin_text};

/// Why we do not trust a certificate, where rustls has no word or too few.
#[derive(Debug, thiserror::Error)]
pub(super) enum Distrust {
    #[error("this machine has no trusted roots; install ca-certificates or set transport.tls.ca_file")]
    NoRoots,
    #[error("the certificate is self-signed; pin it with transport.tls.pin_sha256 (`doorward pin` shows the pin)")]
    SelfSigned,
    #[error(
        "the certificate is a CA's own, which a server must not show; pin it with transport.tls.pin_sha256 (`doorward pin` shows the pin)"
    )]
    CaItself,
    #[error("the certificate is issued by \"{issuer}\", which is not a trusted CA")]
    Issuer { issuer: String },
    #[error("the certificate is for {names}, not for {expected}")]
    Name { names: String, expected: String },
    #[error("the server's key has the pin {}, which is not in transport.tls.pin_sha256", pin_text(.seen))]
    Pin { seen: [u8; 32] },
}

pub(super) fn refuse(why: Distrust) -> Error {
    CertificateError::Other(OtherError(Arc::new(why))).into()
}

/// The same refusal with what the certificate says beside it, where rustls does not keep that.
pub(super) fn in_words(error: Error, certificate: &CertificateDer<'_>, expected: &ServerName<'_>) -> Error {
    let Error::InvalidCertificate(why) = &error else { return error };
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(certificate) else { return error };
    match why {
        CertificateError::UnknownIssuer if parsed.issuer() == parsed.subject() => refuse(Distrust::SelfSigned),
        CertificateError::UnknownIssuer => {
            refuse(Distrust::Issuer { issuer: certificate::one_line(&parsed.issuer().to_string()) })
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let mut names = certificate::names(&parsed);
            let more = names.len().saturating_sub(SHOWN_NAMES);
            names.truncate(SHOWN_NAMES);
            let names = match (names.len(), more) {
                (0, _) => "no name at all".to_owned(),
                (_, 0) => names.join(", "),
                _ => format!("{} and {more} more", names.join(", ")),
            };
            refuse(Distrust::Name { names, expected: expected.to_str().into_owned() })
        }
        // What `openssl req -x509` makes by default; webpki has a word for it that rustls does not pass on.
        CertificateError::Other(_) if parsed.is_ca() => refuse(Distrust::CaItself),
        _ => error,
    }
}

/// A certificate may be for hundreds of names; the line should stay one.
const SHOWN_NAMES: usize = 5;

/// What nearly always is the cause when nothing is common: rustls speaks TLS 1.2 and 1.3 with ephemeral keys and AEAD ciphers.
const OLD_SERVER: &str =
    "it may speak only TLS 1.0 or 1.1, RSA key exchange or CBC ciphers (docs/transport.md, old servers)";

/// One line for an administrator.
pub(super) fn explain(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(why) => explain_certificate(why),
        Error::AlertReceived(alert) => explain_alert(*alert),
        Error::PeerIncompatible(_) => {
            format!(
                "the server offers no TLS version or cipher that Doorward and transport.tls.min_version allow: {OLD_SERVER}"
            )
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
                "the server refused the handshake (TLS alert {alert:?}), no common version or cipher: {OLD_SERVER}; or it wants a client certificate"
            )
        }
        A::UnrecognisedName => "the server knows no certificate for this host name".to_owned(),
        other => format!("the server ended TLS with the alert {other:?}"),
    }
}

fn day(time: UnixTime) -> String {
    certificate::day(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}
