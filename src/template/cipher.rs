//! The filters that encrypt and decrypt: `aes(mode=cbc, key=secret.key, iv=secret.iv)`, and how their keys are written.

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::context::{Context, Variable};
use crate::crypto::cipher::{Algorithm, Cipher, CipherError, Mode, Padding};
use crate::crypto::encoding::{BytesAs, EncodingError};

use super::call::{Argument, ArgumentValue, Call};
use super::datum::Datum;
use super::fault::{Fault, FilterError, missing, utf8};
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

/// A key or an iv.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    from: From,
    /// How its text stands for bytes.
    written: BytesAs,
}

#[derive(Debug, Clone, PartialEq)]
enum From {
    Variable(Variable),
    Literal(String),
}

/// The arguments of a cipher while they are read.
struct Arguments<'c> {
    call: &'c Call<'c>,
}

impl Arguments<'_> {
    fn find(&self, name: &str) -> Option<&ArgumentValue> {
        self.call.list.iter().find(|argument| argument.name.as_deref() == Some(name)).map(|argument| &argument.value)
    }

    /// One of some words.
    fn word<T>(&self, name: &str, read: impl Fn(&str) -> Option<T>, wanted: &str) -> Result<Option<T>, Mistake> {
        let Some(value) = self.find(name) else { return Ok(None) };
        read(value.text()).map(Some).ok_or_else(|| self.call.wrong(&format!("{wanted} as `{name}`")))
    }

    fn key(&self, name: &str) -> Result<Option<Key>, Mistake> {
        let Some(value) = self.find(name) else { return Ok(None) };
        let written = self.word(&format!("{name}_as"), BytesAs::parse, "utf-8, hex or base64")?;
        let from = match value {
            ArgumentValue::Text(text) => From::Literal(text.clone()),
            ArgumentValue::Word(word) => From::Variable(self.call.variable(word)?),
        };
        Ok(Some(Key { from, written: written.unwrap_or(BytesAs::Utf8) }))
    }

    /// No argument without a name, none that it does not know, none twice.
    fn only(&self, known: &[&str]) -> Result<(), Mistake> {
        for (index, Argument { name, .. }) in self.call.list.iter().enumerate() {
            let twice = self.call.list[..index].iter().any(|earlier| earlier.name == *name);
            if twice || !name.as_deref().is_some_and(|name| known.contains(&name)) {
                return Err(self.call.wrong(&format!("each of {} once", known.join("=, ") + "=")));
            }
        }
        Ok(())
    }
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
        std::iter::once(&self.key).chain(&self.iv).filter_map(|key| match &key.from {
            From::Variable(variable) => Some(variable),
            From::Literal(_) => None,
        })
    }

    pub(super) fn apply(&self, input: &Datum<'_>, context: &Context) -> Result<String, FilterError> {
        let key = self.key.bytes(context)?;
        let iv = self.iv.as_ref().map(|iv| iv.bytes(context)).transpose()?.unwrap_or_default();
        let failed = |error: CipherError| {
            if error.is_of_key() {
                return FilterError::Key(format!("{}: {error}", self.key.name()));
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

impl Key {
    /// Wiped when dropped.
    fn bytes(&self, context: &Context) -> Result<Zeroizing<Vec<u8>>, FilterError> {
        let datum = match &self.from {
            From::Variable(variable) => Datum::of(variable, context)?,
            From::Literal(text) => Datum::Text(Cow::Borrowed(text)),
        };
        let text = datum.text().map_err(|fault| match (fault, &self.from) {
            (Fault::Null, From::Variable(variable)) => FilterError::Missing(missing(variable)),
            (fault, _) => FilterError::Key(format!("{} {}", self.name(), fault.why())),
        })?;
        let bytes = self.written.decode(text);
        bytes.map(Zeroizing::new).map_err(|error| FilterError::Key(format!("{} is {error}", self.name())))
    }

    /// For messages.
    fn name(&self) -> String {
        match &self.from {
            From::Variable(variable) => variable.to_string(),
            From::Literal(_) => "the key of the file".to_owned(),
        }
    }
}
