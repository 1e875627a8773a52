use super::*;
use crate::crypto::jws::SigningKey;
use crate::crypto::jwt::sign;
use crate::document::{Object, from_json};

const PRIVATE: &str = include_str!("../../crypto/jws/ed25519-of-tests.pem");
const PUBLIC: &str = include_str!("../../crypto/jws/ed25519-public-of-tests.pem");
const NOW: u64 = 1_767_323_045;

fn rules() -> TokenRules {
    TokenRules {
        algorithms: vec![AllowedAlgorithm { alg: "EdDSA".to_owned(), algorithm: Algorithm::EdDsa }],
        issuer: Some("https://4a".to_owned()),
        audience: vec!["doorward".to_owned(), "portal".to_owned()],
        leeway: 60.0,
    }
}

fn token(claims: &str, kid: Option<&str>) -> String {
    let key = SigningKey::read(Algorithm::EdDsa, PRIVATE).unwrap();
    let header: Object = kid.into_iter().map(|kid| ("kid".to_owned(), kid.into())).collect();
    sign(Algorithm::EdDsa, "EdDSA", &key, &header, &from_json(claims.as_bytes()).unwrap()).unwrap()
}

fn verified(rules: &TokenRules, claims: &str) -> Result<Value, TokenError> {
    let text = token(claims, None);
    let key = VerifyingKey::read(Algorithm::EdDsa, PUBLIC).unwrap();
    rules.verify(&Token::parse(&text).unwrap(), Keys::One(&key), NOW)
}

/// The claims of a good token with these in their place.
fn with(changed: &[(&str, &str)]) -> String {
    let mut claims = vec![
        ("iss", "\"https://4a\""),
        ("aud", "\"doorward\""),
        ("sub", "\"zhangsan\""),
        ("iat", "1767323045"),
        ("exp", "1767323345"),
    ];
    for (name, value) in changed {
        claims.retain(|(known, _)| known != name);
        claims.extend((!value.is_empty()).then_some((*name, *value)));
    }
    let members: Vec<String> = claims.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn a_token_is_believed_when_all_is_right() {
    for changed in [
        &[][..],
        &[("aud", "[\"x\",\"portal\"]")],
        &[("exp", "1767322986")],
        &[("exp", "1767323046.5"), ("nbf", "1767323104")],
        &[("iat", "")],
    ] {
        let claims = verified(&rules(), &with(changed)).unwrap();
        assert_eq!(claims.get("sub"), Some(&"zhangsan".into()), "{changed:?}");
    }
}

#[test]
fn each_claim_that_is_wrong_is_told() {
    for (changed, wanted) in [
        ([("exp", "")], TokenError::NoExpiry),
        ([("exp", "\"1767323345\"")], TokenError::NoTime),
        ([("exp", "null")], TokenError::NoTime),
        ([("exp", "1e400")], TokenError::NoTime),
        ([("exp", "1767322985")], TokenError::Expired),
        ([("exp", "0")], TokenError::Expired),
        ([("exp", "-1")], TokenError::Expired),
        ([("nbf", "1767323106")], TokenError::NotYet),
        ([("iat", "1767323106")], TokenError::NotYet),
        ([("iss", "\"https://4b\"")], TokenError::Issuer),
        ([("iss", "")], TokenError::Issuer),
        ([("iss", "[\"https://4a\"]")], TokenError::Issuer),
        ([("aud", "")], TokenError::Audience),
        ([("aud", "\"doorwarD\"")], TokenError::Audience),
        ([("aud", "[]")], TokenError::Audience),
        ([("aud", "{\"doorward\":1}")], TokenError::Audience),
    ] {
        assert_eq!(verified(&rules(), &with(&changed)).unwrap_err(), wanted, "{changed:?}");
    }
}

#[test]
fn the_key_is_the_one_that_the_token_names() {
    let own = VerifyingKey::read(Algorithm::EdDsa, PUBLIC).unwrap();
    let VerifyingKey::Ed25519(own) = own else { panic!() };
    let x = crate::crypto::encoding::base64url_encode(&own);
    let rfc = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let jwk = |kid: &str, x: &str| format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","kid":"{kid}"}}"#);
    let set =
        |keys: &[String]| super::super::jwks::read(format!("{{\"keys\":[{}]}}", keys.join(",")).as_bytes()).unwrap();
    let both = set(&[jwk("other", rfc), jwk("own", &x)]);
    let of = |keys: &[Jwk], kid: Option<&str>| {
        let text = token(&with(&[]), kid);
        rules().verify(&Token::parse(&text).unwrap(), Keys::Set(keys), NOW).map(|_| ())
    };
    assert_eq!(of(&both, Some("own")), Ok(()));
    assert_eq!(of(&both, None), Ok(()), "every key is tried for a token that names none");
    assert_eq!(of(&both, Some("other")), Err(TokenError::Signature));
    assert_eq!(of(&both, Some("third")), Err(TokenError::UnknownKey));
    assert_eq!(of(&[], None), Err(TokenError::UnknownKey));
    let p256 = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","kid":"own"}"#;
    assert_eq!(of(&set(&[p256.to_owned()]), Some("own")), Err(TokenError::NoKey));
    // Two keys of one name, while a server changes them.
    assert_eq!(of(&set(&[jwk("own", rfc), jwk("own", &x)]), Some("own")), Ok(()));
    let many: Vec<String> = std::iter::repeat_n(jwk("own", rfc), MAX_TRIED).chain([jwk("own", &x)]).collect();
    assert_eq!(of(&set(&many), Some("own")), Err(TokenError::Signature), "not endlessly");
}

#[test]
fn an_algorithm_that_is_not_named_is_refused() {
    let text = token(&with(&[]), None);
    let key = VerifyingKey::read(Algorithm::EdDsa, PUBLIC).unwrap();
    let rs256 = vec![AllowedAlgorithm { alg: "RS256".to_owned(), algorithm: Algorithm::Rs256 }];
    let rules = TokenRules { algorithms: rs256, ..rules() };
    assert_eq!(rules.verify(&Token::parse(&text).unwrap(), Keys::One(&key), NOW), Err(TokenError::Algorithm));
}

#[test]
fn sm2_has_the_name_that_the_file_gives_it() {
    let key = SigningKey::read(Algorithm::Sm2, include_str!("../../crypto/jws/sm2-of-tests.pem")).unwrap();
    let claims = from_json(with(&[]).as_bytes()).unwrap();
    let text = sign(Algorithm::Sm2, "SM3withSM2", &key, &Object::new(), &claims).unwrap();
    let public = VerifyingKey::read(Algorithm::Sm2, include_str!("../../crypto/jws/sm2-public-of-tests.pem")).unwrap();
    let of = |alg: &str| {
        let algorithms = vec![AllowedAlgorithm { alg: alg.to_owned(), algorithm: Algorithm::Sm2 }];
        let rules = TokenRules { algorithms, ..rules() };
        rules.verify(&Token::parse(&text).unwrap(), Keys::One(&public), NOW).map(|_| ())
    };
    assert_eq!(of("SM3withSM2"), Ok(()));
    assert_eq!(of("SM2"), Err(TokenError::Algorithm));
}

#[test]
fn a_reply_without_the_token_has_none() {
    for (document, wanted) in [
        (r#"{"data":{"token":"x.y.z"}}"#, Some(Ok("x.y.z"))),
        (r#"{"data":{"token":null}}"#, None),
        (r#"{"data":{"token":""}}"#, None),
        (r#"{"data":null}"#, None),
        ("{}", None),
        (r#"{"data":{"token":7}}"#, Some(Err(TokenError::NoText))),
    ] {
        assert_eq!(
            find_token(&Path::parse("data.token").unwrap(), &from_json(document.as_bytes()).unwrap()),
            wanted,
            "{document}"
        );
    }
}

#[test]
fn a_nonce_is_of_one_login() {
    for (claims, expected) in [
        (r#"{"nonce":"n-0S6_WzA2Mj"}"#, Ok(())),
        (r#"{"nonce":"n-0S6_WzA2Mk"}"#, Err(TokenError::Nonce)),
        (r#"{"nonce":""}"#, Err(TokenError::Nonce)),
        (r#"{"nonce":["n-0S6_WzA2Mj"]}"#, Err(TokenError::Nonce)),
        (r#"{"nonce":null}"#, Err(TokenError::Nonce)),
        ("{}", Err(TokenError::Nonce)),
    ] {
        assert_eq!(is_of_login(&from_json(claims.as_bytes()).unwrap(), b"n-0S6_WzA2Mj"), expected, "{claims}");
    }
}
