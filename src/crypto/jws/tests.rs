//! The vectors of RFC 7515 and RFC 8037, signatures of OpenSSL 3.0 and of the Python package cryptography 48, and what must
//! never verify.

use super::super::jwt::{JwtError, Token, sign};
use super::*;
use crate::crypto::encoding::{base64_decode, base64url_encode};
use crate::document::{Object, from_json};

const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const RS256: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const ES256: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const HS256: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const SECRET: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

const RSA_PRIVATE: &str = include_str!("../../signing/sorted_sign/rsa-of-tests.pem");
const RSA_PUBLIC: &str = include_str!("rsa-public-of-tests.pem");
const P256_PRIVATE: &str = include_str!("p256-of-tests.pem");
const ED25519_PRIVATE: &str = include_str!("ed25519-of-tests.pem");
const SM2_PRIVATE: &str = include_str!("sm2-of-tests.pem");
const SM2_PUBLIC: &str = include_str!("sm2-public-of-tests.pem");

fn jwk(text: &str) -> VerifyingKey {
    VerifyingKey::of_jwk(&from_json(text.as_bytes()).unwrap()).unwrap()
}

fn rsa() -> VerifyingKey {
    jwk(&format!(r#"{{"kty":"RSA","n":"{N}","e":"AQAB"}}"#))
}

#[test]
fn the_vectors_of_rfc_7515_and_8037() {
    let p256 = jwk(
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    );
    let secret = VerifyingKey::Secret(Zeroizing::new(base64url_decode(SECRET).unwrap()));
    let ed25519 = jwk(r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#);
    let table = [
        (Algorithm::Hs256, &secret, format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{CLAIMS}.{HS256}")),
        (Algorithm::Rs256, &rsa(), format!("eyJhbGciOiJSUzI1NiJ9.{CLAIMS}.{RS256}")),
        (Algorithm::Es256, &p256, format!("eyJhbGciOiJFUzI1NiJ9.{CLAIMS}.{ES256}")),
    ];
    for (algorithm, key, text) in &table {
        let token = Token::parse(text).unwrap();
        assert_eq!((token.alg.as_str(), token.claims.get("iss")), (algorithm.name(), Some(&"joe".into())));
        assert!(token.is_signed_by(*algorithm, key), "{algorithm:?}");
        // Another claim, another signature, another algorithm.
        let changed = text.replacen("MDA4MTk", "MDA4MTl", 1);
        assert!(!Token::parse(&changed).is_ok_and(|token| token.is_signed_by(*algorithm, key)), "{algorithm:?}");
        for (other, other_key, _) in &table {
            assert_eq!(token.is_signed_by(*other, other_key), other == algorithm, "{algorithm:?} by {other:?}");
            assert_eq!(
                token.is_signed_by(*algorithm, other_key),
                other == algorithm,
                "{algorithm:?} with {other_key:?}"
            );
        }
    }
    // Its payload is a text, and no claims.
    let signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature =
        base64url_decode("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
            .unwrap();
    assert!(ed25519.verifies(Algorithm::EdDsa, signed, &signature));
    assert!(!ed25519.verifies(Algorithm::EdDsa, &signed[1..], &signature));
}

#[test]
fn signatures_of_other_programs_verify() {
    let signature = base64_decode("oaUSsCtOU7k+WSfUp+/CQuyZw08801VPMCppf64XSvBZHG/yvECq+g2ZB7EPH4s0q8Z5i6alL0I1HRT9inmf3aA3YkUfYhoNBqkB11iDqStMyCnVU+lbZgDxXUJ+uwDlsjFI78fPK5sKxTZt7ECKa+UdbRX1sg1PkWht0tT3c+DNIY7Ti8yTGdyTmEY27st2DmfVSRExoSlJRAGEJ0IgD4QQTVDHMXG1VlefKsmmb1ynKr1c+wLNepP05QnP9f8LaA32Uq0SQyswTLx3nyKVw7BPd+ZEO0Ydfe+SIWSgOBUtHcMBxdkCZ8+Su0lvkzLh0myU3Gzzo4q6asCMqi5Olw==").unwrap();
    let key = VerifyingKey::read(Algorithm::Ps256, RSA_PUBLIC).unwrap();
    assert!(key.verifies(Algorithm::Ps256, b"cryptography signs", &signature));
    assert!(!key.verifies(Algorithm::Rs256, b"cryptography signs", &signature));
    let signature = base64_decode(
        "MEUCIFvzyh4b+ySN9DqxMcdQA7ZEDgEcBa1Vh5dNI2fDLpO3AiEA0mY43Q3+wubHwGJvuewqlya26qr2H4ySWm9j1gbjE9Y=",
    )
    .unwrap();
    let key = VerifyingKey::read(Algorithm::Sm2, SM2_PUBLIC).unwrap();
    assert!(key.verifies(Algorithm::Sm2, b"openssl signs", &signature));
    assert!(!key.verifies(Algorithm::Sm2, b"openssl signt", &signature));
}

#[test]
fn a_token_that_was_signed_here_verifies() {
    let claims = from_json(b"{\"sub\":\"zhangsan\",\"exp\":1}").unwrap();
    let header = Object::from_iter([("kid".to_owned(), "k1".into()), ("alg".to_owned(), "none".into())]);
    for (algorithm, private, public) in [
        (Algorithm::Rs256, RSA_PRIVATE, RSA_PUBLIC),
        (Algorithm::Ps256, RSA_PRIVATE, RSA_PUBLIC),
        (Algorithm::Es256, P256_PRIVATE, include_str!("p256-public-of-tests.pem")),
        (Algorithm::EdDsa, ED25519_PRIVATE, include_str!("ed25519-public-of-tests.pem")),
        (Algorithm::Sm2, SM2_PRIVATE, SM2_PUBLIC),
        (Algorithm::Hs256, "a shared secret", "a shared secret"),
    ] {
        let key = SigningKey::read(algorithm, private).unwrap();
        let text = sign(algorithm, algorithm.name(), &key, &header, &claims).unwrap();
        let token = Token::parse(&text).unwrap();
        assert_eq!((token.alg.as_str(), token.kid.as_deref()), (algorithm.name(), Some("k1")));
        assert_eq!(token.claims, claims);
        let public = VerifyingKey::read(algorithm, public).unwrap();
        assert!(token.is_signed_by(algorithm, &public), "{algorithm:?}");
        assert!(!format!("{key:?} {public:?}").contains("secret "), "{algorithm:?}");
    }
}

/// CVE-2015-9235 and its kin: a public key as the secret of an HMAC.
#[test]
fn a_public_key_is_no_secret() {
    let bare: String = RSA_PUBLIC.lines().filter(|line| !line.starts_with('-')).collect();
    for key in [RSA_PUBLIC, &bare, SM2_PUBLIC, ""] {
        assert_eq!(VerifyingKey::read(Algorithm::Hs256, key).unwrap_err(), KeyError(Algorithm::Hs256));
    }
    for (algorithm, text) in [
        (Algorithm::Es256, RSA_PUBLIC),
        (Algorithm::Rs256, SM2_PUBLIC),
        (Algorithm::EdDsa, SM2_PUBLIC),
        (Algorithm::Sm2, RSA_PUBLIC),
        (Algorithm::Rs256, "s3cret"),
        (Algorithm::Rs256, RSA_PRIVATE),
    ] {
        let error = VerifyingKey::read(algorithm, text).unwrap_err().to_string();
        assert!(error.contains(algorithm.name()) && !error.contains("s3cret"), "{error}");
    }
    for jwk in [
        r#"{"kty":"oct","k":"c2VjcmV0"}"#,
        r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#,
        r#"{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}"#,
        r#"{"kty":"RSA","n":"*","e":"AQAB"}"#,
        r#"{"n":"AA"}"#,
        "[]",
    ] {
        assert!(VerifyingKey::of_jwk(&from_json(jwk.as_bytes()).unwrap()).is_none(), "{jwk}");
    }
    // 1024 bits are too few.
    let short = VerifyingKey::Rsa { n: vec![0xff; 128], e: vec![1, 0, 1] };
    assert!(!short.verifies(Algorithm::Rs256, b"x", &[0; 128]));
}

#[test]
fn what_is_no_token_is_refused() {
    let part = |text: &str| base64url_encode(text.as_bytes());
    let with = |header: &str| format!("{}.{}.AAAA", part(header), part("{}"));
    for (text, wanted) in [
        (String::new(), JwtError::NoToken),
        ("a.b".to_owned(), JwtError::NoToken),
        ("a.b.c.d".to_owned(), JwtError::NoToken),
        (format!("{}.{}.AA==", part("{\"alg\":\"RS256\"}"), part("{}")), JwtError::NoToken),
        (format!("{}.{} .AAAA", part("{\"alg\":\"RS256\"}"), part("{}")), JwtError::NoToken),
        // The last bits of a character may not be anything.
        (format!("{}.{}.AB", part("{\"alg\":\"RS256\"}"), part("{}")), JwtError::NoToken),
        (with("{}"), JwtError::Header),
        (with("[]"), JwtError::Header),
        (with("{\"alg\":1}"), JwtError::Header),
        (with("{\"alg\":\"none\",\"alg\":\"RS256\"}"), JwtError::Header),
        (with("{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}"), JwtError::RefusedHeader("crit")),
        (with("{\"alg\":\"RS256\",\"jku\":\"https://evil.example\"}"), JwtError::RefusedHeader("jku")),
        (with("{\"alg\":\"RS256\",\"x5u\":\"https://evil.example\"}"), JwtError::RefusedHeader("x5u")),
        (with("{\"alg\":\"RS256\",\"jwk\":{}}"), JwtError::RefusedHeader("jwk")),
        (format!("{}.{}.AAAA", part("{\"alg\":\"RS256\"}"), part("[]")), JwtError::Claims),
        (format!("{}.{}.AAAA", part("{\"alg\":\"RS256\"}"), part("{\"a\":1,\"a\":2}")), JwtError::Claims),
        ("a".repeat(70_000), JwtError::TooLong),
    ] {
        assert_eq!(Token::parse(&text).unwrap_err(), wanted, "{text}");
    }
    // `none` has no algorithm here, so nothing verifies it.
    assert!(Algorithm::parse("none").is_none() && Algorithm::parse("SM2").is_none());
}
