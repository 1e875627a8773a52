//! Access tokens that others verify alone.

use serde_json::{Value, json};

use super::Lab;
use crate::support::daemon::{TOKEN, client};

/// The body of a JWT, and whether `keys` verify it: by ring alone, as a gateway would.
fn read_signed(token: &str, keys: &Value) -> Value {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
    };
    let decode = |text: &str| BASE64.decode(text).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let [head, body, signature] = parts[..] else { panic!("{token}") };
    let header: Value = serde_json::from_slice(&decode(head)).unwrap();
    assert_eq!(header["typ"], "at+jwt");
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    assert!(key.get("d").is_none() && key["alg"] == header["alg"], "{key}");
    let part = |name: &str| decode(key[name].as_str().unwrap());
    let (signed, signature) = (format!("{head}.{body}"), decode(signature));
    match header["alg"].as_str().unwrap() {
        "RS256" => RsaPublicKeyComponents { n: part("n"), e: part("e") }
            .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
            .unwrap(),
        _ => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [vec![4], part("x"), part("y")].concat())
            .verify(signed.as_bytes(), &signature)
            .unwrap(),
    }
    serde_json::from_slice(&decode(body)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_access_token_is_verified_by_the_published_key_alone() {
    use doorward::clock::System;
    use doorward::token::{KeyAlgorithm, NewKey};
    let keys = tempfile::tempdir().unwrap();
    let place = |name: &str| keys.path().join(name).display().to_string();
    for (name, algorithm) in [("rs.pem", KeyAlgorithm::Rs256), ("es.pem", KeyAlgorithm::Es256)] {
        std::fs::write(place(name), NewKey::draw(algorithm, &System).unwrap().pem.as_bytes()).unwrap();
    }
    for (signs, next) in [("rs.pem", "es.pem"), ("es.pem", "rs.pem")] {
        let lab = Lab::start(&format!(
            "sign_in: {{ keys: [ {{ file: key }} ], connectors: [ {{ id: corp }} ], signing: {{ issuer: \"https://sso.example.com\", audience: \
             \"api://wiki\", keys: [ {{ file: \"{}\", use: sign }}, {{ file: \"{}\", use: next }} ] }} }}\n",
            place(signs),
            place(next)
        ))
        .await;
        let url = format!("{}/.well-known/jwks.json", lab.daemon.base);
        let reply = client().get(url).send().await.unwrap();
        assert_eq!(reply.headers()["cache-control"], "public, max-age=300");
        let published: Value = serde_json::from_str(&reply.text().await.unwrap()).unwrap();
        assert_eq!(published["keys"].as_array().unwrap().len(), 2, "{published}");
        let session = lab.open("zhangsan").await;
        let claims = read_signed(session["access_token"].as_str().unwrap(), &published);
        for (name, value) in [
            ("iss", json!("https://sso.example.com")),
            ("aud", json!(["api://wiki"])),
            ("sub", json!("ZHANGSAN")),
            ("connector", json!("corp")),
            ("client_id", json!("console")),
            ("sid", session["id"].clone()),
        ] {
            assert_eq!(claims[name], value, "{claims}");
        }
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
        // Whoever asks hears of a kick at once; whoever verifies alone after five minutes.
        assert!(lab.is_good(&session).await);
        assert!(lab.is_good(&lab.refresh(TOKEN, &session).await.1).await);
        let kick = json!({ "connector": "corp", "user": "zhangsan" });
        lab.call(TOKEN, "POST", "/v1/sessions/kick", Some(kick)).await;
        assert!(!lab.is_good(&session).await);
    }
}
