//! SM2 encryption with a public key (GB/T 32918.4): what Chinese login pages do to passwords.

use ::sm2::PublicKey;
use ::sm2::pke::{EncryptingKey, Mode};

use super::random::Random;

/// What is encrypted at once at most.
const MAX_INPUT: usize = 64 << 10;

/// The order of point, hash and text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// The order of the standard since 2012.
    C1C3C2,
    /// The old order.
    C1C2C3,
    /// DER, as GM/T 0009 says and OpenSSL writes.
    Asn1,
}

impl Layout {
    /// `C1C3C2`, `C1C2C3`, `asn1`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "C1C3C2" => Some(Self::C1C3C2),
            "C1C2C3" => Some(Self::C1C2C3),
            "asn1" => Some(Self::Asn1),
            _ => None,
        }
    }
}

/// Why nothing was encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Sm2Error {
    #[error("this is no SM2 public key: 64 bytes, or 65 with 04 before them, of a point on the curve")]
    NoKey,
    #[error("the text is empty or larger than 64 KiB")]
    Length,
    #[error("the text cannot be encrypted with this key")]
    Failed,
}

/// Encrypts for the public key `key` (x and y, with or without the 04 before them). `prefix`: whether the point keeps its 04, which
/// servers with Bouncy Castle want and sm-crypto leaves out.
pub fn encrypt(
    key: &[u8],
    layout: Layout,
    prefix: bool,
    plain: &[u8],
    random: &mut Random<'_>,
) -> Result<Vec<u8>, Sm2Error> {
    if plain.is_empty() || plain.len() > MAX_INPUT {
        return Err(Sm2Error::Length);
    }
    let point = if key.len() == 64 { [&[4], key].concat() } else { key.to_vec() };
    let key = PublicKey::from_sec1_bytes(&point).map_err(|_| Sm2Error::NoKey)?;
    let mode = if layout == Layout::C1C2C3 { Mode::C1C2C3 } else { Mode::C1C3C2 };
    let key = EncryptingKey::new_with_mode(key, mode);
    if layout == Layout::Asn1 {
        return key.encrypt_der(random, plain).map_err(|_| Sm2Error::Failed);
    }
    let mut text = key.encrypt(random, plain).map_err(|_| Sm2Error::Failed)?;
    if !prefix {
        text.remove(0);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use ::sm2::pke::DecryptingKey;

    use super::*;

    /// GB/T 32918.5-2017, appendix C.
    const PRIVATE: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
    const PUBLIC: &str = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
    const K: &str = "59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21";
    const C1: &str = "0404ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0";
    const C2: &str = "21886ca989ca9c7d58087307ca93092d651efa";
    const C3: &str = "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766";

    fn fixed(layout: Layout, prefix: bool) -> String {
        let k = hex::decode(K).unwrap();
        let mut fill = |bytes: &mut [u8]| bytes.copy_from_slice(&k[..bytes.len()]);
        let key = hex::decode(PUBLIC).unwrap();
        hex::encode(encrypt(&key, layout, prefix, b"encryption standard", &mut Random(&mut fill)).unwrap())
    }

    #[test]
    fn the_vector_of_the_standard() {
        assert_eq!(fixed(Layout::C1C3C2, true), format!("{C1}{C3}{C2}"));
        assert_eq!(fixed(Layout::C1C2C3, true), format!("{C1}{C2}{C3}"));
        assert_eq!(fixed(Layout::C1C3C2, false), format!("{}{C3}{C2}", &C1[2..]));
    }

    #[test]
    fn what_was_encrypted_can_be_decrypted() {
        let secret = ::sm2::SecretKey::from_slice(&hex::decode(PRIVATE).unwrap()).unwrap();
        let mut count = 0_u8;
        let mut fill = |bytes: &mut [u8]| {
            for byte in bytes.iter_mut() {
                count = count.wrapping_mul(5).wrapping_add(7);
                *byte = count;
            }
        };
        let public = [&[4][..], &hex::decode(PUBLIC).unwrap()].concat();
        for (layout, mode) in
            [(Layout::C1C3C2, Mode::C1C3C2), (Layout::C1C2C3, Mode::C1C2C3), (Layout::Asn1, Mode::C1C3C2)]
        {
            let text = encrypt(&public, layout, true, "密码 123".as_bytes(), &mut Random(&mut fill)).unwrap();
            let key = DecryptingKey::new_with_mode(secret.to_nonzero_scalar(), mode);
            let plain = if layout == Layout::Asn1 { key.decrypt_der(&text) } else { key.decrypt(&text) };
            assert_eq!(plain.unwrap(), "密码 123".as_bytes(), "{layout:?}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let mut fill = |bytes: &mut [u8]| bytes.fill(1);
        for key in [&[0; 64][..], &[4; 65], &[1; 10], &[]] {
            assert_eq!(encrypt(key, Layout::Asn1, true, b"x", &mut Random(&mut fill)), Err(Sm2Error::NoKey));
        }
    }
}
