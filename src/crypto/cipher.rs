//! Block ciphers in the modes that authentication servers ask for: AES (FIPS 197), DES and triple DES (FIPS 46-3), SM4 (GB/T 32907) in
//! ECB, CBC, CTR (SP 800-38A) and GCM (SP 800-38D, RFC 8998).
//!
//! DES, ECB and CBC without a tag protect little; they stay here because 4A servers want passwords in them, inside TLS.

use ::cipher::block_padding::{NoPadding, Pkcs7, ZeroPadding};
use ::cipher::{KeyInit as _, KeyIvInit as _, StreamCipher as _};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInOut as _;
use aes_gcm::aead::consts::U12;
use des::{Des, TdesEde2, TdesEde3};
use sm4::Sm4;

/// What is encrypted or decrypted at once at most.
pub const MAX_INPUT: usize = 1 << 20;

/// Bytes of a GCM tag, which stands behind the text.
const TAG: usize = 16;

/// A block cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cipher {
    Aes,
    Des,
    Des3,
    Sm4,
}

/// A mode of operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    Ecb,
    Cbc,
    Ctr,
    Gcm,
}

/// What fills the last block in ECB and CBC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Padding {
    Pkcs7,
    /// Zeros, and none when the text fills its blocks (CryptoJS `ZeroPadding`).
    Zero,
    /// Nothing: the text must be whole blocks.
    None,
}

/// Why nothing was encrypted or decrypted. Quotes no byte of key or text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CipherError {
    #[error("the key has {got} bytes; {cipher} takes {right}")]
    KeyLength { cipher: &'static str, got: usize, right: &'static str },
    #[error("the iv has {got} bytes; {cipher} takes {right} with {mode}")]
    IvLength { cipher: &'static str, mode: &'static str, got: usize, right: usize },
    #[error("gcm wants blocks of 16 bytes, which des and des3 have not")]
    NoSuchMode,
    #[error("the text is larger than 1 MiB")]
    TooLarge,
    #[error("the text is no whole number of blocks of {0} bytes")]
    Blocks(usize),
    #[error("the text cannot be decrypted with this key")]
    Undecryptable,
}

impl CipherError {
    /// Whether key or iv is wrong, not the text.
    pub fn is_of_key(self) -> bool {
        matches!(self, Self::KeyLength { .. } | Self::IvLength { .. } | Self::NoSuchMode)
    }
}

impl Cipher {
    pub const ALL: [Self; 4] = [Self::Aes, Self::Des, Self::Des3, Self::Sm4];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes => "aes",
            Self::Des => "des",
            Self::Des3 => "des3",
            Self::Sm4 => "sm4",
        }
    }

    pub const fn block(self) -> usize {
        match self {
            Self::Aes | Self::Sm4 => 16,
            Self::Des | Self::Des3 => 8,
        }
    }

    /// The lengths of a key, in bytes.
    pub const fn key_lengths(self) -> (&'static [usize], &'static str) {
        match self {
            Self::Aes => (&[16, 24, 32], "16, 24 or 32"),
            Self::Des => (&[8], "8"),
            Self::Des3 => (&[16, 24], "16 or 24"),
            Self::Sm4 => (&[16], "16"),
        }
    }
}

impl Mode {
    /// By its name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == word)
    }

    pub const ALL: [Self; 4] = [Self::Ecb, Self::Cbc, Self::Ctr, Self::Gcm];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Ecb => "ecb",
            Self::Cbc => "cbc",
            Self::Ctr => "ctr",
            Self::Gcm => "gcm",
        }
    }
}

impl Padding {
    /// By its name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == word)
    }

    pub const ALL: [Self; 3] = [Self::Pkcs7, Self::Zero, Self::None];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Pkcs7 => "pkcs7",
            Self::Zero => "zero",
            Self::None => "none",
        }
    }
}

/// Runs a macro with the cipher that the length of the key says; the lengths have been checked.
macro_rules! with_cipher {
    ($cipher:expr, $length:expr, $run:ident) => {
        match ($cipher, $length) {
            (Cipher::Aes, 16) => $run!(Aes128),
            (Cipher::Aes, 24) => $run!(Aes192),
            (Cipher::Aes, _) => $run!(Aes256),
            (Cipher::Des, _) => $run!(Des),
            (Cipher::Des3, 16) => $run!(TdesEde2),
            (Cipher::Des3, _) => $run!(TdesEde3),
            (Cipher::Sm4, _) => $run!(Sm4),
        }
    };
}

/// A cipher with its mode and padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Algorithm {
    pub cipher: Cipher,
    pub mode: Mode,
    pub padding: Padding,
}

/// The two ways.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Encrypt,
    Decrypt,
}

impl Algorithm {
    /// The bytes of an iv: none with ECB, 12 with GCM, else a block.
    pub const fn iv_length(self) -> usize {
        match self.mode {
            Mode::Ecb => 0,
            Mode::Gcm => 12,
            Mode::Cbc | Mode::Ctr => self.cipher.block(),
        }
    }

    /// Encrypts. A GCM tag stands behind the text, as Java and Go write it.
    pub fn encrypt(self, key: &[u8], iv: &[u8], plain: &[u8]) -> Result<Vec<u8>, CipherError> {
        self.check(key, iv, plain.len())?;
        if self.padding == Padding::None && self.pads() && !plain.len().is_multiple_of(self.cipher.block()) {
            return Err(CipherError::Blocks(self.cipher.block()));
        }
        self.run(Way::Encrypt, key, iv, plain)
    }

    /// Decrypts what [`Self::encrypt`] gave.
    pub fn decrypt(self, key: &[u8], iv: &[u8], text: &[u8]) -> Result<Vec<u8>, CipherError> {
        self.check(key, iv, text.len())?;
        if self.pads() && !text.len().is_multiple_of(self.cipher.block()) {
            return Err(CipherError::Blocks(self.cipher.block()));
        }
        self.run(Way::Decrypt, key, iv, text)
    }

    const fn pads(self) -> bool {
        matches!(self.mode, Mode::Ecb | Mode::Cbc)
    }

    /// Checks what is known of the key before there is a text.
    pub fn check_key(self, key: usize, iv: usize) -> Result<(), CipherError> {
        let (lengths, right) = self.cipher.key_lengths();
        let cipher = self.cipher.name();
        if self.mode == Mode::Gcm && self.cipher.block() != 16 {
            return Err(CipherError::NoSuchMode);
        }
        if !lengths.contains(&key) {
            return Err(CipherError::KeyLength { cipher, got: key, right });
        }
        if iv != self.iv_length() {
            return Err(CipherError::IvLength { cipher, mode: self.mode.name(), got: iv, right: self.iv_length() });
        }
        Ok(())
    }

    fn check(self, key: &[u8], iv: &[u8], text: usize) -> Result<(), CipherError> {
        if text > MAX_INPUT {
            return Err(CipherError::TooLarge);
        }
        self.check_key(key.len(), iv.len())
    }

    fn run(self, way: Way, key: &[u8], iv: &[u8], text: &[u8]) -> Result<Vec<u8>, CipherError> {
        match self.mode {
            Mode::Ecb => self.ecb(way, key, text),
            Mode::Cbc => self.cbc(way, key, iv, text),
            Mode::Ctr => self.ctr(key, iv, text),
            Mode::Gcm => self.gcm(way, key, iv, text),
        }
    }

    fn ecb(self, way: Way, key: &[u8], text: &[u8]) -> Result<Vec<u8>, CipherError> {
        macro_rules! run {
            ($cipher:ty) => {
                match way {
                    Way::Encrypt => {
                        let mode = ecb::Encryptor::<$cipher>::new_from_slice(key).map_err(wrong)?;
                        Ok(self.padded_encrypt(mode, text))
                    }
                    Way::Decrypt => {
                        let mode = ecb::Decryptor::<$cipher>::new_from_slice(key).map_err(wrong)?;
                        self.padded_decrypt(mode, text)
                    }
                }
            };
        }
        with_cipher!(self.cipher, key.len(), run)
    }

    fn cbc(self, way: Way, key: &[u8], iv: &[u8], text: &[u8]) -> Result<Vec<u8>, CipherError> {
        macro_rules! run {
            ($cipher:ty) => {
                match way {
                    Way::Encrypt => {
                        let mode = cbc::Encryptor::<$cipher>::new_from_slices(key, iv).map_err(wrong)?;
                        Ok(self.padded_encrypt(mode, text))
                    }
                    Way::Decrypt => {
                        let mode = cbc::Decryptor::<$cipher>::new_from_slices(key, iv).map_err(wrong)?;
                        self.padded_decrypt(mode, text)
                    }
                }
            };
        }
        with_cipher!(self.cipher, key.len(), run)
    }

    /// The same both ways. The counter is the whole block (SP 800-38A, as OpenSSL counts).
    fn ctr(self, key: &[u8], iv: &[u8], text: &[u8]) -> Result<Vec<u8>, CipherError> {
        let mut out = text.to_vec();
        macro_rules! whole {
            ($cipher:ty) => {
                ctr::Ctr128BE::<$cipher>::new_from_slices(key, iv).map_err(wrong)?.apply_keystream(&mut out)
            };
        }
        macro_rules! half {
            ($cipher:ty) => {
                ctr::Ctr64BE::<$cipher>::new_from_slices(key, iv).map_err(wrong)?.apply_keystream(&mut out)
            };
        }
        match (self.cipher, key.len()) {
            (Cipher::Aes, 16) => whole!(Aes128),
            (Cipher::Aes, 24) => whole!(Aes192),
            (Cipher::Aes, _) => whole!(Aes256),
            (Cipher::Sm4, _) => whole!(Sm4),
            (Cipher::Des, _) => half!(Des),
            (Cipher::Des3, 16) => half!(TdesEde2),
            (Cipher::Des3, _) => half!(TdesEde3),
        }
        Ok(out)
    }

    fn gcm(self, way: Way, key: &[u8], iv: &[u8], text: &[u8]) -> Result<Vec<u8>, CipherError> {
        let nonce = iv.try_into().map_err(|_| CipherError::Undecryptable)?;
        let mut out = Vec::with_capacity(text.len() + TAG);
        out.extend_from_slice(text);
        macro_rules! run {
            ($cipher:ty) => {{
                let aead = AesGcm::<$cipher, U12>::new_from_slice(key).map_err(wrong)?;
                match way {
                    Way::Encrypt => aead.encrypt_in_place(&nonce, b"", &mut out),
                    // The tag is compared before anything is decrypted.
                    Way::Decrypt => aead.decrypt_in_place(&nonce, b"", &mut out),
                }
            }};
        }
        let result = match (self.cipher, key.len()) {
            (Cipher::Aes, 16) => run!(Aes128),
            (Cipher::Aes, 24) => run!(Aes192),
            (Cipher::Aes, _) => run!(Aes256),
            (Cipher::Sm4, _) => run!(Sm4),
            (Cipher::Des | Cipher::Des3, _) => return Err(CipherError::NoSuchMode),
        };
        result.map(|()| out).map_err(|_| CipherError::Undecryptable)
    }

    fn padded_encrypt<M: ::cipher::BlockModeEncrypt>(self, mode: M, text: &[u8]) -> Vec<u8> {
        match self.padding {
            Padding::Pkcs7 => mode.encrypt_padded_vec::<Pkcs7>(text),
            Padding::Zero => mode.encrypt_padded_vec::<ZeroPadding>(text),
            // Whole blocks, as `encrypt` has checked.
            Padding::None => mode.encrypt_padded_vec::<NoPadding>(text),
        }
    }

    fn padded_decrypt<M: ::cipher::BlockModeDecrypt>(self, mode: M, text: &[u8]) -> Result<Vec<u8>, CipherError> {
        let plain = match self.padding {
            Padding::Pkcs7 => mode.decrypt_padded_vec::<Pkcs7>(text),
            Padding::Zero => mode.decrypt_padded_vec::<ZeroPadding>(text),
            Padding::None => mode.decrypt_padded_vec::<NoPadding>(text),
        };
        plain.map_err(|_| CipherError::Undecryptable)
    }
}

fn wrong(_: ::cipher::InvalidLength) -> CipherError {
    CipherError::Undecryptable
}

#[cfg(test)]
mod tests;
