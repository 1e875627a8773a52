//! RSA private keys of connectors, which sign. Ring's, because its private-key operations take the same time for all inputs
//! (those of the crate `rsa` do not: RUSTSEC-2023-0071).

use std::sync::{Arc, Mutex, PoisonError};

use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use zeroize::Zeroizing;

use super::SignError;
use crate::crypto::digest::{Algorithm, digest};
use crate::crypto::encoding::base64_decode;

/// The key of one plan, read once: reading checks it, which costs more than signing. Its text is that of the connector's
/// secrets, which golden cases replace, so it is compared by a hash.
#[derive(Default)]
pub(super) struct RsaKey(Mutex<Option<Read>>);

struct Read {
    of: Vec<u8>,
    key: Arc<RsaKeyPair>,
}

impl std::fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RsaKey(‹secret›)")
    }
}

impl RsaKey {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2), as Alipay's RSA2 and WeChat Pay's `SHA256-RSA2048`.
    pub(super) fn sign_sha256(&self, written: &[u8], text: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signed(&RSA_PKCS1_SHA256, written, text)
    }

    /// RSASSA-PSS with SHA-256 (RFC 8017 section 8.1), the salt as long as the hash (RFC 7518 section 3.5).
    pub(super) fn sign_pss_sha256(&self, written: &[u8], text: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signed(&RSA_PSS_SHA256, written, text)
    }

    fn signed(&self, how: &'static dyn RsaEncoding, written: &[u8], text: &[u8]) -> Result<Vec<u8>, SignError> {
        let key = self.key(written)?;
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(how, &SystemRandom::new(), text, &mut signature)
            .map_err(|_| SignError::Misconfigured("the RSA key cannot sign".to_owned()))?;
        Ok(signature)
    }

    fn key(&self, written: &[u8]) -> Result<Arc<RsaKeyPair>, SignError> {
        let of = digest(Algorithm::Sha256, written);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = kept.as_ref().filter(|read| read.of == of) {
            return Ok(Arc::clone(&read.key));
        }
        let key = Arc::new(read(written).ok_or_else(|| SignError::Misconfigured(NO_KEY.to_owned()))?);
        *kept = Some(Read { of, key: Arc::clone(&key) });
        Ok(key)
    }
}

const NO_KEY: &str = "the key of `auth` is no RSA private key of 2048 to 8192 bits: a PEM (BEGIN PRIVATE KEY, BEGIN RSA PRIVATE \
                      KEY, not encrypted) or its base64 without the lines around it is wanted";

/// A PEM of PKCS #8 or PKCS #1, or the base64 of one without its lines, as Alipay's tool gives it.
fn read(written: &[u8]) -> Option<RsaKeyPair> {
    let der = der(str::from_utf8(written).ok()?)?;
    RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der)).ok()
}

/// What stands between the lines of a PEM.
pub(super) fn der(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut body = Zeroizing::new(String::with_capacity(text.len()));
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("-----")) {
        body.extend(line.split_whitespace());
    }
    base64_decode(&body).ok().map(Zeroizing::new)
}
