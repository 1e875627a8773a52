//! Text that the file writes around holes is a syntax of its own: a reader that splits by it finds what the users typed.
//!
//! The readers are parsers of others (http-auth, serde_json) and plain splitting of bytes.

use doorward::request::RequestPlan;
use doorward::template::{Language, RenderError};
use http_auth::ParamValue;
use proptest::prelude::*;
use serde_json::json;

use super::{Received, compile, config, context, pairs, parts, plan, refused, send, typed};

/// Which parameters a server reads; `None` when it reads no challenge at all.
fn parameters(header: &[u8]) -> Option<Vec<(String, String)>> {
    let text = str::from_utf8(header).ok()?;
    let challenges = http_auth::parse_challenges(text).ok()?;
    let [one] = challenges.as_slice() else { return None };
    let pair = |(name, value): &(&str, ParamValue<'_>)| ((*name).to_owned(), value.to_unescaped());
    Some(one.params.iter().map(pair).collect())
}

fn with_header(value: &'static str) -> RequestPlan {
    plan(json!({ "headers": { "authorization": value } }))
}

fn check_digest(value: &'static str, user: &str, password: &str) -> bool {
    match send(&with_header(value), user, password) {
        Ok(received) => {
            let read = parameters(received.header("authorization"));
            let wanted = [("username", user), ("uri", "/login"), ("response", password)];
            let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(read.as_deref(), Some(wanted.as_slice()), "{value}");
            true
        }
        result => !refused(result, user),
    }
}

const RAW: &str = r#"Digest username="{{user.username}}", uri="/login", response="{{user.userPassword}}""#;
const QUOTED: [&str; 2] = [
    r#"Digest username={{user.username | quoted}}, uri="/login", response={{user.userPassword | quoted}}"#,
    r#"Digest username="{{user.username | quoted}}", uri="/login", response="{{ user.userPassword | quoted }}""#,
];

#[test]
fn a_name_adds_no_parameter() {
    for name in ["a\", uri=\"/x", "a\\", "a\"", "\\\", uri=\"/x"] {
        assert!(!check_digest(RAW, name, "p"), "{name} was sent");
        for value in QUOTED {
            assert!(check_digest(value, name, "p"), "{name} was refused");
        }
    }
    assert!(check_digest(RAW, "zhang.san-1@corp, x=y", "p w"));
}

/// What a reader of `Received` splits, when a value stands in one of the places.
fn value_of(place: usize, received: &Received) -> Vec<u8> {
    match place {
        0 => received.header("x-login").to_vec(),
        2 => received.segments[1].clone(),
        3 => received.cookies()[0].1.as_bytes().to_vec(),
        4 | 5 => serde_json::from_slice::<serde_json::Value>(&received.body).unwrap()["v"].as_str().unwrap().into(),
        6 => pairs(&received.body)[0].1.clone(),
        7 => parts(received)[0].1.clone(),
        8 => super::elements(str::from_utf8(&received.body).unwrap())[0].1.clone().into_bytes(),
        9 => received.body.clone(),
        _ => received.query[0].1.clone(),
    }
}

const PLACES: usize = 11;

/// A request with `text` as one value in that place.
fn request(place: usize, text: &str) -> Result<RequestPlan, String> {
    let keys = match place {
        0 => json!({ "headers": { "x-login": text } }),
        1 => json!({ "query": { "v": text } }),
        2 => json!({ "url": format!("https://4a.example.com/u/{}", text.replace('%', "%25")) }),
        3 => json!({ "cookies": { "v": text } }),
        4 => json!({ "body": { "json": { "v": text } } }),
        5 => json!({ "body": { "json": format!("{{\"v\":\"{text}\"}}") } }),
        6 => json!({ "body": { "form": { "v": text } } }),
        7 => json!({ "body": { "multipart": { "v": text } } }),
        8 => json!({ "body": { "xml": format!("<v>{text}</v>") } }),
        9 => json!({ "body": { "text": text } }),
        _ => json!({ "url": format!("https://4a.example.com/u?v={text}") }),
    };
    compile(keys, &Language::default()).map_err(|mistakes| format!("{mistakes:?}"))
}

fn check_split(place: usize, separator: &str, user: &str, password: &str) {
    let text = format!("{{{{user.username}}}}{separator}{{{{user.userPassword}}}}");
    // A separator that the place cannot hold does not load.
    let Ok(plan) = request(place, &text) else { return };
    match send(&plan, user, password) {
        Ok(received) => {
            let value = value_of(place, &received);
            let at = value.windows(separator.len()).position(|window| window == separator.as_bytes()).expect("one");
            assert_eq!(&value[..at], user.as_bytes(), "{place} {separator}");
            assert_eq!(&value[at + separator.len()..], password.as_bytes(), "{place} {separator}");
        }
        result => assert!(refused(result, user)),
    }
}

#[test]
fn every_place_refuses_its_separators() {
    for place in 0..PLACES {
        for separator in [":", "|", "@", ".", "-", "x"] {
            let text = format!("{{{{user.username}}}}{separator}{{{{user.userPassword}}}}");
            let Ok(plan) = request(place, &text) else { continue };
            for (user, password) in [(format!("a{separator}b"), "p".to_owned()), ("a".into(), format!("p{separator}"))]
            {
                assert!(refused(send(&plan, &user, &password), &user), "{place} {separator}");
            }
            send(&plan, "al", "p,w").or_else(|_| send(&plan, "al", "pw")).expect("a harmless name");
        }
    }
}

#[test]
fn what_fills_a_place_alone_is_free() {
    let bad = "a:b|c\"d\\e,f=g h;i";
    for place in (0..PLACES).filter(|place| *place != 3) {
        let plan = request(place, "{{user.username}}").unwrap();
        let received = send(&plan, bad, "p").unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(value_of(place, &received), bad.as_bytes(), "{place}");
    }
}

#[test]
fn a_name_of_the_file_is_blamed_on_the_file() {
    let plan = with_header("Login user=\"{{secret.k}}\", mode=\"a\"");
    let mut context = context("u", "p");
    context.secrets = std::sync::Arc::new([("k".to_owned(), "a\"b".into())].into());
    assert!(matches!(plan.render(&context, None), Err(RenderError::Unfit { .. })));
}

/// `text`, its holes the name and the password, in `charset`: each byte string that a reader splits by `|` is one value.
fn check_bytes(label: &'static str, user: &str, password: &str) {
    let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
    let body = json!({ "text": "{{user.userPassword}}|{{user.username}}|" });
    let plan = plan(json!({ "charset": label, "body": body }));
    match send(&plan, user, password) {
        Ok(received) => {
            let read: Vec<_> =
                received.body.split(|byte| *byte == b'|').map(|bytes| encoding.decode(bytes).0).collect();
            assert_eq!(read, [password, user, ""], "{label}");
        }
        result => assert!(refused(result, user)),
    }
}

#[test]
fn a_bar_in_the_second_byte_separates() {
    let sent = |label: &'static str, name: &str| {
        let body = json!({ "text": "{{user.userPassword}}|{{user.username}}|" });
        send(&plan(json!({ "charset": label, "body": body })), name, "p").is_ok()
    };
    for (label, name) in [("gbk", "亅"), ("gb18030", "亅"), ("big5", "四"), ("shift_jis", "ポ")] {
        let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
        assert!(encoding.encode(name).0.contains(&b'|'), "{label} {name}");
        assert!(!sent(label, name), "{label}");
        assert!(sent(label, "中"), "{label}");
        check_bytes(label, name, "p");
        check_bytes(label, "u", name);
    }
    assert!(sent("utf-8", "亅"));
}

/// A text body in which JSON or a quoted-string is written by a filter: its bytes keep the syntax.
#[test]
fn filters_keep_their_syntax_in_the_charset_of_a_text_body() {
    let plan = |text| plan(json!({ "charset": "gbk", "body": { "text": text } }));
    // The second byte of 誠 is a backslash.
    let json = send(&plan("{\"u\":{{user.username | json}}}"), "誠", "p").unwrap();
    assert_eq!(json.body, br#"{"u":"\u8aa0"}"#);
    assert!(refused(send(&plan("u={{user.username | quoted}};"), "誠", "p"), "誠"));
    assert_eq!(send(&plan("u={{user.username | quoted}};"), "中\"", "p").unwrap().body, b"u=\"\xd6\xd0\\\"\";");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn parameters_are_those_of_the_file(user in typed(), password in typed()) {
        check_digest(RAW, &user, &password);
        for value in QUOTED {
            let visible = user.bytes().chain(password.bytes()).all(|byte| matches!(byte, b' '..=b'~'));
            prop_assert_eq!(check_digest(value, &user, &password), visible);
        }
    }

    #[test]
    fn a_reader_that_splits_finds_what_was_typed(
        user in typed(),
        password in typed(),
        place in 0..PLACES,
        separator in prop::sample::select(vec![":", "|", ",", ";", "&", "@", "=", ".", "-", "_", "\"", "'", "x", "||", ", ", "：", "\u{3000}"]),
    ) {
        check_split(place, separator, &user, &password);
    }

    #[test]
    fn a_reader_of_bytes_finds_what_was_typed(
        user in typed(),
        password in "[\\x{20}-\\x{7e}\\x{4e00}-\\x{9fff}\\x{3040}-\\x{30ff}]{0,6}",
        label in prop::sample::select(super::CHARSETS),
    ) {
        check_bytes(label, &user, &password);
        check_bytes(label, &password, &user);
    }
}
