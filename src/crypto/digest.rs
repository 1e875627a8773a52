//! Message digests that authentication servers ask for.
//!
//! MD5 and SHA-1 are broken as signatures and stay here because 4A systems still want them as password encodings.

use ::md4::Md4;
use ::md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};
use sm3::Sm3;

/// A digest algorithm, by the name that filters and `code_util` use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RFC 1321
    Md5,
    /// FIPS 180-4
    Sha1,
    /// FIPS 180-4
    Sha224,
    /// FIPS 180-4
    Sha256,
    /// FIPS 180-4
    Sha384,
    /// FIPS 180-4
    Sha512,
    /// GB/T 32905-2016
    Sm3,
    /// RFC 1320; of the password's UTF-16LE it is the NTLM hash.
    Md4,
}

impl Algorithm {
    /// Every algorithm, in the order in which documentation lists them.
    pub const ALL: [Self; 8] =
        [Self::Md5, Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512, Self::Sm3, Self::Md4];

    /// The lower-case name: `md5`, `sha1`, `sha224`, `sha256`, `sha384`, `sha512`, `sm3`, `md4`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Sm3 => "sm3",
            Self::Md4 => "md4",
        }
    }

    /// The algorithm of a name; case and one hyphen (`SHA-256`) do not matter. `None` when there is no such one.
    pub fn from_name(name: &str) -> Option<Self> {
        let plain = name.replacen('-', "", 1).to_ascii_lowercase();
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == plain)
    }
}

/// The digest of `data`, as raw bytes (16 to 64 of them).
pub fn digest(algorithm: Algorithm, data: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::Md5 => Md5::digest(data).to_vec(),
        Algorithm::Sha1 => Sha1::digest(data).to_vec(),
        Algorithm::Sha224 => Sha224::digest(data).to_vec(),
        Algorithm::Sha256 => Sha256::digest(data).to_vec(),
        Algorithm::Sha384 => Sha384::digest(data).to_vec(),
        Algorithm::Sha512 => Sha512::digest(data).to_vec(),
        Algorithm::Sm3 => Sm3::digest(data).to_vec(),
        Algorithm::Md4 => Md4::digest(data).to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, digest};
    use crate::crypto::encoding::hex_encode;

    #[test]
    fn digests_of_abc_are_those_of_the_standards() {
        let table = [
            ("md5", "900150983cd24fb0d6963f7d28e17f72"),
            ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("sha224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
            ("SHA-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "sha384",
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                "sha512",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            ("sm3", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
            ("md4", "a448017aaf21d8525fc10ae87aa6729d"),
        ];
        for (name, expected) in table {
            let algorithm = Algorithm::from_name(name);
            assert_eq!(algorithm.map(|it| hex_encode(&digest(it, b"abc"))).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(Algorithm::from_name("sha3"), None);
    }
}
