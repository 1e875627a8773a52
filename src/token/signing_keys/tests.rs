use super::*;
use crate::clock::System;
use crate::document::{Number, from_json};
use crate::token::NewKey;

const NOW: u64 = 1_767_323_045_000;

fn drawn(algorithm: KeyAlgorithm) -> String {
    NewKey::draw(algorithm, &System).unwrap().pem.to_string()
}

fn written(pem: &str, key_use: KeyUse) -> WrittenKey {
    WrittenKey { pem: Secret::new(pem.to_owned()), key_use, until_ms: None }
}

fn claims(end_s: u64) -> Value {
    let number = |seconds: u64| Value::Number(Number::from(seconds));
    let claims = [("sub", Value::from("zhangsan")), ("iat", number(NOW / 1000)), ("exp", number(end_s))];
    Value::Object(claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The set, read as a verifier elsewhere reads it.
fn published(keys: &SigningKeys, now_ms: u64) -> Vec<Value> {
    let Some(Value::Array(keys)) = from_json(keys.jwks(now_ms).as_bytes()).unwrap().get("keys").cloned() else {
        panic!("no set")
    };
    keys
}

#[test]
fn a_token_verifies_by_the_published_key_alone() {
    for algorithm in KeyAlgorithm::ALL {
        let keys = SigningKeys::read(&[written(&drawn(*algorithm), KeyUse::Sign)]).unwrap();
        let text = keys.sign(*algorithm, "at+jwt", &claims(NOW / 1000 + 300)).unwrap();
        let set = published(&keys, NOW);
        let token = Token::parse(&text).unwrap();
        let key = VerifyingKey::of_jwk(&set[0]).unwrap();
        assert!(token.is_signed_by(jws(*algorithm), &key), "{algorithm}");
        assert_eq!(set[0].get("kid"), token.header.get("kid"));
        assert_eq!(set[0].get("alg"), Some(&Value::from(algorithm.as_str())));
        for private in ["d", "p", "q", "dp", "dq", "qi"] {
            assert_eq!(set[0].get(private), None, "{algorithm}: {private} is private");
        }
        assert_eq!(keys.verify("at+jwt", &text, NOW).unwrap().get("sub"), Some(&Value::from("zhangsan")));
    }
}

/// RFC 7638 section 3.1.
#[test]
fn the_name_of_a_key_is_its_thumbprint() {
    let members = from_json(
        br#"{"e":"AQAB","kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}"#,
    );
    let Value::Object(members) = members.unwrap() else { panic!("no object") };
    assert_eq!(thumbprint(&members), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn a_token_verifies_through_a_whole_exchange_of_keys() {
    let (first, second) = (drawn(KeyAlgorithm::Es256), drawn(KeyAlgorithm::Es256));
    let of = |first: KeyUse, second: KeyUse, texts: [&str; 2]| {
        SigningKeys::read(&[written(texts[0], first), written(texts[1], second)]).unwrap()
    };
    let texts = [first.as_str(), second.as_str()];
    let steps = [of(KeyUse::Sign, KeyUse::Next, texts), of(KeyUse::Old, KeyUse::Sign, texts)];
    for (at, signer) in steps.iter().enumerate() {
        let text = signer.sign(KeyAlgorithm::Es256, "at+jwt", &claims(NOW / 1000 + 300)).unwrap();
        for verifier in &steps {
            assert!(verifier.verify("at+jwt", &text, NOW).is_ok(), "signed in step {at}");
            assert_eq!(published(verifier, NOW).len(), 2);
        }
    }
    assert_ne!(steps[0].signing_kid(KeyAlgorithm::Es256), steps[1].signing_kid(KeyAlgorithm::Es256));
}

#[test]
fn an_old_key_is_gone_at_its_end() {
    let (old, new) = (drawn(KeyAlgorithm::Es256), drawn(KeyAlgorithm::Es256));
    let before = SigningKeys::read(&[written(&old, KeyUse::Sign)]).unwrap();
    let text = before.sign(KeyAlgorithm::Es256, "at+jwt", &claims(NOW / 1000 + 9000)).unwrap();
    let retired = WrittenKey { until_ms: Some(NOW + 1), ..written(&old, KeyUse::Old) };
    let keys = SigningKeys::read(&[retired, written(&new, KeyUse::Sign)]).unwrap();
    assert!(keys.verify("at+jwt", &text, NOW).is_ok());
    assert_eq!(keys.verify("at+jwt", &text, NOW + 1), Err(TokenError::Foreign));
    assert_eq!(published(&keys, NOW + 1).len(), 1);
}

#[test]
fn no_other_kind_of_token_and_no_other_signature_is_taken() {
    let pem = drawn(KeyAlgorithm::Es256);
    let keys = SigningKeys::read(&[written(&pem, KeyUse::Sign)]).unwrap();
    let kid = keys.signing_kid(KeyAlgorithm::Es256).unwrap().to_owned();
    let good = keys.sign(KeyAlgorithm::Es256, "at+jwt", &claims(NOW / 1000 + 300)).unwrap();
    assert_eq!(keys.verify("logout+jwt", &good, NOW), Err(TokenError::Foreign), "typ is compared");
    assert_eq!(keys.verify("at+jwt", &good, NOW + 300_000), Err(TokenError::Ended));
    assert_eq!(keys.verify("at+jwt", &good, NOW - 60_000), Err(TokenError::NotYet));
    let end = good.rfind('.').unwrap();
    assert_eq!(keys.verify("at+jwt", &format!("{}.", &good[..end]), NOW), Err(TokenError::Foreign), "no signature");
    let header =
        Object::from_iter([("typ".to_owned(), Value::from("at+jwt")), ("kid".to_owned(), Value::from(kid.as_str()))]);
    // The public key as the secret of an HMAC, and a key of somebody else under our key's name.
    let public = to_json(&published(&keys, NOW)[0]);
    let secret = SigningKey::read(Algorithm::Hs256, &public).unwrap();
    let stranger = SigningKey::read(Algorithm::Es256, &drawn(KeyAlgorithm::Es256)).unwrap();
    for (algorithm, alg, key) in [
        (Algorithm::Hs256, "HS256", &secret),
        (Algorithm::Hs256, "ES256", &secret),
        (Algorithm::Es256, "ES256", &stranger),
    ] {
        let forged = jwt::sign(algorithm, alg, key, &header, &claims(NOW / 1000 + 300)).unwrap();
        assert_eq!(keys.verify("at+jwt", &forged, NOW), Err(TokenError::Foreign), "{alg}");
    }
}

#[test]
fn a_token_without_times_is_none() {
    let keys = SigningKeys::read(&[written(&drawn(KeyAlgorithm::Es256), KeyUse::Sign)]).unwrap();
    for claims in [&b"{}"[..], br#"{"iat":1,"exp":"9999999999"}"#, br#"{"iat":1}"#, br#"{"exp":9999999999}"#] {
        let text = keys.sign(KeyAlgorithm::Es256, "at+jwt", &from_json(claims).unwrap()).unwrap();
        assert_eq!(keys.verify("at+jwt", &text, NOW), Err(TokenError::Foreign));
    }
}

#[test]
fn lists_of_keys_that_cannot_be_meant_are_refused() {
    let (one, other) = (drawn(KeyAlgorithm::Es256), drawn(KeyAlgorithm::Es256));
    let of = |keys: &[WrittenKey]| SigningKeys::read(keys).map(|_| ()).unwrap_err();
    assert_eq!(of(&[]), SigningKeyError::NoneSigns);
    assert_eq!(of(&[written(&one, KeyUse::Next)]), SigningKeyError::NoneSigns);
    assert_eq!(of(&[written(&one, KeyUse::Sign), written(&one, KeyUse::Old)]), SigningKeyError::Twice { at: 1 });
    let two = SigningKeyError::TwoSign { at: 1, algorithm: KeyAlgorithm::Es256 };
    assert_eq!(of(&[written(&one, KeyUse::Sign), written(&other, KeyUse::Sign)]), two);
    let until = WrittenKey { until_ms: Some(NOW), ..written(&one, KeyUse::Sign) };
    assert_eq!(of(&[until]), SigningKeyError::UntilOfAnother { at: 0 });
    for pem in ["", "x", include_str!("../../crypto/jws/ed25519-of-tests.pem")] {
        assert_eq!(of(&[written(pem, KeyUse::Sign)]), SigningKeyError::NoKey { at: 0 });
    }
}
