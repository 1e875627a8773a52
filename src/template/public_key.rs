//! The filters that encrypt for a public key: `rsa(key=secret.pem)`, `sm2(key=steps.page.key)`.
//!
//! Their random numbers are made of the step's seed, of the key and of the text (as RFC 6979 makes nonces): a request has the same
//! bytes each time it is rendered, and two texts never share a number.

use std::borrow::Cow;

use crate::context::{Context, Variable};
use crate::crypto::digest::Algorithm;
use crate::crypto::encoding::BytesAs;
use crate::crypto::hmac::hmac;
use crate::crypto::random::Random;
use crate::crypto::{rsa, sm2};

use super::call::Call;
use super::datum::Datum;
use super::fault::{Fault, FilterError};
use super::key::{Arguments, From, Key};
use super::mistake::Mistake;
use super::output::Output;

/// A public-key cipher with where its key comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicKeyFilter {
    cipher: PublicCipher,
    output: Output,
}

#[derive(Debug, Clone, PartialEq)]
enum PublicCipher {
    Rsa { key: RsaKey, padding: rsa::Padding, blocks: bool },
    Sm2 { key: Key, layout: sm2::Layout, prefix: bool },
}

#[derive(Debug, Clone, PartialEq)]
enum RsaKey {
    Pem(Key),
    Numbers { modulus: Key, exponent: Key },
}

impl PublicKeyFilter {
    pub(super) fn read(call: &Call<'_>) -> Result<Self, Mistake> {
        let arguments = Arguments { call };
        let (cipher, usual) = match call.name {
            "rsa" => (Self::rsa(&arguments)?, Output::Base64),
            _ => (Self::sm2(&arguments)?, Output::Hex),
        };
        let output = arguments.word("output", Output::parse, "hex, base64 or base64url")?.unwrap_or(usual);
        Ok(Self { cipher, output })
    }

    fn rsa(arguments: &Arguments<'_>) -> Result<PublicCipher, Mistake> {
        arguments.only(&["key", "modulus", "exponent", "numbers_as", "padding", "blocks", "output"])?;
        let numbers = arguments.word("numbers_as", BytesAs::parse, "hex or base64")?.unwrap_or(BytesAs::Hex);
        let number = |key: Key| Key { written: numbers, ..key };
        let key = match (arguments.key("key")?, arguments.key("modulus")?, arguments.key("exponent")?) {
            (Some(key), None, None) => RsaKey::Pem(key),
            (None, Some(modulus), Some(exponent)) => {
                RsaKey::Numbers { modulus: number(modulus), exponent: number(exponent) }
            }
            _ => return Err(arguments.call.wrong("key, or modulus and exponent, as in rsa(key=secret.public_key)")),
        };
        if let RsaKey::Pem(Key { from: From::Literal(text), .. }) = &key {
            let checked = rsa::PublicKey::from_pem(text);
            checked.map_err(|error| arguments.call.wrong("another key").label(error.to_string()))?;
        }
        let padding = arguments.word("padding", rsa::Padding::parse, "pkcs1, oaep or oaep_sha256")?;
        let blocks = arguments.word("blocks", flag, "true or false")?.unwrap_or(false);
        Ok(PublicCipher::Rsa { key, padding: padding.unwrap_or(rsa::Padding::Pkcs1), blocks })
    }

    fn sm2(arguments: &Arguments<'_>) -> Result<PublicCipher, Mistake> {
        arguments.only(&["key", "key_as", "layout", "prefix", "output"])?;
        let Some(key) = arguments.key("key")? else {
            return Err(arguments.call.wrong("key, as in sm2(key=secret.public_key)"));
        };
        let written = arguments.word("key_as", BytesAs::parse, "hex or base64")?.unwrap_or(BytesAs::Hex);
        let layout = arguments.word("layout", sm2::Layout::parse, "C1C3C2, C1C2C3 or asn1")?;
        let prefix = arguments.word("prefix", flag, "true or false")?.unwrap_or(true);
        let key = Key { written, ..key };
        Ok(PublicCipher::Sm2 { key, layout: layout.unwrap_or(sm2::Layout::C1C3C2), prefix })
    }

    pub(super) fn variables(&self) -> Vec<&Variable> {
        let keys = match &self.cipher {
            PublicCipher::Rsa { key: RsaKey::Pem(key), .. } | PublicCipher::Sm2 { key, .. } => vec![key],
            PublicCipher::Rsa { key: RsaKey::Numbers { modulus, exponent }, .. } => vec![modulus, exponent],
        };
        keys.into_iter().filter_map(Key::variable).collect()
    }

    pub(super) fn apply(&self, input: &Datum<'_>, context: &Context) -> Result<String, FilterError> {
        let plain = input.bytes()?;
        let seed = context.step.filter_seed.as_ref();
        let seed = seed.ok_or_else(|| FilterError::Key("rsa and sm2 encrypt in a request only".to_owned()))?;
        let text = match &self.cipher {
            PublicCipher::Rsa { key, padding, blocks } => {
                let (blame, read) = key.read(context)?;
                let mut drawn = Drawn::of(&*seed.0, &[b"rsa", plain]);
                let mut fill = |bytes: &mut [u8]| drawn.fill(bytes);
                let mut random = Random(&mut fill);
                let made = if *blocks {
                    read.encrypt_blocks(*padding, plain, &mut random)
                } else {
                    read.encrypt(*padding, plain, &mut random)
                };
                made.map_err(|error| match error {
                    rsa::RsaError::TooLong { .. } | rsa::RsaError::TooLarge => unfit(&error),
                    other => blame.refuse(format!("{}: {other}", blame.name())),
                })?
            }
            PublicCipher::Sm2 { key, layout, prefix } => {
                let bytes = key.bytes(context)?;
                let mut drawn = Drawn::of(&*seed.0, &[b"sm2", &bytes, plain]);
                let mut fill = |bytes: &mut [u8]| drawn.fill(bytes);
                let made = sm2::encrypt(&bytes, *layout, *prefix, plain, &mut Random(&mut fill));
                made.map_err(|error| match error {
                    sm2::Sm2Error::Length => unfit(&error),
                    other => key.refuse(format!("{}: {other}", key.name())),
                })?
            }
        };
        Ok(self.output.write(&text))
    }
}

impl RsaKey {
    /// The key, and the part of it that is named when it does not do.
    fn read(&self, context: &Context) -> Result<(&Key, rsa::PublicKey), FilterError> {
        let (blame, read) = match self {
            Self::Pem(key) => {
                let bytes = key.bytes(context)?;
                (key, str::from_utf8(&bytes).map_err(|_| rsa::RsaError::NoKey).and_then(rsa::PublicKey::from_pem))
            }
            Self::Numbers { modulus, exponent } => {
                let numbers = (modulus.bytes(context)?, exponent.bytes(context)?);
                (modulus, rsa::PublicKey::from_numbers(&numbers.0, &numbers.1))
            }
        };
        let read = read.map_err(|error| blame.refuse(format!("{}: {error}", blame.name())))?;
        Ok((blame, read))
    }
}

fn flag(word: &str) -> Option<bool> {
    word.parse().ok()
}

/// The value does not fit: it is too long for a block, or empty.
fn unfit(error: &dyn std::fmt::Display) -> FilterError {
    FilterError::Fault(Fault::Content(Cow::Owned(format!("cannot be encrypted: {error}"))))
}

/// Random numbers of one text: HMAC-SHA256 of a counter under a key that is made of seed, cipher and text.
struct Drawn {
    key: zeroize::Zeroizing<Vec<u8>>,
    count: u64,
    block: Vec<u8>,
}

impl Drawn {
    fn of(seed: &[u8], parts: &[&[u8]]) -> Self {
        let mut text = zeroize::Zeroizing::new(Vec::new());
        for part in parts {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part);
        }
        Self { key: zeroize::Zeroizing::new(hmac(Algorithm::Sha256, seed, &text)), count: 0, block: Vec::new() }
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.block.is_empty() {
                self.block = hmac(Algorithm::Sha256, &self.key, &self.count.to_be_bytes());
                self.count += 1;
            }
            *byte = self.block.pop().unwrap_or_default();
        }
    }
}
