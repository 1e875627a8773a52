//! Signatures of JSON Web Tokens (RFC 7515, RFC 7518, RFC 8037), and SM2 with SM3 in the same shape.
//!
//! A key is of one kind, and each algorithm takes one kind: a public RSA key can never be the secret of an HMAC.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaKeyPair,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::digest::Algorithm as Digest;
use super::encoding::base64url_decode;
use super::hmac::hmac;
use super::pem::{self, PublicInfo};
use super::sm2;
use crate::document::Value;

/// An algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256
    Rs256,
    /// RSASSA-PSS with SHA-256
    Ps256,
    /// ECDSA on P-256 with SHA-256
    Es256,
    /// Ed25519
    EdDsa,
    /// HMAC with SHA-256
    Hs256,
    /// SM2 with SM3 (GB/T 32918.2), which no registered name says.
    Sm2,
}

impl Algorithm {
    /// By the name in the header `alg`.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa, Self::Hs256].into_iter().find(|it| it.name() == name)
    }

    /// As the header `alg` says it; `SM2` has no registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
            Self::Sm2 => "SM2",
        }
    }

    const fn key_kind(self) -> &'static str {
        match self {
            Self::Rs256 | Self::Ps256 => "an RSA key of 2048 to 8192 bits",
            Self::Es256 => "a key on P-256",
            Self::EdDsa => "an Ed25519 key",
            Self::Hs256 => "a secret, and no PEM",
            Self::Sm2 => "an SM2 key",
        }
    }
}

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key is not what {} takes: {}", .0.name(), .0.key_kind())]
pub struct KeyError(pub Algorithm);

/// A key that verifies.
#[derive(Clone)]
pub enum VerifyingKey {
    /// RSAPublicKey in DER (RFC 8017).
    RsaDer(Vec<u8>),
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// A point, 65 bytes.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
    /// A point, 65 bytes.
    Sm2(Vec<u8>),
    Secret(Zeroizing<Vec<u8>>),
}

/// Its kind only.
impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::RsaDer(_) | Self::Rsa { .. } => "VerifyingKey(RSA)",
            Self::P256(_) => "VerifyingKey(P-256)",
            Self::Ed25519(_) => "VerifyingKey(Ed25519)",
            Self::Sm2(_) => "VerifyingKey(SM2)",
            Self::Secret(_) => "VerifyingKey(‹secret›)",
        })
    }
}

impl VerifyingKey {
    /// The key for `algorithm` in a text: a PEM (public key or certificate) or its base64, or the secret of HS256.
    pub fn read(algorithm: Algorithm, text: &str) -> Result<Self, KeyError> {
        let wrong = KeyError(algorithm);
        if algorithm == Algorithm::Hs256 {
            // A public key is known to all: as a secret it would let anybody sign.
            let is_public =
                pem::looks_like_pem(text) || pem::der(text).is_some_and(|der| PublicInfo::read(&der).is_some());
            if text.is_empty() || is_public {
                return Err(wrong);
            }
            return Ok(Self::Secret(Zeroizing::new(text.as_bytes().to_vec())));
        }
        if algorithm == Algorithm::Sm2
            && let Some(point) = sm2::point(text)
        {
            return Ok(Self::Sm2(point));
        }
        let der = pem::der(text).ok_or(wrong)?;
        let key = match PublicInfo::read(&der) {
            Some(info) => Self::of_info(info),
            None if text.contains("-----BEGIN RSA PUBLIC KEY") => Some(Self::RsaDer(der.to_vec())),
            None => None,
        };
        key.filter(|key| key.fits(algorithm)).ok_or(wrong)
    }

    fn of_info(info: PublicInfo) -> Option<Self> {
        match (info.algorithm.as_str(), info.curve.as_deref()) {
            ("1.2.840.113549.1.1.1", _) => Some(Self::RsaDer(info.bits)),
            ("1.2.840.10045.2.1", Some("1.2.840.10045.3.1.7")) => Some(Self::P256(info.bits)),
            ("1.2.840.10045.2.1", Some("1.2.156.10197.1.301")) => Some(Self::Sm2(info.bits)),
            ("1.3.101.112", _) => Some(Self::Ed25519(info.bits)),
            _ => None,
        }
    }

    /// A JSON Web Key (RFC 7517, RFC 7518 section 6, RFC 8037); `None` of a kind that is not used here. A symmetric one among
    /// public keys is none.
    pub fn of_jwk(jwk: &Value) -> Option<Self> {
        let text = |name: &str| match jwk.get(name) {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let bytes = |name: &str| text(name).and_then(|text| base64url_decode(text).ok());
        let point = |x: Vec<u8>, y: Vec<u8>| (x.len() == 32 && y.len() == 32).then(|| [&[4][..], &x, &y].concat());
        match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let (n, e) = (bytes("n")?, bytes("e")?);
                let trimmed = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
                Some(Self::Rsa { n: trimmed(&n), e: trimmed(&e) })
            }
            ("EC", Some("P-256")) => point(bytes("x")?, bytes("y")?).map(Self::P256),
            ("EC", Some("SM2" | "sm2p256v1")) => point(bytes("x")?, bytes("y")?).map(Self::Sm2),
            ("OKP", Some("Ed25519")) => bytes("x").filter(|x| x.len() == 32).map(Self::Ed25519),
            _ => None,
        }
    }

    /// Whether it is of the kind that `algorithm` takes.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::RsaDer(_) | Self::Rsa { .. } => matches!(algorithm, Algorithm::Rs256 | Algorithm::Ps256),
            Self::P256(_) => algorithm == Algorithm::Es256,
            Self::Ed25519(_) => algorithm == Algorithm::EdDsa,
            Self::Sm2(_) => algorithm == Algorithm::Sm2,
            Self::Secret(_) => algorithm == Algorithm::Hs256,
        }
    }

    /// Whether `signature` is that of `message`. Of another kind of key it never is.
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let rsa = match algorithm {
            Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
            _ => &RSA_PKCS1_2048_8192_SHA256,
        };
        if !self.fits(algorithm) {
            return false;
        }
        match self {
            Self::RsaDer(der) => UnparsedPublicKey::new(rsa, der).verify(message, signature).is_ok(),
            Self::Rsa { n, e } => RsaPublicKeyComponents { n, e }.verify(rsa, message, signature).is_ok(),
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok(),
            Self::Sm2(point) => sm2::verify(point, sm2::USUAL_ID, message, signature),
            Self::Secret(secret) => hmac(Digest::Sha256, secret, message).ct_eq(signature).into(),
        }
    }
}

/// A key that signs. Reading an RSA key checks it, which costs more than signing.
pub enum SigningKey {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Sm2(sm2::SigningKey),
    Secret(Zeroizing<Vec<u8>>),
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(‹secret›)")
    }
}

impl SigningKey {
    /// The key for `algorithm` in a text: a PEM that is not encrypted or its base64 (RSA also in PKCS #1, the others in PKCS #8),
    /// or the secret of HS256.
    pub fn read(algorithm: Algorithm, text: &str) -> Result<Self, KeyError> {
        let wrong = KeyError(algorithm);
        let der = || pem::der(text).ok_or(wrong);
        match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => {
                let der = der()?;
                let key = RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der));
                key.map(|key| Self::Rsa(Box::new(key))).map_err(|_| wrong)
            }
            Algorithm::Es256 => {
                let random = SystemRandom::new();
                let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der()?, &random);
                key.map(Self::P256).map_err(|_| wrong)
            }
            // OpenSSL writes no public key beside the private one.
            Algorithm::EdDsa => {
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der()?).map(Self::Ed25519).map_err(|_| wrong)
            }
            Algorithm::Sm2 => sm2::SigningKey::read(text, sm2::USUAL_ID).map(Self::Sm2).ok_or(wrong),
            Algorithm::Hs256 if text.is_empty() || pem::looks_like_pem(text) => Err(wrong),
            Algorithm::Hs256 => Ok(Self::Secret(Zeroizing::new(text.as_bytes().to_vec()))),
        }
    }

    /// The signature of `message` as a JWS has it; `None` when the key cannot sign by `algorithm`.
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match (self, algorithm) {
            (Self::Rsa(key), Algorithm::Rs256 | Algorithm::Ps256) => {
                let mut signature = vec![0; key.public().modulus_len()];
                let encoding: &dyn ring::signature::RsaEncoding =
                    if algorithm == Algorithm::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                key.sign(encoding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            (Self::P256(key), Algorithm::Es256) => Some(key.sign(&random, message).ok()?.as_ref().to_vec()),
            (Self::Ed25519(key), Algorithm::EdDsa) => Some(key.sign(message).as_ref().to_vec()),
            (Self::Sm2(key), Algorithm::Sm2) => key.sign(sm2::SignatureForm::Plain, message),
            (Self::Secret(secret), Algorithm::Hs256) => Some(hmac(Digest::Sha256, secret, message)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
