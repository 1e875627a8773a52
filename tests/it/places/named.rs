//! Values with a history, by name: each was somebody's hole (docs/security.md).

use doorward::context::{PageFacts, StepFacts};
use doorward::document::{Number, Value, from_json};
use doorward::template::{Language, Place, RenderError, Template};
use serde_json::json;

use super::{Places, compile, context, header, json_tree, multipart, path_segment, plan, send};

/// Every place carries it or refuses it, as user name and as password.
fn everywhere(value: &str) {
    let places = Places::new();
    places.check(value, "p");
    places.check("u", value);
    places.check(value, value);
}

#[test]
fn dots_never_climb() {
    for value in
        ["..", ".", "%2e%2e", "%2E%2E", "%252e%252e", "..%2f..", "../admin", "..\\admin", "..;", "%c0%ae%c0%ae"]
    {
        everywhere(value);
        assert!(matches!(send(&path_segment(), value, "p"), Err(RenderError::FromUser { .. })), "{value}");
    }
}

#[test]
fn hosts_stay() {
    for value in [".evil.com", "@evil.com", "//evil.com", ":80@evil.com", "#@evil.com", "?@evil.com"] {
        everywhere(value);
    }
}

#[test]
fn json_keys_stay() {
    for value in ["a\",\"admin\":true", "a\\", "\\\",\"x\":\"", "\"}", "]}", "\u{2028}", "\\u0022"] {
        everywhere(value);
    }
}

#[test]
fn xml_elements_stay() {
    for value in
        ["</user><user>", "\"><x y=\"", "]]>", "<!--", "-->", "&amp;", "&x;", "<![CDATA[", "<?x?>", " a ", "\t\r\n"]
    {
        everywhere(value);
    }
}

#[test]
fn header_lines_stay() {
    for value in ["a\r\nX-Admin: 1", "a\nb", "a\rb", "a\0", "\r\n\r\nGET / HTTP/1.1", " a", "a ", "a\u{85}b"] {
        everywhere(value);
        assert!(matches!(send(&header(), value, "p"), Err(RenderError::FromUser { .. })), "{value:?}");
    }
}

#[test]
fn nul_arrives_or_is_refused() {
    everywhere("\0");
    everywhere("admin\0x");
}

#[test]
fn a_multipart_boundary_in_the_password_is_content() {
    let plan = multipart();
    let sent = send(&plan, "u", "p").unwrap();
    let boundary = str::from_utf8(sent.header("content-type")).unwrap().split_once("boundary=").unwrap().1.to_owned();
    let hostile =
        format!("\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"admin\"\r\n\r\n1\r\n--{boundary}--");
    everywhere(&hostile);
    let other = send(&plan, "u", &hostile).unwrap();
    assert_ne!(other.header("content-type"), sent.header("content-type"), "another boundary was chosen");
}

#[test]
fn nineteen_digits_keep_their_digits() {
    everywhere("1234567890123456789");
    let plan = plan(json!({ "body": { "json": { "id": "{{steps.a.id}}", "text": "{{steps.a.id | string}}" } } }));
    let mut context = context("u", "p");
    let id = Value::Number(Number::parse("1234567890123456789").unwrap());
    let captures = [("id".to_owned(), Some(id))].into_iter().collect();
    let outcome = doorward::context::StepOutcome::Success;
    context.steps.insert("a".into(), StepFacts { outcome, status: Some(200), captures, page: PageFacts::default() });
    let body = plan.render(&context, None).unwrap().body.unwrap();
    assert_eq!(body, r#"{"id":1234567890123456789,"text":"1234567890123456789"}"#);
}

#[test]
fn chinese_names_in_gbk() {
    everywhere("张三");
    super::check_charset("gbk", "张三，密码\\");
    // Its second byte is a backslash in GBK: what escapes bytes instead of characters breaks it.
    super::check_charset("gbk", "誠");
    super::check_charset("big5", "功");
    super::check_charset("gbk", "😀");
    super::check_charset("shift_jis", "¥");
}

#[test]
fn a_template_in_a_password_is_text() {
    for value in ["{{user.userPassword}}", "${base}", "{{ secret.k }}", "{{\"x\"}}", "{{", "}}"] {
        everywhere(value);
    }
    let received = send(&json_tree(), "{{user.userPassword}}", "hunter2").unwrap();
    assert!(String::from_utf8(received.body).unwrap().contains(r#""u":"{{user.userPassword}}""#));
}

#[test]
fn a_lone_surrogate_never_becomes_a_value() {
    for text in [r#""\ud800""#, r#""\udc00x""#, r#"{"\ud800":1}"#] {
        assert!(from_json(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn a_colon_is_no_part_of_a_basic_user_name() {
    let template = Template::parse("{{user.username}}", &Language::default()).unwrap();
    let render = |place, name| template.render(place, &context(name, "p"), doorward::template::Charset::UTF_8);
    assert!(matches!(render(Place::BasicUser, "a:b"), Err(RenderError::FromUser { .. })));
    assert!(matches!(render(Place::BasicUser, "a\n"), Err(RenderError::FromUser { .. })));
    assert_eq!(**render(Place::BasicPassword, "a:b").unwrap(), *b"a:b");
    assert_eq!(**render(Place::BasicUser, "张").unwrap(), *"张".as_bytes());
}

/// A hole where data must not choose is refused when the connector loads.
#[test]
fn holes_stand_in_values_only() {
    const HOLE: &str = "{{user.username}}";
    let refused = |what: &str, keys: serde_json::Value| {
        let mistakes = compile(keys, &Language::default()).expect_err(what);
        assert!(mistakes.iter().any(|mistake| mistake.code == "hole-not-allowed"), "{what}: {mistakes:?}");
    };
    for (what, keys) in [
        ("scheme", json!({ "url": "{{user.username}}://h/" })),
        ("host", json!({ "url": "https://{{user.username}}/" })),
        ("port", json!({ "url": "https://h:{{user.username}}/" })),
        ("host behind a name", json!({ "url": "https://h{{user.username}}" })),
        ("query name", json!({ "query": { HOLE: "x" } })),
        ("header name", json!({ "headers": { HOLE: "x" } })),
        ("cookie name", json!({ "cookies": { HOLE: "x" } })),
        ("form name", json!({ "body": { "form": { HOLE: "x" } } })),
        ("JSON key", json!({ "body": { "json": { HOLE: null } } })),
        ("JSON key in a text", json!({ "body": { "json": r#"{"a{{user.username}}":1}"# } })),
        ("charset", json!({ "charset": HOLE })),
        ("Content-Type", json!({ "headers": { "Content-Type": HOLE } })),
        ("part name", json!({ "body": { "multipart": { HOLE: "x" } } })),
    ] {
        refused(what, keys);
    }
    // A method is one of a list.
    let mistakes = compile(json!({ "method": HOLE }), &Language::default()).expect_err("a method");
    assert!(mistakes.iter().any(|mistake| mistake.code == "unknown-word"), "{mistakes:?}");
    for xml in [
        "<{{user.username}}/>",
        "<a {{user.username}}='1'/>",
        "<a {{user.username}}/>",
        "<a b={{user.username}}/>",
        "<a><!-- {{user.username}} --></a>",
        "<a><![CDATA[{{user.username}}]]></a>",
        "<a><?p {{user.username}}?></a>",
        "<!DOCTYPE {{user.username}}><a/>",
        "<a/>{{user.username}}",
        "{{user.username}}<a/>",
    ] {
        refused(xml, json!({ "body": { "xml": xml } }));
    }
}

/// The Big List of Naughty Strings, from the corpora beside the repository.
#[test]
fn naughty_strings() {
    let root = std::env::var_os("DOORWARD_CORPORA").unwrap_or_else(|| "../shared/corpora".into());
    let path = std::path::Path::new(&root).join("naughty/blns.json");
    let Ok(text) = std::fs::read(&path) else {
        eprintln!("naughty_strings: no corpus at DOORWARD_CORPORA, nothing was tested");
        return;
    };
    let strings: Vec<String> = serde_json::from_slice(&text).expect("a list of strings");
    assert!(strings.len() > 400);
    let places = Places::new();
    for string in &strings {
        places.check(string, "p");
        places.check("u", string);
        for label in super::CHARSETS {
            super::check_charset(label, string);
        }
    }
}
