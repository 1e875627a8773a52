use ::rsa::PrivateKey;
use ::rsa::pkcs1::EncodeRsaPublicKey as _;
use ::rsa::pkcs8::{EncodePublicKey as _, LineEnding};
use ::rsa::traits::PublicKeyParts as _;

use super::*;

fn key() -> PrivateKey {
    // Made anew for the tests: nothing of it is fixed but its size.
    let mut fill = |bytes: &mut [u8]| getrandom::fill(bytes).unwrap();
    PrivateKey::new(&mut Random(&mut fill), 1024).unwrap()
}

#[test]
fn a_key_in_every_spelling_encrypts_what_the_private_key_decrypts() {
    let secret = key();
    let public = secret.to_public_key();
    let pem = public.to_public_key_pem(LineEnding::LF).unwrap();
    let bare: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let pkcs1 = public.to_pkcs1_pem(LineEnding::CRLF).unwrap();
    let numbers = PublicKey::from_numbers(&public.n_bytes(), &public.e_bytes()).unwrap();
    let keys = [
        PublicKey::from_pem(&pem).unwrap(),
        PublicKey::from_pem(&bare).unwrap(),
        PublicKey::from_pem(&pkcs1).unwrap(),
        numbers,
    ];
    let mut fill = |bytes: &mut [u8]| getrandom::fill(bytes).unwrap();
    let mut random = Random(&mut fill);
    for key in keys {
        let text = key.encrypt(Padding::Pkcs1, "密码".as_bytes(), &mut random).unwrap();
        assert_eq!(secret.decrypt(Pkcs1v15Encrypt, &text).unwrap(), "密码".as_bytes());
        let text = key.encrypt(Padding::Oaep, b"p", &mut random).unwrap();
        assert_eq!(secret.decrypt(Oaep::<Sha1>::new(), &text).unwrap(), b"p");
        let text = key.encrypt(Padding::OaepSha256, b"p", &mut random).unwrap();
        assert_eq!(secret.decrypt(Oaep::<Sha256>::new(), &text).unwrap(), b"p");
    }
}

#[test]
fn a_long_text_goes_in_blocks() {
    let secret = key();
    let public = PublicKey(secret.to_public_key());
    let mut fill = |bytes: &mut [u8]| getrandom::fill(bytes).unwrap();
    let mut random = Random(&mut fill);
    let plain = vec![b'x'; 300];
    assert_eq!(public.encrypt(Padding::Pkcs1, &plain, &mut random), Err(RsaError::TooLong { got: 300, most: 117 }));
    let text = public.encrypt_blocks(Padding::Pkcs1, &plain, &mut random).unwrap();
    let blocks: Vec<Vec<u8>> = text.chunks(128).map(|block| secret.decrypt(Pkcs1v15Encrypt, block).unwrap()).collect();
    assert_eq!(blocks.concat(), plain);
    assert_eq!(blocks.len(), 3);
    assert_eq!(public.encrypt_blocks(Padding::Pkcs1, b"", &mut random).unwrap().len(), 128);
    assert_eq!(public.encrypt_blocks(Padding::Pkcs1, &vec![0; MAX_INPUT + 1], &mut random), Err(RsaError::TooLarge));
}

#[test]
fn what_is_no_key_is_refused() {
    for text in ["", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "AQAB"] {
        assert_eq!(PublicKey::from_pem(text).err(), Some(RsaError::NoKey), "{text}");
    }
    for (modulus, exponent) in [
        (vec![], vec![1, 0, 1]),
        (vec![0xff; 64], vec![1, 0, 1]),
        (vec![0xfe; 128], vec![1, 0, 1]),
        (vec![0xff; 128], vec![1]),
        (vec![0xff; 1200], vec![3]),
    ] {
        assert_eq!(PublicKey::from_numbers(&modulus, &exponent).err(), Some(RsaError::BadKey), "{}", modulus.len());
    }
}
