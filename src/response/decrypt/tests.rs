use super::*;
use crate::crypto::cipher::{Cipher, Mode, Padding};
use crate::crypto::encoding::{base64_encode, hex_encode};
use crate::template::{Language, Place, Template};

const KEY: &str = "0123456789abcdef";
const IV: &str = "fedcba9876543210";
const CBC: Algorithm = Algorithm { cipher: Cipher::Aes, mode: Mode::Cbc, padding: Padding::Pkcs7 };

fn text(text: &str) -> KeyText {
    let template = Template::parse(text, &Language::default()).unwrap();
    KeyText { line: template.compile(Place::Plain, Charset::UTF_8).unwrap(), written: BytesAs::Utf8 }
}

fn plan(field: Option<&str>) -> DecryptPlan {
    let field = field.map(|field| Path::parse(field).unwrap());
    DecryptPlan { algorithm: CBC, key: text(KEY), iv: IvPlan::Template(text(IV)), input: BytesAs::Base64, field }
}

fn sealed(plain: &str) -> Vec<u8> {
    CBC.encrypt(KEY.as_bytes(), IV.as_bytes(), plain.as_bytes()).unwrap()
}

fn open(plan: &DecryptPlan, body: &str) -> Result<String, DecryptError> {
    let keys = plan.keys(&Context::default()).unwrap();
    plan.open(&keys, body.as_bytes()).map(|body| String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn a_whole_body_is_decrypted_as_servers_write_it() {
    let plain = r#"{"code":200,"token":"a token that is long enough for more than one line of base64"}"#;
    let base64 = base64_encode(&sealed(plain));
    let lines = base64.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect::<Vec<_>>().join("\r\n");
    for body in [base64.clone(), format!(" {base64}\r\n"), format!("\"{base64}\""), lines] {
        assert_eq!(open(&plan(None), &body).as_deref(), Ok(plain), "{body}");
    }
    let hex = DecryptPlan { input: BytesAs::Hex, ..plan(None) };
    assert_eq!(open(&hex, &hex_encode(&sealed(plain)).to_uppercase()).as_deref(), Ok(plain));
    let in_front = DecryptPlan { iv: IvPlan::InFront, ..plan(None) };
    let body = base64_encode(&[IV.as_bytes(), &sealed(plain)].concat());
    assert_eq!(open(&in_front, &body).as_deref(), Ok(plain));
}

#[test]
fn a_field_takes_the_value_that_was_encrypted() {
    let at = |path: &str, plain: &str| {
        let body = format!(r#"{{"code":200,"data":["x",{{"d":"{}"}}]}}"#, base64_encode(&sealed(plain)));
        open(&plan(Some(path)), &body)
    };
    for (plain, value) in [
        (r#"{"token":"t","n":1.10}"#, r#"{"token":"t","n":1.10}"#),
        ("[1]", "[1]"),
        ("0012", r#""0012""#),
        ("true", r#""true""#),
        ("", r#""""#),
    ] {
        let wanted = format!(r#"{{"code":200,"data":["x",{{"d":{value}}}]}}"#);
        for path in ["data[1].d", "data[-1].d", "$['data'][1]['d']"] {
            assert_eq!(at(path, plain).as_deref(), Ok(wanted.as_str()), "{path}");
        }
    }
    // Text that should have been JSON is no text.
    for broken in ["{\"a\":1,\"a\":2}", " {\"a\"", "[1"] {
        assert_eq!(at("data[1].d", broken), Err(DecryptError::Unreadable("data[1].d".to_owned())), "{broken}");
    }
}

#[test]
fn a_reply_without_the_field_stays_as_it_is() {
    for body in [r#"{"code":500}"#, r#"{"code":500,"data":null}"#, r#"{"code":500,"data":""}"#] {
        assert_eq!(open(&plan(Some("data")), body).as_deref(), Ok(body));
    }
}

#[test]
fn the_iv_may_be_a_field() {
    let plan = DecryptPlan { iv: IvPlan::Field(Path::parse("iv").unwrap(), BytesAs::Hex), ..plan(Some("data")) };
    let body = |iv: &str| format!(r#"{{"iv":{iv},"data":"{}"}}"#, base64_encode(&sealed("{}")));
    let iv = format!("\"{}\"", hex_encode(IV.as_bytes()));
    assert_eq!(open(&plan, &body(&iv)).unwrap(), format!("{{\"iv\":{iv},\"data\":{{}}}}"));
    for (bad, why) in [
        ("null", "cannot be decrypted: there is no iv in field \"iv\""),
        ("\"zz\"", "cannot be decrypted: the iv is no hexadecimal"),
        ("\"00\"", "cannot be decrypted: the iv has 1 bytes; aes takes 16 with cbc"),
    ] {
        assert_eq!(open(&plan, &body(bad)).unwrap_err().to_string(), why);
    }
}

#[test]
fn what_does_not_decrypt_says_why_and_quotes_nothing() {
    let data = |value: &str| format!("{{\"data\":{value}}}");
    let other = CBC.encrypt(b"another key 1234", IV.as_bytes(), b"{\"token\":\"t\"}").unwrap();
    let table = [
        (Some("data"), data(&format!("\"{}\"", base64_encode(&other))), "the key or the iv is wrong"),
        (Some("data"), data("\"no base64!\""), "the ciphertext is no base64"),
        (Some("data"), data("\"QUJD\""), "no whole number of blocks of 16 bytes"),
        (Some("data"), data("{\"token\":\"t\"}"), "its field \"data\" is no text"),
        (Some("data"), data("7"), "its field \"data\" is no text"),
        (Some("data"), "<html>Sign in</html>".to_owned(), "it is no JSON, in which field \"data\" is encrypted"),
        (None, "<html>Sign in</html>".to_owned(), "the ciphertext is no base64"),
        (None, String::new(), "the key or the iv is wrong"),
        (None, base64_encode(&vec![0; (1 << 20) + 16]), "larger than the 1 MiB"),
    ];
    for (field, body, why) in table {
        let error = open(&plan(field), &body).unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
        assert!(!error.contains(KEY) && !error.contains("token") && !error.contains("Sign"), "{error}");
    }
}

#[test]
fn a_key_of_the_wrong_length_is_told_with_the_right_ones() {
    let plan = DecryptPlan { key: text("too short"), ..plan(None) };
    // Whatever came.
    let error = open(&plan, "<html>").unwrap_err();
    assert!(matches!(error, DecryptError::Key(_)), "{error:?}");
    assert_eq!(error.to_string(), "cannot be decrypted: the key has 9 bytes; aes takes 16, 24 or 32");
}
