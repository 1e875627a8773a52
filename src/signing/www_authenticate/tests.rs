//! Lists as servers write them, and what is no list.

use http::HeaderValue;

use super::*;

fn read(fields: &[&str]) -> Challenges {
    let mut headers = HeaderMap::new();
    for field in fields {
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_bytes(field.as_bytes()).unwrap());
    }
    challenges(&headers)
}

fn shown(fields: &[&str]) -> Vec<String> {
    let found = read(fields);
    assert_eq!(found.malformed, None, "{fields:?}");
    let parameter = |it: &Parameter| format!("{}={}", it.name, String::from_utf8_lossy(&it.value));
    let challenge = |it: &Challenge| {
        let parameters = it.parameters.iter().map(parameter).collect::<Vec<_>>().join(";");
        format!("{} {}{parameters}", it.scheme, it.token.as_deref().unwrap_or_default())
    };
    found.all.iter().map(challenge).collect()
}

#[test]
fn lists_as_servers_write_them() {
    assert_eq!(shown(&[r#"Basic realm="simple""#]), ["Basic realm=simple"]);
    assert_eq!(
        shown(&[r#"Newauth realm="apps", type=1, title="Login to \"apps\"", Basic realm="simple""#]),
        [r#"Newauth realm=apps;type=1;title=Login to "apps""#, "Basic realm=simple"]
    );
    assert_eq!(
        shown(&["Negotiate, NTLM", "Digest realm = \"a,b\" ,nonce=x,"]),
        ["Negotiate ", "NTLM ", "Digest realm=a,b;nonce=x"]
    );
    assert_eq!(
        shown(&["NTLM TlRMTVNT/+AC==, Digest  realm=\"统一\", Qop=\"\""]),
        ["NTLM TlRMTVNT/+AC==", "Digest realm=统一;qop="]
    );
    assert_eq!(
        shown(&["Digest realm, Digest realm="]),
        ["Digest realm", "Digest realm="],
        "tokens instead of parameters"
    );
    assert_eq!(shown(&["Negotiate YII=", ", ,Digest nonce=\"\\\\\""]), ["Negotiate YII=", "Digest nonce=\\"]);
    assert!(shown(&[]).is_empty());
}

#[test]
fn what_is_none_is_malformed_and_costs_no_other_field() {
    for field in [
        "realm=\"a\"",
        "Digest realm=\"a",
        "Digest realm=\"a\\",
        "Digest realm=\"a\" nonce=\"b\"",
        "Digest realm=\"a\"x",
        "Digest =x",
        "Digest realm=\"a\",=",
        "(Digest)",
        "Digest realm=\"a\", nonce=\u{e4}",
        "Digest a b",
    ] {
        let found = read(&[field, "Basic realm=x"]);
        assert_eq!(found.malformed, Some(Malformed::Syntax), "{field}");
        assert_eq!(found.all.last().unwrap().scheme, "Basic", "{field}");
    }
    assert_eq!(read(&["Digest nonce=a, NONCE=b"]).malformed, Some(Malformed::Twice));
}

#[test]
fn it_is_bounded() {
    assert_eq!(read(&[&format!("Digest nonce=\"{}\"", "a".repeat(MAX_BYTES))]).malformed, Some(Malformed::TooLong));
    assert_eq!(read(&["Basic"; MAX_FIELDS + 1]).malformed, Some(Malformed::TooLong));
    assert_eq!(read(&[&"a,".repeat(MAX_PARTS + 1)]).malformed, Some(Malformed::TooLong));
    assert_eq!(read(&["Basic"; MAX_FIELDS]).malformed, None);
}

/// What the parser of the crate http-auth reads, this one reads alike. It has no bytes above ASCII and no token68.
#[test]
fn another_parser_agrees() {
    for field in [
        r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9X", opaque="FQhe""#,
        r#"Digest realm="a\"b\\c",nonce="", stale=TRUE , Basic realm = "x", Negotiate"#,
        "A,B,C d=e,f=g",
        "Bearer",
        r#"Bearer realm="x", error="invalid_token", error_description="a, b""#,
    ] {
        let theirs: Vec<Challenge> = http_auth::parse_challenges(field)
            .unwrap()
            .iter()
            .map(|it| Challenge {
                scheme: it.scheme.to_owned(),
                token: None,
                parameters: it
                    .params
                    .iter()
                    .map(|(name, value)| Parameter {
                        name: name.to_ascii_lowercase(),
                        value: value.to_unescaped().into_bytes(),
                    })
                    .collect(),
            })
            .collect();
        assert_eq!(read(&[field]).all, theirs, "{field}");
    }
}

/// What is no registered name may repeat what was sent.
#[test]
fn a_message_names_registered_schemes_only() {
    assert_eq!(
        read(&["basic realm=x", "NTLM+hunter2", "NTLM, x-own, BASIC realm=y"]).schemes(),
        ["Basic", "a scheme that is not registered", "NTLM"]
    );
}
