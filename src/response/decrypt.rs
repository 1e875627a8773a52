//! Encrypted replies: the bytes of a body, or of one field of it, are decrypted before anything is read.
//!
//! Pure: bytes and keys in, bytes out. What cannot be decrypted is no document, and the error quotes neither key nor text.

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::context::{Context, Variable};
use crate::crypto::cipher::{Algorithm, CipherError};
use crate::crypto::encoding::BytesAs;
use crate::document::{Path, Value, from_json, to_json};
use crate::secret::Secret;
use crate::template::{Charset, Hole, Line, RenderError};

/// How the replies of a step are decrypted.
#[derive(Debug, Clone)]
pub struct DecryptPlan {
    pub algorithm: Algorithm,
    pub key: KeyText,
    pub iv: IvPlan,
    /// How the reply writes the ciphertext.
    pub input: BytesAs,
    /// The encrypted field; the whole body without one.
    pub field: Option<Path>,
}

/// A key or an iv that a template gives.
#[derive(Debug, Clone)]
pub struct KeyText {
    pub line: Line,
    /// How the text stands for bytes.
    pub written: BytesAs,
}

/// Where the iv comes from.
#[derive(Debug, Clone)]
pub enum IvPlan {
    /// There is none.
    None,
    Template(KeyText),
    /// A field of the reply.
    Field(Path, BytesAs),
    /// The first bytes of the ciphertext.
    InFront,
}

/// The keys of one login. Wiped when dropped.
#[derive(Clone)]
pub struct Keys {
    key: Zeroizing<Vec<u8>>,
    iv: Option<Zeroizing<Vec<u8>>>,
    /// The text of a key that filters computed.
    computed: Option<Secret>,
}

impl Keys {
    /// What filters made of a secret, for redaction.
    pub fn texts(&self) -> impl Iterator<Item = &Secret> {
        self.computed.iter()
    }
}

/// Why a reply was not decrypted. Completes "the reply …"; quotes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// Key, iv or ciphertext do not belong together.
    #[error("cannot be decrypted: {0}")]
    Undecryptable(String),
    /// The key that the connector gives cannot be one.
    #[error("cannot be decrypted: {0}")]
    Key(CipherError),
    #[error("cannot be decrypted: {0} is no {1}")]
    Spelling(&'static str, &'static str),
    #[error("cannot be decrypted: it is no JSON, in which field \"{0}\" is encrypted")]
    NoJson(String),
    #[error("cannot be decrypted: its field \"{0}\" is no text")]
    NoText(String),
    #[error("was decrypted, and its field \"{0}\" is neither readable JSON nor text: the key may be wrong")]
    Unreadable(String),
    #[error("is larger than the 1 MiB that are decrypted at once")]
    TooLarge,
}

impl KeyText {
    fn text(&self, what: &str, context: &Context) -> Result<Secret, RenderError> {
        let mut bytes = Vec::new();
        self.line.render(context, Charset::UTF_8, &mut bytes)?;
        let unfit = |_| RenderError::Unfit { what: format!("the {what} of `decrypt` is no text") };
        String::from_utf8(bytes).map(Secret::new).map_err(unfit)
    }

    /// The bytes that `text` stands for.
    fn bytes(&self, what: &str, text: &Secret) -> Result<Zeroizing<Vec<u8>>, RenderError> {
        // It goes into the cipher.
        let bytes = self.written.decode(text.expose()).map(Zeroizing::new);
        bytes.map_err(|error| RenderError::Unfit { what: format!("the {what} of `decrypt` is {error}") })
    }
}

impl DecryptPlan {
    /// Every variable that key and iv read.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.templates().flat_map(|text| text.line.holes()).flat_map(Hole::variables)
    }

    fn templates(&self) -> impl Iterator<Item = &KeyText> {
        let iv = match &self.iv {
            IvPlan::Template(iv) => Some(iv),
            IvPlan::None | IvPlan::Field(..) | IvPlan::InFront => None,
        };
        std::iter::once(&self.key).chain(iv)
    }

    /// The keys of one login.
    pub fn keys(&self, context: &Context) -> Result<Keys, RenderError> {
        let text = self.key.text("key", context)?;
        let key = self.key.bytes("key", &text)?;
        let iv = match &self.iv {
            IvPlan::Template(iv) => Some(iv.bytes("iv", &iv.text("iv", context)?)?),
            IvPlan::None | IvPlan::Field(..) | IvPlan::InFront => None,
        };
        let computes = self.key.line.holes().any(|hole| !hole.filters.is_empty());
        Ok(Keys { key, iv, computed: computes.then_some(text) })
    }

    /// The body as it was before it was encrypted. A `field` that the reply lacks, or that is null or empty, stays as it is.
    pub fn open(&self, keys: &Keys, body: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let iv = keys.iv.as_ref().map_or(self.algorithm.iv_length(), |iv| iv.len());
        self.algorithm.check_key(keys.key.len(), iv).map_err(DecryptError::Key)?;
        match &self.field {
            None => {
                let text = str::from_utf8(body).map_err(|_| self.no_ciphertext())?.trim();
                // Some servers write the ciphertext as a JSON string.
                let quoted = text.starts_with('"').then(|| from_json(text.as_bytes()).ok()).flatten();
                let text = match &quoted {
                    Some(Value::Text(text)) => text,
                    _ => text,
                };
                self.decrypt(keys, None, text)
            }
            Some(field) => self.open_field(field, keys, body),
        }
    }

    fn open_field(&self, field: &Path, keys: &Keys, body: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let name = || field.to_string();
        let mut document = from_json(body).map_err(|_| DecryptError::NoJson(name()))?;
        let iv = match &self.iv {
            IvPlan::Field(path, written) => match path.get(&document) {
                Some(Value::Text(iv)) => Some(written.decode(iv).map_err(|_| spelling("the iv", *written))?),
                _ => None,
            },
            _ => None,
        };
        let opened = match field.get(&document) {
            None | Some(Value::Null) => None,
            Some(Value::Text(text)) if text.is_empty() => None,
            Some(Value::Text(text)) => Some(self.decrypt(keys, iv.as_deref(), text)?),
            Some(_) => return Err(DecryptError::NoText(name())),
        };
        if let (Some(opened), Some(place)) = (opened, field.get_mut(&mut document)) {
            *place = inner(&opened).ok_or_else(|| DecryptError::Unreadable(name()))?;
        }
        Ok(Zeroizing::new(to_json(&document).into_bytes()))
    }

    /// `own`: the iv that the reply brings.
    fn decrypt(&self, keys: &Keys, own: Option<&[u8]>, text: &str) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        // Encoders of mail and of old Java break lines.
        let broken = text.bytes().any(|byte| byte.is_ascii_whitespace());
        let text: Cow<'_, str> =
            if broken { text.split_ascii_whitespace().collect::<String>().into() } else { text.into() };
        let bytes = self.input.decode(&text).map_err(|_| self.no_ciphertext())?;
        let (iv, ciphertext): (&[u8], &[u8]) = match (&self.iv, &keys.iv, own) {
            (IvPlan::InFront, ..) => bytes.split_at_checked(self.algorithm.iv_length()).ok_or_else(|| {
                DecryptError::Undecryptable("the ciphertext is shorter than the iv in front of it".to_owned())
            })?,
            (IvPlan::Field(path, _), _, None) => {
                return Err(DecryptError::Undecryptable(format!("there is no iv in field \"{path}\"")));
            }
            (_, _, Some(own)) => (own, &bytes),
            (_, iv, None) => (iv.as_ref().map_or(&[], |iv| iv.as_slice()), &bytes),
        };
        let plain = self.algorithm.decrypt(&keys.key, iv, ciphertext);
        plain.map(Zeroizing::new).map_err(|error| match error {
            CipherError::TooLarge => DecryptError::TooLarge,
            CipherError::Undecryptable => {
                DecryptError::Undecryptable("the key or the iv is wrong, or it is not what `decrypt` says".to_owned())
            }
            error => DecryptError::Undecryptable(error.to_string()),
        })
    }

    fn no_ciphertext(&self) -> DecryptError {
        spelling("the ciphertext", self.input)
    }
}

fn spelling(what: &'static str, written: BytesAs) -> DecryptError {
    let wanted = match written {
        BytesAs::Utf8 => "text",
        BytesAs::Hex => "hexadecimal",
        BytesAs::Base64 => "base64",
    };
    DecryptError::Spelling(what, wanted)
}

/// What was decrypted, as a value: an object or a list in JSON, else a text. JSON that is broken is no text: rules would
/// read it as "there is no such field".
fn inner(bytes: &[u8]) -> Option<Value> {
    let text = str::from_utf8(bytes).ok()?;
    if text.trim_start().starts_with(['{', '[']) {
        return from_json(bytes).ok();
    }
    Some(Value::Text(text.to_owned()))
}

#[cfg(test)]
mod tests;
