//! A server's certificate: the pin of its key, its names, its days, as lines for people; and how a pin is written.
//!
//! It judges nothing; texts of a certificate are cleaned, because they go to logs and terminals.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::Error;
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::X509Certificate;
use x509_parser::signature_algorithm::SignatureAlgorithm;

/// SHA-256 of a certificate's SubjectPublicKeyInfo (the pin of RFC 7469).
pub(super) fn spki_sha256(certificate: &CertificateDer<'_>) -> Result<[u8; 32], Error> {
    let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
    Ok(Sha256::digest(key.as_ref()).into())
}

/// The hash of a certificate to which a login can be bound (tls-server-end-point, RFC 5929 section 4): by the hash of its signature, and
/// by SHA-256 where that is MD5 or SHA-1. None where the signature names no hash (Ed25519).
pub(super) fn end_point(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let algorithm = &parsed.signature_algorithm;
    let name = match SignatureAlgorithm::try_from(algorithm).ok()? {
        SignatureAlgorithm::RSASSA_PSS(parameters) => parameters.hash_algorithm_oid().to_id_string(),
        _ => algorithm.algorithm.to_id_string(),
    };
    Some(match name.as_str() {
        // sha384WithRSAEncryption, ecdsa-with-SHA384, SHA-384
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" | "2.16.840.1.101.3.4.2.2" => {
            Sha384::digest(certificate).to_vec()
        }
        // sha512WithRSAEncryption, ecdsa-with-SHA512, SHA-512
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" | "2.16.840.1.101.3.4.2.3" => {
            Sha512::digest(certificate).to_vec()
        }
        // The same with SHA-256, SHA-1 and MD5.
        "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.3.2"
        | "2.16.840.1.101.3.4.2.1"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.10045.4.1"
        | "1.3.14.3.2.26"
        | "1.2.840.113549.1.1.4" => Sha256::digest(certificate).to_vec(),
        _ => return None,
    })
}

/// A pin as it is written in a connector: base64, as curl's `--pinnedpubkey` and HPKP have it.
pub fn pin_text(pin: &[u8; 32]) -> String {
    STANDARD.encode(pin)
}

/// Reads a pin: base64 with or without `sha256/` or `sha256//` before it, or 64 hex digits with or without colons.
pub fn parse_pin(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    let text = text.strip_prefix("sha256/").unwrap_or(text);
    let text = text.strip_prefix('/').filter(|rest| rest.len() == 44).unwrap_or(text);
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    let bytes = if digits.len() == 64 { hex::decode(digits).ok()? } else { STANDARD.decode(text).ok()? };
    bytes.try_into().ok()
}

/// The DNS names and addresses that a certificate is for (RFC 5280 4.2.1.6).
pub(super) fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(one_line(name)),
        GeneralName::IPAddress(bytes) => match *bytes {
            [a, b, c, d] => Some(Ipv4Addr::new(*a, *b, *c, *d).to_string()),
            bytes => <[u8; 16]>::try_from(bytes).ok().map(|bytes| Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    };
    names.value.general_names.iter().filter_map(name).collect()
}

/// A text of a certificate without control characters, and no longer than a line.
pub(super) fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

/// `2026-01-02`, of seconds since 1970.
pub(super) fn day(seconds: i64) -> String {
    match jiff::Timestamp::from_second(seconds) {
        Ok(time) => time.strftime("%Y-%m-%d").to_string(),
        Err(_) => "a day beyond the calendar".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_by_the_hash_of_its_signature() {
        for (algorithm, length) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, Some(32)),
            (&rcgen::PKCS_ECDSA_P384_SHA384, Some(48)),
            (&rcgen::PKCS_ED25519, None),
        ] {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let certificate = rcgen::CertificateParams::new(vec!["4a.example.com".to_owned()]).unwrap();
            let certificate = certificate.self_signed(&key).unwrap();
            let hash = end_point(certificate.der());
            assert_eq!(hash.as_ref().map(Vec::len), length);
            if length == Some(32) {
                assert_eq!(hash.unwrap(), Sha256::digest(certificate.der()).to_vec());
            }
        }
        assert_eq!(end_point(&CertificateDer::from(vec![1, 2, 3])), None);
    }

    #[test]
    fn pins_in_every_usual_spelling() {
        let pin = [0xab; 32];
        let base64 = pin_text(&pin);
        let digits = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        for text in [base64.clone(), format!("sha256/{base64}"), format!("sha256//{base64}"), digits, colons] {
            assert_eq!(parse_pin(&text), Some(pin), "{text}");
        }
        // A base64 pin may begin with a slash of its own.
        let slash = [0xff; 32];
        assert_eq!(parse_pin(&format!("sha256/{}", pin_text(&slash))), Some(slash));
        for text in ["", "sha256/", "abcd", "q83v", &base64[1..]] {
            assert_eq!(parse_pin(text), None, "{text}");
        }
    }
}
