//! Encrypted replies: `response.decrypt`.

use super::record::{one_of, record, words};
use super::scalar::{Spanned, Text};
use super::shape::Flat;
use crate::crypto::cipher::{Cipher, Mode, Padding};
use crate::crypto::encoding::BytesAs;

record! {
    /// Decryption of a reply before `format` reads it.
    pub struct Decrypt as "a decrypt" {
        /// The key: a template, of `secret.*` as a rule.
        key: Text,
        /// How the text of the key stands for bytes; utf-8 when left out.
        key_as: Option<Spanned<TextAs>>,
        /// The iv: a template, or where in the reply it stands. None with ecb.
        iv: Option<DecryptIv>,
        /// How the text of the iv stands for bytes; utf-8 when left out, and as `input` says when the reply has it.
        iv_as: Option<Spanned<TextAs>>,
        /// How the reply writes the ciphertext; base64 when left out.
        input: Option<Spanned<CiphertextAs>>,
        /// The field of a JSON reply that is encrypted; its value is then the decrypted text, or the object or list that the text
        /// is in JSON. The whole body when left out.
        field: Option<Text>,
        /// The cipher.
        cipher: Flat<DecryptCipher>,
    }
}

one_of! {
    /// The cipher of a reply.
    pub enum DecryptCipher as "a decrypt" {
        /// AES (FIPS 197)
        aes: Aes(CipherMode),
        /// DES (FIPS 46-3)
        des: Des(CipherMode),
        /// Triple DES (FIPS 46-3)
        des3: Des3(CipherMode),
        /// SM4 (GB/T 32907)
        sm4: Sm4(CipherMode),
    }
}

impl DecryptCipher {
    /// The cipher, and how it is used.
    pub fn parts(&self) -> (Cipher, &CipherMode) {
        match self {
            Self::Aes(mode) => (Cipher::Aes, mode),
            Self::Des(mode) => (Cipher::Des, mode),
            Self::Des3(mode) => (Cipher::Des3, mode),
            Self::Sm4(mode) => (Cipher::Sm4, mode),
        }
    }
}

record! {
    /// How a block cipher is used.
    pub struct CipherMode as "a cipher" {
        /// The mode of operation.
        mode: Spanned<ModeWord>,
        /// What fills the last block; pkcs7 when left out.
        padding: Option<Spanned<PaddingWord>>,
    }
}

words! {
    /// A mode of operation.
    pub enum ModeWord as "a mode" {
        /// Each block by itself (SP 800-38A)
        Ecb = "ecb",
        /// SP 800-38A
        Cbc = "cbc",
        /// SP 800-38A; the counter is the whole block
        Ctr = "ctr",
        /// SP 800-38D; the tag stands behind the text
        Gcm = "gcm",
    }
}

impl From<ModeWord> for Mode {
    fn from(word: ModeWord) -> Self {
        match word {
            ModeWord::Ecb => Self::Ecb,
            ModeWord::Cbc => Self::Cbc,
            ModeWord::Ctr => Self::Ctr,
            ModeWord::Gcm => Self::Gcm,
        }
    }
}

words! {
    /// What fills the last block.
    pub enum PaddingWord as "a padding" {
        /// RFC 5652 section 6.3
        Pkcs7 = "pkcs7",
        /// Zeros, and none when the text fills its blocks
        Zero = "zero",
        /// Nothing: the text is whole blocks
        None = "none",
    }
}

impl From<PaddingWord> for Padding {
    fn from(word: PaddingWord) -> Self {
        match word {
            PaddingWord::Pkcs7 => Self::Pkcs7,
            PaddingWord::Zero => Self::Zero,
            PaddingWord::None => Self::None,
        }
    }
}

words! {
    /// How a text stands for bytes.
    pub enum TextAs as "a spelling of bytes" {
        /// Its own bytes
        Utf8 = "utf-8",
        /// Hexadecimal digits
        Hex = "hex",
        /// RFC 4648, of either alphabet
        Base64 = "base64",
    }
}

impl From<TextAs> for BytesAs {
    fn from(word: TextAs) -> Self {
        match word {
            TextAs::Utf8 => Self::Utf8,
            TextAs::Hex => Self::Hex,
            TextAs::Base64 => Self::Base64,
        }
    }
}

words! {
    /// How a reply writes a ciphertext.
    pub enum CiphertextAs as "a spelling of a ciphertext" {
        /// RFC 4648, of either alphabet
        Base64 = "base64",
        /// Hexadecimal digits
        Hex = "hex",
    }
}

impl From<CiphertextAs> for BytesAs {
    fn from(word: CiphertextAs) -> Self {
        match word {
            CiphertextAs::Base64 => Self::Base64,
            CiphertextAs::Hex => Self::Hex,
        }
    }
}

/// Where the iv comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum DecryptIv {
    /// A template.
    Template(Text),
    /// The reply.
    Reply(ReplyIv),
}

one_of! {
    /// An iv that the reply brings.
    pub enum ReplyIv as "an iv" {
        /// With `field`: another field of the reply.
        field: Field(Text),
        /// `true`: the first bytes of the ciphertext are the iv.
        in_front: InFront(Spanned<bool>),
    }
}

impl super::read::FromNode for DecryptIv {
    fn read(node: &crate::yaml::Node, diagnostics: &mut crate::diagnostic::Diagnostics) -> Option<Self> {
        match &node.value {
            crate::yaml::NodeValue::Map(_) => ReplyIv::read(node, diagnostics).map(Self::Reply),
            _ => Text::read(node, diagnostics).map(Self::Template),
        }
    }

    fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (template, reply) = (Text::schema(generator), ReplyIv::schema(generator));
        schemars::json_schema!({ "anyOf": [template, reply] })
    }
}
