//! Keys from passwords and from other keys: PBKDF2 (RFC 8018) and HKDF (RFC 5869), over every digest but MD4.

use ::md5::Md5;
use hkdf::Hkdf;
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use sm3::Sm3;

use super::digest::Algorithm;

/// Rounds times blocks at most: half a second of CPU. A script that wants 10^9 would be killed without a word.
const MAX_ROUNDS: u32 = 1_000_000;

/// Bytes of a key at most.
const MAX_LENGTH: usize = 1024;

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KdfError {
    #[error("1 to 1000000 rounds are right, for all blocks of the key together")]
    Rounds,
    #[error("1 to 1024 bytes are right for the key")]
    Length,
    #[error("md4 makes no keys")]
    Digest,
}

macro_rules! with_digest {
    ($algorithm:expr, $run:ident) => {
        match $algorithm {
            Algorithm::Md5 => $run!(Md5),
            Algorithm::Sha1 => $run!(Sha1),
            Algorithm::Sha224 => $run!(Sha224),
            Algorithm::Sha256 => $run!(Sha256),
            Algorithm::Sha384 => $run!(Sha384),
            Algorithm::Sha512 => $run!(Sha512),
            Algorithm::Sm3 => $run!(Sm3),
            Algorithm::Md4 => return Err(KdfError::Digest),
        }
    };
}

/// PBKDF2 with HMAC of `algorithm`.
pub fn pbkdf2(
    algorithm: Algorithm,
    password: &[u8],
    salt: &[u8],
    rounds: u32,
    length: usize,
) -> Result<Vec<u8>, KdfError> {
    if !(1..=MAX_LENGTH).contains(&length) {
        return Err(KdfError::Length);
    }
    // A digest has at least 16 bytes, so there are at most 64 blocks.
    let blocks = u32::try_from(length.div_ceil(16)).unwrap_or(u32::MAX);
    if rounds == 0 || rounds.saturating_mul(blocks) > MAX_ROUNDS.saturating_mul(4) || rounds > MAX_ROUNDS {
        return Err(KdfError::Rounds);
    }
    let mut out = vec![0; length];
    macro_rules! run {
        ($digest:ty) => {
            pbkdf2_hmac::<$digest>(password, salt, rounds, &mut out)
        };
    }
    with_digest!(algorithm, run);
    Ok(out)
}

/// HKDF, extract and expand. No salt and a salt of zeros are the same.
pub fn hkdf(algorithm: Algorithm, key: &[u8], salt: &[u8], info: &[u8], length: usize) -> Result<Vec<u8>, KdfError> {
    if !(1..=MAX_LENGTH).contains(&length) {
        return Err(KdfError::Length);
    }
    let mut out = vec![0; length];
    macro_rules! run {
        ($digest:ty) => {
            Hkdf::<$digest>::new(Some(salt), key).expand(info, &mut out).map_err(|_| KdfError::Length)?
        };
    }
    with_digest!(algorithm, run);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pbkdf2_gives_the_vectors_of_rfc_6070_and_7914() {
        for (algorithm, password, salt, rounds, key) in [
            (Algorithm::Sha1, "password", "salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
            (Algorithm::Sha1, "password", "salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
            (Algorithm::Sha1, "password", "salt", 4096, "4b007901b765489abead49d926f721d065a429c1"),
            (
                Algorithm::Sha1,
                "passwordPASSWORDpassword",
                "saltSALTsaltSALTsaltSALTsaltSALTsalt",
                4096,
                "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038",
            ),
            (Algorithm::Sha1, "pass\0word", "sa\0lt", 4096, "56fa6aa75548099dcc37d7f03425e0c3"),
            (
                Algorithm::Sha256,
                "passwd",
                "salt",
                1,
                "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
            ),
        ] {
            let length = key.len() / 2;
            let got = hex::encode(pbkdf2(algorithm, password.as_bytes(), salt.as_bytes(), rounds, length).unwrap());
            assert_eq!(got, key, "{password} {rounds}");
        }
    }

    /// RFC 5869 appendix A.1, A.3 and A.4.
    #[test]
    fn hkdf_gives_the_vectors_of_rfc_5869() {
        let bytes = |text: &str| hex::decode(text).unwrap();
        for (algorithm, key, salt, info, wanted) in [
            (
                Algorithm::Sha256,
                "0b".repeat(22),
                "000102030405060708090a0b0c",
                "f0f1f2f3f4f5f6f7f8f9",
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
            ),
            (
                Algorithm::Sha256,
                "0b".repeat(22),
                "",
                "",
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
            ),
            (
                Algorithm::Sha1,
                "0b".repeat(11),
                "000102030405060708090a0b0c",
                "f0f1f2f3f4f5f6f7f8f9",
                "085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2c22e422478d305f3f896",
            ),
        ] {
            let got = hkdf(algorithm, &bytes(&key), &bytes(salt), &bytes(info), wanted.len() / 2).unwrap();
            assert_eq!(hex::encode(got), wanted);
        }
    }

    #[test]
    fn what_takes_for_ever_is_refused() {
        assert_eq!(pbkdf2(Algorithm::Sha1, b"p", b"s", 1_000_000_000, 20), Err(KdfError::Rounds));
        assert_eq!(pbkdf2(Algorithm::Sha1, b"p", b"s", 0, 20), Err(KdfError::Rounds));
        assert_eq!(pbkdf2(Algorithm::Sha1, b"p", b"s", 1_000_000, 1024), Err(KdfError::Rounds));
        assert_eq!(pbkdf2(Algorithm::Sha1, b"p", b"s", 1, 1025), Err(KdfError::Length));
        assert_eq!(pbkdf2(Algorithm::Md4, b"p", b"s", 1, 16), Err(KdfError::Digest));
        assert_eq!(hkdf(Algorithm::Sha1, b"p", b"s", b"", 0), Err(KdfError::Length));
    }
}
