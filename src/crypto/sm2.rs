//! SM2 encryption with a public key (GB/T 32918.4), what Chinese login pages do to passwords; and SM2 signatures with SM3
//! (GB/T 32918.2).

use ::sm2::dsa::signature::{Signer as _, Verifier as _};
use ::sm2::dsa::{self, Signature};
use ::sm2::pkcs8::DecodePrivateKey as _;
use ::sm2::pke::{EncryptingKey, Mode};
use ::sm2::{PublicKey, SecretKey};

use super::encoding::{base64_decode, hex_decode};
use super::pem::{self, PublicInfo};

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

/// The identifier of a signer, when the document names none (GM/T 0009-2012).
pub const USUAL_ID: &str = "1234567812345678";

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureForm {
    /// DER, as OpenSSL and Bouncy Castle write it.
    Asn1,
    /// r and s, 32 bytes each.
    Plain,
}

impl SignatureForm {
    /// `asn1` or `plain`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "asn1" => Some(Self::Asn1),
            "plain" => Some(Self::Plain),
            _ => None,
        }
    }
}

/// A private key that signs.
#[derive(Debug, Clone)]
pub struct SigningKey(dsa::SigningKey);

impl SigningKey {
    /// A PEM of PKCS #8 or SEC 1 that is not encrypted, its base64, or the 32 bytes of the number in hex. `id` is the signer's.
    pub fn read(text: &str, id: &str) -> Option<Self> {
        let number = hex_decode(text.trim()).ok().filter(|number| number.len() == 32);
        let key = if let Some(number) = number.map(zeroize::Zeroizing::new) {
            SecretKey::from_slice(&number).ok()?
        } else {
            let der = pem::der(text)?;
            SecretKey::from_pkcs8_der(&der).ok().or_else(|| SecretKey::from_sec1_der(&der).ok())?
        };
        dsa::SigningKey::new(id, &key).ok().map(Self)
    }

    /// Signs, by a nonce that is computed from key and text (RFC 6979): the same text has the same signature.
    pub fn sign(&self, form: SignatureForm, text: &[u8]) -> Option<Vec<u8>> {
        let signature: Signature = self.0.try_sign(text).ok()?;
        Some(match form {
            SignatureForm::Asn1 => signature.to_der().as_bytes().to_vec(),
            SignatureForm::Plain => signature.to_vec(),
        })
    }
}

/// A public key as 65 bytes: a point in hex or base64, with or without the 04 before it, or a PEM.
pub fn point(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let written = hex_decode(text).or_else(|_| base64_decode(text)).ok();
    let point = match written {
        Some(point) if point.len() == 64 => [&[4], point.as_slice()].concat(),
        Some(point) if point.len() == 65 => point,
        _ => PublicInfo::read(&pem::der(text)?).map(|info| info.bits)?,
    };
    PublicKey::from_sec1_bytes(&point).is_ok().then_some(point)
}

/// Whether `signature`, r and s or DER, is that of `text` by the signer with this point and identifier.
pub fn verify(point: &[u8], id: &str, text: &[u8], signature: &[u8]) -> bool {
    let signature =
        if signature.len() == 64 { Signature::from_slice(signature) } else { Signature::from_der(signature) };
    let key = dsa::VerifyingKey::from_sec1_bytes(id, point);
    key.is_ok_and(|key| signature.is_ok_and(|signature| key.verify(text, &signature).is_ok()))
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

    /// GB/T 32918.5-2017, appendix A: the signature of "message digest".
    #[test]
    fn the_signature_of_the_standard_is_one() {
        let point = point(PUBLIC).unwrap();
        let signature = hex::decode(
            "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3\
             b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
        )
        .unwrap();
        assert!(verify(&point, USUAL_ID, b"message digest", &signature));
        assert!(!verify(&point, USUAL_ID, b"message digesu", &signature));
        assert!(!verify(&point, "ALICE123@YAHOO.COM", b"message digest", &signature));
        for at in [0, 31, 32, 63] {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert!(!verify(&point, USUAL_ID, b"message digest", &changed), "{at}");
        }
    }

    #[test]
    fn what_was_signed_verifies_in_both_forms() {
        let key = SigningKey::read(PRIVATE, USUAL_ID).unwrap();
        let point = point(PUBLIC).unwrap();
        for (form, length) in [(SignatureForm::Plain, 64..65), (SignatureForm::Asn1, 68..73)] {
            let signature = key.sign(form, "密码".as_bytes()).unwrap();
            assert!(length.contains(&signature.len()), "{form:?}");
            assert!(verify(&point, USUAL_ID, "密码".as_bytes(), &signature), "{form:?}");
            assert_eq!(key.sign(form, "密码".as_bytes()).unwrap(), signature);
        }
        for bad in ["", "00", "no key", &"0".repeat(64), &"f".repeat(64)] {
            assert!(SigningKey::read(bad, USUAL_ID).is_none(), "{bad}");
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
