//! RSASSA-PKCS1-v1_5 with SHA-1 (RFC 8017 section 8.2), which OAuth 1.0a calls RSA-SHA1 and nothing else may use.
//!
//! Ring signs everything else, in constant time, and signs with SHA-1 not at all. The crate `rsa` leaks the timing of private-key
//! operations (RUSTSEC-2023-0071); its blinding (`sign_with_rng`) makes what is timed independent of what is signed.

use ::rsa::PrivateKey;
use ::rsa::pkcs1::DecodeRsaPrivateKey as _;
use ::rsa::pkcs1v15::Pkcs1v15Sign;
use ::rsa::pkcs8::DecodePrivateKey as _;
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use super::encoding::base64_decode;
use super::random::Random;

/// Why nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RsaSha1Error {
    #[error(
        "this is no RSA private key: a PEM (BEGIN PRIVATE KEY, BEGIN RSA PRIVATE KEY, not encrypted) or its base64 without the \
         lines around it is wanted"
    )]
    NoKey,
    #[error("the RSA key cannot sign")]
    Failed,
}

/// Signs with a key in PEM, or the base64 of one without its lines.
pub fn rsa_sha1(key: &[u8], text: &[u8], random: &mut Random<'_>) -> Result<Vec<u8>, RsaSha1Error> {
    let written = str::from_utf8(key).map_err(|_| RsaSha1Error::NoKey)?;
    let mut body = Zeroizing::new(String::with_capacity(written.len()));
    for line in written.lines().map(str::trim).filter(|line| !line.starts_with("-----")) {
        body.extend(line.split_whitespace());
    }
    let der = base64_decode(&body).map(Zeroizing::new).map_err(|_| RsaSha1Error::NoKey)?;
    let key = PrivateKey::from_pkcs8_der(&der)
        .or_else(|_| PrivateKey::from_pkcs1_der(&der).map_err(|_| RsaSha1Error::NoKey))?;
    key.sign_with_rng(random, Pkcs1v15Sign::new::<Sha1>(), &Sha1::digest(text)).map_err(|_| RsaSha1Error::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::encoding::base64_encode;

    const KEY: &str = include_str!("../signing/sorted_sign/rsa-of-tests.pem");

    fn signed(key: &str, seed: u8) -> Result<String, RsaSha1Error> {
        let mut draw = |bytes: &mut [u8]| bytes.fill(seed);
        rsa_sha1(key.as_bytes(), b"abc", &mut Random(&mut draw)).map(|signature| base64_encode(&signature))
    }

    /// The signature by `openssl dgst -sha1 -sign`; the blinding leaves no trace in it.
    #[test]
    fn as_openssl_signs() {
        let expected = "YwW5YHPTgzQ1zjL+lyZv6XG03vFO2FCRjoX27OS3zdK0RUZWMNoLIS052sPxQEXtoSHmA/6meGft7UmReCjZWPWtISRtiPlbHBRKe0x9iZ0kNeSIX4Ft3WWhPABSTIhf6znve+bH/1bO61ycyIwT4sBUuw+E15oX0ZcikGp8n2noTnj/CIfy3whjj3GGDz0okTKf6zWV/lE4PU4/v28r458cTx+/OnwhKAcCJw2MsHNDMt840QvakcJvZzbzM2BVEhevlk18A4u4qlTz7U76gfWELdP3oWvebHbEWeMkqUIlL9jAGEiUDsYRsKahpFFLQFeCvavH/df6AiXUVFESMA==";
        let bare: String = KEY.lines().filter(|line| !line.starts_with('-')).collect();
        for key in [KEY, &bare] {
            assert_eq!(signed(key, 7).unwrap(), expected);
            assert_eq!(signed(key, 8).unwrap(), expected);
        }
        for key in ["", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] {
            assert_eq!(signed(key, 7), Err(RsaSha1Error::NoKey));
        }
    }
}
