//! Keyed digests: HMAC (RFC 2104) over every algorithm of [`super::digest`].

use ::hmac::{Hmac, KeyInit, Mac};
use ::md4::Md4;
use ::md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use sm3::Sm3;

use super::digest::Algorithm;

/// The HMAC of `data` under `key`, as raw bytes. A key of any length is legal (RFC 2104 section 3).
pub fn hmac(algorithm: Algorithm, key: &[u8], data: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::Md5 => finish::<Hmac<Md5>>(key, data),
        Algorithm::Sha1 => finish::<Hmac<Sha1>>(key, data),
        Algorithm::Sha224 => finish::<Hmac<Sha224>>(key, data),
        Algorithm::Sha256 => finish::<Hmac<Sha256>>(key, data),
        Algorithm::Sha384 => finish::<Hmac<Sha384>>(key, data),
        Algorithm::Sha512 => finish::<Hmac<Sha512>>(key, data),
        Algorithm::Sm3 => finish::<Hmac<Sm3>>(key, data),
        Algorithm::Md4 => finish::<Hmac<Md4>>(key, data),
    }
}

fn finish<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Vec<u8> {
    // HMAC hashes keys longer than a block, so no length is refused.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Vec::new() };
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::hmac;
    use crate::crypto::digest::Algorithm;
    use crate::crypto::encoding::hex_encode;

    #[test]
    fn rfc_4231_case_2_and_rfc_2202_case_2() {
        let data = b"what do ya want for nothing?";
        let table = [
            (Algorithm::Md5, "750c783e6ab0b503eaa86e310a5db738"),
            (Algorithm::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (Algorithm::Sha224, "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
            (Algorithm::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ];
        for (algorithm, expected) in table {
            assert_eq!(hex_encode(&hmac(algorithm, b"Jefe", data)), expected);
        }
    }

    #[test]
    fn a_key_longer_than_a_block_is_hashed_first() {
        assert_eq!(
            hex_encode(&hmac(
                Algorithm::Sha256,
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            )),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
