//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): sealed bytes that cannot be read or changed without the key.
//!
//! The nonce has 192 bits, so that one drawn at random for every message never comes twice under one key; with the 96 of
//! ChaCha20-Poly1305 (RFC 8439) that would need a counter that several daemons share.

use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use zeroize::Zeroizing;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 24;

/// Bytes by which a sealed text is longer.
pub const TAG_BYTES: usize = 16;

/// Seals `plain` and binds it to `around`, which is not part of the result. A nonce must never seal twice under one key.
///
/// # Panics
/// When `plain` has 256 GiB, which nothing here comes near.
pub fn seal(key: &[u8; KEY_BYTES], nonce: &[u8; NONCE_BYTES], around: &[u8], plain: &[u8]) -> Vec<u8> {
    // In full at once: a buffer that grows leaves a copy of the plain text behind.
    let mut text = Vec::with_capacity(plain.len() + TAG_BYTES);
    text.extend_from_slice(plain);
    XChaCha20Poly1305::new(key.into())
        .encrypt_in_place(nonce.into(), around, &mut text)
        .expect("a text in memory is shorter than the 256 GiB of one nonce");
    text
}

/// What was sealed under the same key, nonce and `around`; `None` when any of it, or the sealed text, is another.
pub fn open(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    around: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(sealed.to_vec());
    // The tag is compared before anything is decrypted.
    XChaCha20Poly1305::new(key.into()).decrypt_in_place(nonce.into(), around, &mut *text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::encoding::{hex_decode, hex_encode};

    /// The test vector of draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    #[test]
    fn the_vector_of_the_draft() {
        let bytes = |hex: &str| hex_decode(hex).unwrap();
        let key: [u8; 32] = std::array::from_fn(|i| 0x80 + u8::try_from(i).unwrap());
        let nonce: [u8; 24] = std::array::from_fn(|i| 0x40 + u8::try_from(i).unwrap());
        let around = bytes("50515253c0c1c2c3c4c5c6c7");
        let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
            sunscreen would be it.";
        let sealed = seal(&key, &nonce, &around, plain);
        assert_eq!(
            hex_encode(&sealed),
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c\
             54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da97688\
             12f615c68b13b52ec0875924c1c7987947deafd8780acf49"
        );
        assert_eq!(open(&key, &nonce, &around, &sealed).unwrap().as_slice(), plain);
    }

    #[test]
    fn nothing_that_was_changed_opens() {
        let (key, nonce) = ([1; 32], [2; 24]);
        let sealed = seal(&key, &nonce, b"around", b"plain");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&key, &nonce, b"around", &changed).is_none(), "byte {at}");
        }
        for cut in 0..sealed.len() {
            assert!(open(&key, &nonce, b"around", &sealed[..cut]).is_none(), "cut to {cut}");
        }
        assert!(open(&[3; 32], &nonce, b"around", &sealed).is_none());
        assert!(open(&key, &[3; 24], b"around", &sealed).is_none());
        assert!(open(&key, &nonce, b"aroond", &sealed).is_none());
    }
}
