//! Assertions by each algorithm, verified with the public key, and what is refused at load.

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use ring::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use serde_json::json;

use crate::crypto::encoding::{base64_encode, base64url_decode};
use crate::signing::TokenStore;
use crate::signing::oauth2::tests::{Endpoint, compiled, decoded};
use crate::signing::trial::{form, scheme};

fn auth(key: &str, algorithm: &str) -> String {
    format!(
        r#"jwt_bearer: {{ token_url: "https://as.example.com/token", key: "{key}", algorithm: {algorithm}, issuer: iss1, key_id: k1, claims: {{ tenant: t, n: 1 }} }}"#
    )
}

#[tokio::test]
async fn an_assertion_by_each_algorithm() {
    let random = ring::rand::SystemRandom::new();
    let ec = EcdsaKeyPair::generate_pkcs8(&ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let rsa: String =
        include_str!("../sorted_sign/rsa-of-tests.pem").lines().filter(|line| !line.starts_with('-')).collect();
    let rsa_key =
        RsaKeyPair::from_pkcs8(&base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &rsa).unwrap())
            .unwrap();
    let ec_key =
        EcdsaKeyPair::from_pkcs8(&ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING, ec.as_ref(), &random).unwrap();
    let ed_key = Ed25519KeyPair::from_pkcs8(ed.as_ref()).unwrap();
    let cases: [(&str, String, &dyn VerificationAlgorithm, Vec<u8>); 4] = [
        ("RS256", rsa.clone(), &RSA_PKCS1_2048_8192_SHA256, rsa_key.public_key().as_ref().to_vec()),
        ("PS256", rsa, &RSA_PSS_2048_8192_SHA256, rsa_key.public_key().as_ref().to_vec()),
        ("ES256", base64_encode(ec.as_ref()), &ECDSA_P256_SHA256_FIXED, ec_key.public_key().as_ref().to_vec()),
        ("EdDSA", base64_encode(ed.as_ref()), &ED25519, ed_key.public_key().as_ref().to_vec()),
    ];
    for (algorithm, key, verifies, public) in cases {
        let endpoint = Endpoint::default();
        assert_eq!(
            endpoint.sign(&*compiled(&auth(&key, algorithm)), &TokenStore::default()).await.unwrap(),
            "Bearer t1"
        );
        let (authorization, form) = endpoint.last();
        assert_eq!(authorization, "");
        assert_eq!(form[0], ("grant_type".to_owned(), "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()));
        let (name, token) = &form[1];
        assert_eq!(name, "assertion");
        let (header, payload, signature) = decoded(token);
        assert_eq!(header, json!({ "alg": algorithm, "typ": "JWT", "kid": "k1" }));
        assert_eq!(
            payload,
            json!({
                "tenant": "t", "n": 1, "iss": "iss1", "sub": "iss1", "aud": "https://as.example.com/token",
                "jti": "07".repeat(16), "iat": 1_767_323_045, "exp": 1_767_323_345,
            })
        );
        let (text, _) = token.rsplit_once('.').unwrap();
        let signature = base64url_decode(&signature).unwrap();
        UnparsedPublicKey::new(verifies, public).verify(text.as_bytes(), &signature).unwrap();
        let broken =
            endpoint.sign(&*compiled(&auth("AAAA", algorithm)), &TokenStore::default()).await.unwrap_err().to_string();
        assert!(broken.contains("the key of `auth` is no"), "{broken}");
    }
}

#[tokio::test]
async fn a_shared_secret_and_a_kept_token() {
    let (endpoint, tokens) = (Endpoint::default(), TokenStore::default());
    let scheme = compiled(&auth("a-shared-secret", "HS256"));
    for _ in 0..3 {
        assert_eq!(endpoint.sign(&*scheme, &tokens).await.unwrap(), "Bearer t1");
    }
    let (_, form) = endpoint.last();
    assert_eq!(decoded(&form[1].1).0["alg"], "HS256");
}

#[test]
fn mistakes_are_told_at_load() {
    let plan = form("GET", "https://4a.example.com/", &[]);
    for (more, code) in [
        (r#"issuer: "{{user.username}}""#, "auth-of-user"),
        (r#"issuer: i, audience: [ a, "{{user.username}}" ]"#, "auth-of-user"),
        ("issuer: i, expires_in: 2h", "out-of-range"),
        ("issuer: i, claims: { exp: 1 }", "auth-value"),
        (r#"issuer: i, claims: { a: [ "{{secret.x}}" ] }"#, "auth-value"),
    ] {
        let codes =
            scheme(&format!(r#"jwt_bearer: {{ token_url: "https://h/t", key: k, {more} }}"#), &plan).unwrap_err();
        assert_eq!(codes, [code], "{more}");
    }
}
