//! The filters that encrypt and decrypt: `aes(mode=cbc, key=secret.key, iv=secret.iv)`, and how their keys are written.

use std::borrow::Cow;

use crate::context::{Context, Variable};
use crate::crypto::cipher::{Algorithm, Cipher, CipherError, Mode, Padding};
use crate::crypto::encoding::{BytesAs, EncodingError};

use super::call::Call;
use super::datum::Datum;
use super::fault::{Fault, FilterError, utf8};
use super::key::{Arguments, From, Key};
use super::mistake::Mistake;
use super::output::Output;

/// A cipher with where its key and iv come from.
#[derive(Debug, Clone, PartialEq)]
pub struct CipherFilter {
    algorithm: Algorithm,
    /// Whether it decrypts, and how the ciphertext is written then.
    decrypts: Option<BytesAs>,
    key: Key,
    iv: Option<Key>,
    output: Output,
}

impl CipherFilter {
    pub(super) fn read(call: &Call<'_>) -> Result<Self, Mistake> {
        let arguments = Arguments { call };
        let decrypts = call.name.ends_with("_decrypt");
        let text = if decrypts { "input" } else { "output" };
        arguments.only(&["mode", "key", "iv", "padding", "key_as", "iv_as", text])?;
        let name = call.name.trim_end_matches("_decrypt");
        let cipher = Cipher::ALL.into_iter().find(|cipher| cipher.name() == name);
        let mode = arguments.word("mode", Mode::parse, "ecb, cbc, ctr or gcm")?;
        let (Some(cipher), Some(mode), Some(key)) = (cipher, mode, arguments.key("key")?) else {
            return Err(call.wrong("mode and key, as in aes(mode=cbc, key=secret.key, iv=secret.iv)"));
        };
        let padding = arguments.word("padding", Padding::parse, "pkcs7, zero or none")?.unwrap_or(Padding::Pkcs7);
        let output = arguments.word("output", Output::parse, "hex, base64 or base64url")?.unwrap_or(Output::Base64);
        let input = arguments.word("input", BytesAs::parse, "hex or base64")?.unwrap_or(BytesAs::Base64);
        let filter = Self {
            algorithm: Algorithm { cipher, mode, padding },
            decrypts: decrypts.then_some(input),
            key,
            iv: arguments.key("iv")?,
            output,
        };
        filter.check_literals(call)?;
        Ok(filter)
    }

    /// What a file writes out is checked at load.
    fn check_literals(&self, call: &Call<'_>) -> Result<(), Mistake> {
        let length = |key: &Key| match &key.from {
            From::Variable(_) => Ok(None),
            From::Literal(text) => key.written.decode(text).map(|bytes| Some(bytes.len())),
        };
        let bad = |error: EncodingError| call.wrong("a key").label(error.to_string());
        let key = length(&self.key).map_err(bad)?;
        let iv = self.iv.as_ref().map_or(Ok(Some(0)), length).map_err(bad)?;
        let right = (self.algorithm.cipher.key_lengths().0[0], self.algorithm.iv_length());
        let checked = self.algorithm.check_key(key.unwrap_or(right.0), iv.unwrap_or(right.1));
        checked.map_err(|error| call.wrong("another key or iv").label(error.to_string()))
    }

    /// Encrypting takes any bytes and gives hex or base64; decrypting takes that and gives a text.
    pub(super) fn takes_bytes(&self) -> bool {
        self.decrypts.is_none()
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = &Variable> {
        std::iter::once(&self.key).chain(&self.iv).filter_map(Key::variable)
    }

    pub(super) fn apply(&self, input: &Datum<'_>, context: &Context) -> Result<String, FilterError> {
        let key = self.key.bytes(context)?;
        let iv = self.iv.as_ref().map(|iv| iv.bytes(context)).transpose()?.unwrap_or_default();
        let failed = |error: CipherError| {
            if error.is_of_key() {
                return self.key.refuse(format!("{}: {error}", self.key.name()));
            }
            FilterError::Fault(Fault::Content(Cow::Owned(format!("cannot go through the cipher: {error}"))))
        };
        match self.decrypts {
            None => Ok(self.output.write(&self.algorithm.encrypt(&key, &iv, input.bytes()?).map_err(failed)?)),
            Some(written) => {
                let text =
                    written.decode(input.text()?).map_err(|_| Fault::content("is no ciphertext in that spelling"))?;
                Ok(utf8(self.algorithm.decrypt(&key, &iv, &text).map_err(failed)?)?)
            }
        }
    }
}
