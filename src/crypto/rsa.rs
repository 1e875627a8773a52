//! RSA encryption with a public key (RFC 8017): what login pages do to passwords before they send them.
//!
//! Public keys only: private-key operations of the crate `rsa` leak their timing (RUSTSEC-2023-0071); `rsa_sha1` says where one is needed.

use ::rsa::pkcs1::DecodeRsaPublicKey as _;
use ::rsa::pkcs8::DecodePublicKey as _;
use ::rsa::{BoxedUint, Oaep, Pkcs1v15Encrypt, PublicKey as Key};
use sha1::Sha1;
use sha2::Sha256;

use super::encoding::base64_decode;
use super::random::Random;

/// What is encrypted at once at most: each block costs some ten microseconds.
const MAX_INPUT: usize = 64 << 10;

/// How a block is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Padding {
    /// RSAES-PKCS1-v1_5, as JSEncrypt and Java's `RSA` do.
    Pkcs1,
    /// RSAES-OAEP with SHA-1 and MGF1 with SHA-1, the usual one.
    Oaep,
    /// RSAES-OAEP with SHA-256 and MGF1 with SHA-256.
    OaepSha256,
}

impl Padding {
    /// `pkcs1`, `oaep`, `oaep_sha256`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "pkcs1" => Some(Self::Pkcs1),
            "oaep" | "oaep_sha1" => Some(Self::Oaep),
            "oaep_sha256" => Some(Self::OaepSha256),
            _ => None,
        }
    }

    /// The bytes of a block that are not the text's.
    const fn overhead(self) -> usize {
        match self {
            Self::Pkcs1 => 11,
            Self::Oaep => 2 * 20 + 2,
            Self::OaepSha256 => 2 * 32 + 2,
        }
    }
}

/// Why nothing was encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RsaError {
    #[error(
        "this is no RSA public key; a PEM, its base64 without the lines around it, or modulus and exponent are wanted"
    )]
    NoKey,
    #[error("the key has a modulus or an exponent that is out of range; 1024 to 8192 bits are right")]
    BadKey,
    #[error("the text has {got} bytes and a block of this key takes {most}; ask for blocks")]
    TooLong { got: usize, most: usize },
    #[error("the text is larger than 64 KiB")]
    TooLarge,
    #[error("the text cannot be encrypted with this key")]
    Failed,
}

/// An RSA public key.
pub struct PublicKey(Key);

impl PublicKey {
    /// A key in PEM (`BEGIN PUBLIC KEY` or `BEGIN RSA PUBLIC KEY`), or the base64 of one without the lines around it.
    pub fn from_pem(text: &str) -> Result<Self, RsaError> {
        let body: String = text.lines().filter(|line| !line.trim_start().starts_with("-----")).collect();
        let body: String = body.split_whitespace().collect();
        let der = base64_decode(&body).map_err(|_| RsaError::NoKey)?;
        let key = Key::from_public_key_der(&der).or_else(|_| Key::from_pkcs1_der(&der).map_err(|_| RsaError::NoKey))?;
        Ok(Self(key))
    }

    /// A key by its numbers, big-endian.
    pub fn from_numbers(modulus: &[u8], exponent: &[u8]) -> Result<Self, RsaError> {
        let number = |bytes: &[u8]| {
            let bits = u32::try_from(bytes.len() * 8).map_err(|_| RsaError::BadKey)?;
            BoxedUint::from_be_slice(bytes, bits).map_err(|_| RsaError::BadKey)
        };
        if modulus.len() > 1100 || exponent.len() > 16 {
            return Err(RsaError::BadKey);
        }
        Key::new(number(modulus)?, number(exponent)?).map(Self).map_err(|_| RsaError::BadKey)
    }

    /// Encrypts a text that fits one block.
    pub fn encrypt(&self, padding: Padding, plain: &[u8], random: &mut Random<'_>) -> Result<Vec<u8>, RsaError> {
        let most = self.room(padding);
        if plain.len() > most {
            return Err(RsaError::TooLong { got: plain.len(), most });
        }
        self.block(padding, plain, random)
    }

    /// Encrypts a text in blocks, one behind the other.
    pub fn encrypt_blocks(&self, padding: Padding, plain: &[u8], random: &mut Random<'_>) -> Result<Vec<u8>, RsaError> {
        if plain.len() > MAX_INPUT {
            return Err(RsaError::TooLarge);
        }
        let mut out = Vec::new();
        let mut chunks = plain.chunks(self.room(padding));
        out.extend(self.block(padding, chunks.next().unwrap_or_default(), random)?);
        for chunk in chunks {
            out.extend(self.block(padding, chunk, random)?);
        }
        Ok(out)
    }

    /// The bytes of text that a block takes: at least 62, for a key has at least 1024 bits.
    fn room(&self, padding: Padding) -> usize {
        use ::rsa::traits::PublicKeyParts as _;
        self.0.size().saturating_sub(padding.overhead()).max(1)
    }

    fn block(&self, padding: Padding, plain: &[u8], random: &mut Random<'_>) -> Result<Vec<u8>, RsaError> {
        let text = match padding {
            Padding::Pkcs1 => self.0.encrypt(random, Pkcs1v15Encrypt, plain),
            Padding::Oaep => self.0.encrypt(random, Oaep::<Sha1>::new(), plain),
            Padding::OaepSha256 => self.0.encrypt(random, Oaep::<Sha256>::new(), plain),
        };
        text.map_err(|_| RsaError::Failed)
    }
}

#[cfg(test)]
mod tests;
