use http::HeaderValue;

use super::*;
use crate::document::from_json;

fn read(part: RequestPart, request: &AskedRequest<'_>) -> Result<Option<String>, Malformed> {
    RequestSource { part, undo: Vec::new(), hop: None, host_port: false }.read(request)
}

fn headers(all: &[(&'static str, &[u8])]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in all {
        map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
    }
    map
}

#[test]
fn each_value_stands_once_and_is_read_exactly() {
    let none = HeaderMap::new();
    let form = |body: &'static [u8]| AskedRequest { query: None, headers: &none, body: AskedContent::Form(body) };
    let user = || RequestPart::Form("user".to_owned());
    assert_eq!(read(user(), &form(b"a=1&user=x%26password%3Dy+z&b")), Ok(Some("x&password=y z".to_owned())));
    assert_eq!(read(user(), &form(b"User=a")), Ok(None));
    for body in [&b"user=a&user=b"[..], b"user=a&%75ser=b", b"user=%", b"user=%ff", b"user=a&%ff=b"] {
        assert!(read(user(), &form(body)).is_err(), "{body:?}");
    }
    let query = |query| AskedRequest { query: Some(query), headers: &none, body: AskedContent::None };
    let key = || RequestPart::Query("key".to_owned());
    assert_eq!(read(key(), &query("key=a%2Bb")), Ok(Some("a+b".to_owned())));
    assert!(read(key(), &query("key=a&key=a")).is_err());
    let json = |text: &[u8]| AskedRequest {
        query: None,
        headers: &none,
        body: AskedContent::Document(from_json(text).unwrap()),
    };
    let name = || RequestPart::Document(Path::parse("\"User-Name\".value[0]").unwrap());
    assert_eq!(read(name(), &json(br#"{"User-Name":{"value":["a"]}}"#)), Ok(Some("a".to_owned())));
    assert_eq!(read(name(), &json(br#"{"User-Name":{"value":[]}}"#)), Ok(None));
    assert!(read(name(), &json(br#"{"User-Name":{"value":[["a"]]}}"#)).is_err());
    assert_eq!(read(name(), &form(b"user=a")), Ok(None));
}

#[test]
fn headers_with_dash_and_underscore_differ_and_none_comes_twice() {
    let name = || RequestPart::Header(HeaderName::from_static("x-user"));
    let ask = |headers: &HeaderMap| read(name(), &AskedRequest { query: None, headers, body: AskedContent::None });
    assert_eq!(ask(&headers(&[("x_user", b"root")])), Ok(None));
    assert_eq!(ask(&headers(&[("x_user", b"root"), ("x-user", "王".as_bytes())])), Ok(Some("王".to_owned())));
    assert!(ask(&headers(&[("x-user", b"a"), ("x-user", b"a")])).is_err());
    assert!(ask(&headers(&[("x-user", b"\xff")])).is_err());
}

#[test]
fn basic_is_read_whole_or_not_at_all() {
    let ask = |value: &str, half| {
        let headers = headers(&[("authorization", value.as_bytes())]);
        read(RequestPart::Basic(half), &AskedRequest { query: None, headers: &headers, body: AskedContent::None })
    };
    let encoded = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    assert_eq!(ask(&encoded("a:b:c"), BasicHalf::Password), Ok(Some("b:c".to_owned())));
    assert_eq!(ask(&encoded("a:"), BasicHalf::Username), Ok(Some("a".to_owned())));
    assert_eq!(ask("Bearer x", BasicHalf::Username), Ok(None));
    assert!(ask(&encoded("no colon"), BasicHalf::Username).is_err());
    assert!(ask("Basic YTpi!", BasicHalf::Username).is_err());
    assert!(ask("Basic /w==", BasicHalf::Username).is_err());
    let twice = headers(&[("authorization", b"Basic YTpi"), ("authorization", b"Basic YTpi")]);
    let request = AskedRequest { query: None, headers: &twice, body: AskedContent::None };
    assert!(read(RequestPart::Basic(BasicHalf::Username), &request).is_err());
}

#[test]
fn what_a_console_encodes_is_undone() {
    for (undo, text, wanted) in [
        (Undo::Percent, "a%25+b", Some("a%+b")),
        (Undo::Percent, "a%2", None),
        (Undo::Base64, "546L", Some("王")),
        (Undo::Base64, "546", None),
        (Undo::Hex, "e78e8b", Some("王")),
        (Undo::ZeroX, "0xe78e8b", Some("王")),
        (Undo::ZeroX, "e78e8b", None),
        (Undo::Latin1Utf8, "\u{e7}\u{8e}\u{8b}", Some("王")),
        (Undo::Latin1Utf8, "\u{c3}\u{83}\u{c2}\u{a9}", Some("Ã©")),
        (Undo::Latin1Utf8, "王", None),
        (Undo::Latin1Utf8, "\u{e7}", None),
    ] {
        assert_eq!(undone(undo, text).ok().as_deref(), wanted, "{undo:?} {text}");
    }
}

#[test]
fn an_address_is_counted_from_the_near_end() {
    let source = |hop, host_port| RequestSource {
        part: RequestPart::Header(HeaderName::from_static("x-forwarded-for")),
        undo: Vec::new(),
        hop,
        host_port,
    };
    let ask = |source: RequestSource, all: &[(&'static str, &[u8])]| {
        let headers = headers(all);
        source.address(&AskedRequest { query: None, headers: &headers, body: AskedContent::None })
    };
    let near = "192.0.2.1".parse::<IpAddr>().ok();
    let spoofed: &[(&str, &[u8])] = &[("x-forwarded-for", b"10.0.0.1, 192.0.2.1")];
    assert_eq!(ask(source(Some(1), false), spoofed), Ok(near));
    assert_eq!(ask(source(Some(3), false), spoofed), Ok(None));
    let spread: &[(&str, &[u8])] = &[("x-forwarded-for", b"10.0.0.1"), ("x-forwarded-for", b"192.0.2.1")];
    assert_eq!(ask(source(Some(1), false), spread), Ok(near));
    assert!(ask(source(None, false), spread).is_err());
    assert_eq!(ask(source(None, true), &[("x-forwarded-for", b"192.0.2.1:99")]), Ok(near));
    assert_eq!(ask(source(None, false), &[("x-forwarded-for", b"00-11-22-33-44-55")]), Ok(None));
}
