use serde_json::json;

use super::super::trial::{Fixed, added, form, request, scheme, sign};
use crate::context::{Context, User};
use crate::request::RequestPlan;
use crate::signing::SignError;

fn signed(auth: &str, plan: &RequestPlan, context: &Context) -> Result<String, SignError> {
    let scheme = scheme(auth, plan).unwrap();
    sign(scheme.as_ref(), plan, context, &Fixed::at(0)).map(|(_, signature)| added(&signature, "x-sign"))
}

/// RFC 4231 case 2, RFC 2202 cases 2, and the digests of `abc`.
#[test]
fn vectors_of_the_standards() {
    let plan = form("GET", "https://h/", &[]);
    for (algorithm, text, wanted) in [
        (
            "sha256, key: Jefe",
            "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        ("sha1, key: Jefe", "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        ("md5, key: Jefe", "what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"),
        ("md5, key: Jefe, output: base64", "what do ya want for nothing?", "dQx4PmqwtQPqqG4xCl23OA=="),
        ("hash_md5, output: hex_upper", "abc", "900150983CD24FB0D6963F7D28E17F72"),
        ("hash_sm3", "abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
    ] {
        let auth = format!("hmac: {{ algorithm: {algorithm}, canonical: '{text}', into: {{ header: X-Sign }} }}");
        assert_eq!(signed(&auth, &plan, &Context::default()).unwrap(), wanted, "{algorithm}");
    }
}

#[test]
fn the_text_has_the_request_as_it_is_sent() {
    let user = User { username: "a\"中".to_owned(), ..User::default() };
    let context = Context { user, ..Context::default() };
    let url = "https://h:8443/a%20b/{{user.username}}?b=%41&a={{user.username}}";
    let plan = request(&json!({ "url": url, "body": { "json": r#"{"u":"{{user.username}}"}"# } }));
    for (part, wanted) in [
        ("method", "POST"),
        ("host", "h:8443"),
        ("path", "/a%20b/a%22%E4%B8%AD"),
        ("query", "b=%41&a=a%22%E4%B8%AD"),
        ("sorted_query", "a=a%22%E4%B8%AD&b=%41"),
        ("body", r#"{"u":"a\"中"}"#),
        ("headers.content-type", "application/json"),
    ] {
        // The text itself is what `hash_…` of it is compared by.
        let of = |canonical: &str| {
            let auth =
                format!("hmac: {{ algorithm: hash_sha256, canonical: '{canonical}', into: {{ header: X-Sign }} }}");
            signed(&auth, &plan, &context).unwrap()
        };
        assert_eq!(of(&format!("{{{{request.{part}}}}}")), of(wanted), "{part}");
    }
}

#[test]
fn a_value_writes_what_is_beside_the_signature() {
    let plan = form("POST", "https://h/", &[("a", "1")]);
    let auth =
        "hmac: { algorithm: hash_md5, canonical: abc, value: 'App 7:{{request.signature}}', into: { form: x-sign } }";
    assert_eq!(signed(auth, &plan, &Context::default()).unwrap(), "App 7:900150983cd24fb0d6963f7d28e17f72");
    let auth = "hmac: { algorithm: hash_md5, canonical: abc, value: '{{user.username}} {{request.signature}}', into: { header: X-Sign } }";
    let user = User { username: "a\r\nX: y".to_owned(), ..User::default() };
    let error = signed(auth, &plan, &Context { user, ..Context::default() }).unwrap_err();
    assert!(matches!(error, SignError::Render(crate::template::RenderError::FromUser { .. })), "{error}");
}

#[test]
fn mistakes_are_told_at_load() {
    let plan = form("POST", "https://h/", &[("a", "1")]);
    for (options, code) in [
        ("algorithm: md5, canonical: x", "auth-key"),
        ("algorithm: hash_md5, key: k, canonical: x", "auth-key"),
        ("algorithm: md5, key: k, canonical: '{{request.headers.x-time}}'", "auth-canonical"),
        ("algorithm: md5, key: k, canonical: '{{request.signature}}'", "auth-canonical"),
        ("algorithm: md5, key: k, canonical: x, value: plain", "auth-value"),
        ("algorithm: md5, key: k, canonical: x, value: '{{request.body}}{{request.signature}}'", "auth-value"),
    ] {
        let found = scheme(&format!("hmac: {{ {options}, into: {{ header: X-Sign }} }}"), &plan).err().unwrap();
        assert_eq!(found, [code], "{options}");
    }
}
