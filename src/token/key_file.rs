//! A new signing key, as `doorward key new` writes it: PKCS #8 in PEM (RFC 5208, RFC 7468), which OpenSSL reads too.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rsa::PrivateKey;
use rsa::pkcs8::EncodePrivateKey as _;
use zeroize::Zeroizing;

use crate::clock::Ambient;
use crate::crypto::encoding::base64_encode;
use crate::crypto::random::Random;
use crate::words::words;

/// Bits of a new RSA key: what RFC 7518 section 3.3 demands, and what every library of gateways reads.
const RSA_BITS: usize = 2048;

/// Characters of a line in a PEM (RFC 7468 section 2).
const PEM_LINE: usize = 64;

words! {
    /// What signs tokens.
    pub enum KeyAlgorithm {
        /// RSASSA-PKCS1-v1_5 with SHA-256: every verifier knows it.
        Rs256 = "RS256",
        /// ECDSA on P-256 with SHA-256: shorter tokens, quicker to sign.
        Es256 = "ES256",
    }
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no key could be made from the system's random numbers")]
pub struct KeyFileError;

/// A private key that exists nowhere else yet.
pub struct NewKey {
    /// The text of its file. Secret.
    pub pem: Zeroizing<String>,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewKey(‹secret›)")
    }
}

impl NewKey {
    /// Draws a key. RSA takes about a second.
    pub fn draw(algorithm: KeyAlgorithm, ambient: &dyn Ambient) -> Result<Self, KeyFileError> {
        let der = match algorithm {
            // Ring makes no RSA keys. Making one uses no private-key operation, which is what RUSTSEC-2023-0071 is about.
            KeyAlgorithm::Rs256 => {
                let mut fill = |bytes: &mut [u8]| ambient.fill(bytes);
                let key = PrivateKey::new(&mut Random(&mut fill), RSA_BITS).map_err(|_| KeyFileError)?;
                Zeroizing::new(key.to_pkcs8_der().map_err(|_| KeyFileError)?.as_bytes().to_vec())
            }
            KeyAlgorithm::Es256 => {
                let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
                Zeroizing::new(der.map_err(|_| KeyFileError)?.as_ref().to_vec())
            }
        };
        Ok(Self { pem: pem(&der) })
    }
}

fn pem(der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(base64_encode(der));
    let mut text = Zeroizing::new(String::with_capacity(body.len() * 2));
    text.push_str("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(PEM_LINE));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    text
}
