//! Digests, keyed digests, ciphers, keys from keys, text encodings and charsets, as pure functions.
//!
//! Template filters, request signatures and `code_util` of the scripts all call these, so that `| md5` in a hole and
//! `code_util.md5()` cannot disagree. Nothing here reads a clock, draws randomness, logs or keeps state.

pub mod aead;
pub mod charset;
pub mod cipher;
pub mod digest;
pub mod encoding;
pub mod hmac;
pub mod jws;
pub mod jwt;
pub mod kdf;
pub mod pem;
pub mod random;
pub mod rsa;
pub mod rsa_sha1;
pub mod sm2;
pub mod totp;
