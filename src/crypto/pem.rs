//! Keys as people write them: PEM, or the base64 of one without the lines around it.

use x509_parser::prelude::{FromDer as _, SubjectPublicKeyInfo, X509Certificate};
use zeroize::Zeroizing;

use super::encoding::base64_decode;

/// The DER in a text. Of several PEM blocks the first one.
pub fn der(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut body = Zeroizing::new(String::with_capacity(text.len()));
    for line in text.lines().map(str::trim) {
        if line.starts_with("-----END") {
            break;
        }
        if !line.starts_with("-----") {
            body.extend(line.split_whitespace());
        }
    }
    if body.is_empty() {
        return None;
    }
    base64_decode(&body).ok().map(Zeroizing::new)
}

/// Whether a text is a PEM, or what is left of one.
pub fn looks_like_pem(text: &str) -> bool {
    text.contains("-----BEGIN")
}

/// A SubjectPublicKeyInfo (RFC 5280), also that of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicInfo {
    /// Of the algorithm, with dots.
    pub algorithm: String,
    /// Of the curve, when it is one.
    pub curve: Option<String>,
    /// The key itself.
    pub bits: Vec<u8>,
}

impl PublicInfo {
    /// Reads the DER of a public key or of a certificate.
    pub fn read(der: &[u8]) -> Option<Self> {
        if let Ok((_, info)) = SubjectPublicKeyInfo::from_der(der) {
            return Some(Self::of(&info));
        }
        X509Certificate::from_der(der).ok().map(|(_, certificate)| Self::of(certificate.public_key()))
    }

    fn of(info: &SubjectPublicKeyInfo<'_>) -> Self {
        let curve = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok()).map(|oid| oid.to_id_string());
        Self { algorithm: info.algorithm.algorithm.to_id_string(), curve, bits: info.subject_public_key.data.to_vec() }
    }
}
