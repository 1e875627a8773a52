use serde_json::json;

use super::super::trial::{Fixed, added, form, request, scheme, sign};
use super::*;
use crate::context::{Context, User};
use crate::request::RequestPlan;

fn body(kind: &str, text: &str) -> RequestPlan {
    request(&json!({ "url": "https://h/", "body": { kind: text } }))
}

const KEY: &str = "192006250b4c09247ec02edce69f6a2d";

fn signed(auth: &str, plan: &RequestPlan, context: &Context) -> Result<String, SignError> {
    let scheme = scheme(auth, plan).unwrap();
    sign(scheme.as_ref(), plan, context, &Fixed::at(0)).map(|(_, signature)| added(&signature, "sign"))
}

/// https://pay.weixin.qq.com/wiki/doc/api/jsapi.php?chapter=4_3: unsorted and in three bodies, always the same signature.
#[test]
fn wechats_published_example() {
    let fields = [
        ("nonce_str", "ibuaiVcKdpRxkhJA"),
        ("body", "test"),
        ("device_info", "1000"),
        ("appid", "wxd930ea5d5a258f4f"),
        ("empty", ""),
        ("mch_id", "10000100"),
    ];
    let elements: Vec<String> = fields.iter().map(|(name, value)| format!("<{name}>{value}</{name}>")).collect();
    let members: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    let (xml, members) = (format!("<xml>{}</xml>", elements.join("\n")), format!("{{{}}}", members.join(",")));
    let query: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = format!("https://h/p?{}", query.join("&"));
    for (place, plan) in [
        ("form", form("POST", "https://h/p", &fields)),
        ("xml", request(&json!({ "url": "https://h/p", "body": { "xml": xml } }))),
        ("json", request(&json!({ "url": "https://h/p", "body": { "json": members } }))),
        ("query", form("GET", &query, &[])),
    ] {
        for (algorithm, wanted) in [
            ("md5", "9A0A8659F005D6984697E2CA0A9CF3B7"),
            ("hmac_sha256", "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6"),
        ] {
            let auth = format!("sorted_sign: {{ algorithm: {algorithm}, key: {KEY}, into: {{ {place}: sign }} }}");
            assert_eq!(signed(&auth, &plan, &Context::default()).unwrap(), wanted, "{place} {algorithm}");
        }
    }
}

/// By openssl dgst -sha256 -sign.
#[test]
fn alipays_rsa2_signs_without_the_key_in_the_text() {
    let pem = include_str!("rsa-of-tests.pem");
    let bare: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let plan = form("POST", "https://h/p?z=2", &[("app_id", "1"), ("biz", "")]);
    for key in [pem.replace('\n', "\\n"), bare] {
        let auth = format!("sorted_sign: {{ algorithm: rsa_sha256, key: \"{key}\", into: {{ form: sign }} }}");
        assert_eq!(
            signed(&auth, &plan, &Context::default()).unwrap(),
            "MDPGmopZWdviBws4wRo/Hku2GQklTm7LwlujJTJN1ApxIwFqgkGuR0HazV+gOcuBjOTp5rOSVxgdL2gxORa9q1in3cAXDIr+ELMCs1OQPN9C4tCiiUXboh6OVKgHNtjsAijTXExCKGIT5iC8awasVSY0cCyMK7iSE90z68jimdGt1un+yEVOGXku7Jh2EGw3qx1HUgGUiHMR60XWbSlJHKfmA9+IJm1ZKLfFB0qA+HPSinYFjBI/meyE3djZ4VB/cgwh+nA61A154oeSRX4jM+o/7GGjnNDR269jCgK1IJwM5YR5w74i3ONSTs0BYIwDczmuDQrT3FiFEqHbEQZuOA=="
        );
    }
    let auth = "sorted_sign: { algorithm: rsa_sha256, key: 's3cret', into: { form: sign } }";
    let error = signed(auth, &plan, &Context::default()).unwrap_err();
    assert!(error.to_string().contains("PEM") && !error.to_string().contains("s3cret"), "{error}");
}

/// That the signature is one is OpenSSL's word, too: `openssl dgst -sm3 -verify`.
#[test]
fn sm2_signs_with_sm3_in_both_forms() {
    const KEY: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
    const PUBLIC: &str = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
    let plan = form("POST", "https://h/p?z=2", &[("app_id", "1"), ("biz", "")]);
    let point = crate::crypto::sm2::point(PUBLIC).unwrap();
    for algorithm in ["sm2_sm3", "sm2_sm3_plain"] {
        let auth = format!("sorted_sign: {{ algorithm: {algorithm}, key: {KEY}, into: {{ form: sign }} }}");
        let signature = signed(&auth, &plan, &Context::default()).unwrap();
        let bytes = crate::crypto::encoding::base64_decode(&signature).unwrap();
        assert!(
            crate::crypto::sm2::verify(&point, crate::crypto::sm2::USUAL_ID, b"app_id=1&z=2", &bytes),
            "{algorithm}"
        );
        assert_eq!(bytes.len() == 64, algorithm == "sm2_sm3_plain");
    }
    let auth = "sorted_sign: { algorithm: sm2_sm3, key: 's3cret', into: { form: sign } }";
    let error = signed(auth, &plan, &Context::default()).unwrap_err();
    assert!(error.to_string().contains("SM2 private key") && !error.to_string().contains("s3cret"), "{error}");
}

fn text(options: &str, plan: &RequestPlan) -> Vec<u8> {
    // A plan's own text, by a hash of which all is known.
    let auth = format!("sorted_sign: {{ algorithm: sha1, key: K, case: lower, {options} into: {{ header: sign }} }}");
    signed(&auth, plan, &Context::default()).unwrap().into_bytes()
}

fn sha1(text: &str) -> Vec<u8> {
    crate::crypto::encoding::hex_encode(&crate::crypto::digest::digest(Algorithm::Sha1, text.as_bytes())).into_bytes()
}

#[test]
fn the_text_is_laid_out_as_the_file_says() {
    let plan = form("POST", "https://h/p?q=a%20b&B=1", &[("b", "x+y=&"), ("a", "中"), ("e", "")]);
    for (options, wanted) in [
        ("", "B=1&a=中&b=x+y=&&q=a b&key=K"),
        ("skip_empty: false,", "B=1&a=中&b=x+y=&&e=&q=a b&key=K"),
        ("key_place: end,", "B=1&a=中&b=x+y=&&q=a bK"),
        ("key_place: around, separator: '', assign: '',", "KB1a中bx+y=&qa bK"),
        ("key_name: secret, except: [ b, q ],", "B=1&a=中&secret=K"),
        ("except: [ b ], also: { appid: '7', time: '8' },", "B=1&a=中&appid=7&q=a b&time=8&key=K"),
    ] {
        assert_eq!(text(options, &plan), sha1(wanted), "{options}");
    }
    let nested = body("json", r#"{"n":1.50,"t":true,"z":null,"l":[{"a":"é/"}]}"#);
    assert_eq!(text("", &nested), sha1(r#"l=[{"a":"é/"}]&n=1.50&t=true&key=K"#));
    let xml = body("xml", "<xml><a> x &amp;<![CDATA[<]]>&#x4e2d; </a><b/></xml>");
    assert_eq!(text("", &xml), sha1("a= x &<中 &key=K"));
}

#[test]
fn two_fields_of_one_name_are_not_signed() {
    let plan = form("POST", "https://h/p?a=1", &[("a", "s3cret")]);
    let error = signed("sorted_sign: { algorithm: md5, key: K, into: { form: sign } }", &plan, &Context::default());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("`a` is there twice") && !error.contains("s3cret"), "{error}");
}

#[test]
fn what_a_user_types_is_signed_decoded_and_once() {
    let plan = form("POST", "https://h/p", &[("u", "{{user.username}}")]);
    let user = User { username: "a&key=x+%26".to_owned(), ..User::default() };
    let context = Context { user, ..Context::default() };
    let auth = "sorted_sign: { algorithm: sha1, key: K, case: lower, into: { form: sign } }";
    assert_eq!(signed(auth, &plan, &context).unwrap().into_bytes(), sha1("u=a&key=x+%26&key=K"));
}

#[test]
fn mistakes_are_told_at_load() {
    let plan = form("POST", "https://h/p", &[("a", "1"), ("sign", "x")]);
    for (options, code) in [
        ("algorithm: md5, key: K, into: { form: sign }", "auth-target"),
        ("algorithm: md5, key: K, key_place: none, into: { header: s }", "auth-key"),
        ("algorithm: rsa_sha256, key: K, key_place: end, into: { header: s }", "auth-key"),
        ("algorithm: rsa_sha256, key: '{{user.userPassword}}', into: { header: s }", "auth-of-user"),
    ] {
        let found = scheme(&format!("sorted_sign: {{ {options} }}"), &plan).err().unwrap();
        assert_eq!(found, [code], "{options}");
    }
    let text = body("text", "a=1");
    let found = scheme("sorted_sign: { algorithm: md5, key: K, into: { header: s } }", &text).err().unwrap();
    assert_eq!(found, ["auth-body"]);
}
