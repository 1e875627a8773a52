use std::borrow::Cow;

use http::HeaderValue;
use http::header::{HeaderMap, HeaderName, LOCATION, SET_COOKIE};

use super::{CapturePattern, Css, ReplyView, Source, SourceValue};
use crate::context::Work;
use crate::document::{Path, Value};
use crate::response::{Decoded, Decoding, Wanted, decode};

const NOW: i64 = 1_700_000_000;

fn auto(body: &str) -> Decoded {
    decode(&Decoding::default(), None, body.as_bytes())
}

fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
    let value = |text: &str| HeaderValue::from_bytes(text.as_bytes()).unwrap();
    fields.iter().map(|(name, text)| (name.clone(), value(text))).fold(HeaderMap::new(), |mut all, (name, text)| {
        all.append(name, text);
        all
    })
}

/// What a source finds: the text of a value, `absent`, `deleted …` or `unknown`.
fn read(source: &Source, headers: &HeaderMap, decoded: &Decoded) -> String {
    described(source.read(&ReplyView::new(200, headers, decoded, NOW), &Work::default()))
}

fn described(found: SourceValue<'_>) -> String {
    let text = |value: Cow<'_, Value>| value.scalar_text().unwrap_or("(no scalar)").to_owned();
    match found {
        SourceValue::Value(value) => text(value),
        SourceValue::Void(value, why) => format!("{why:?} {}", text(value)).to_lowercase(),
        SourceValue::Absent => "absent".to_owned(),
        SourceValue::Unknown(_) => "unknown".to_owned(),
    }
}

#[test]
fn fields_of_a_decoded_reply_are_there_or_absent_and_of_another_unknown() {
    let none = HeaderMap::new();
    let field = |path: &str| Source::Field(Path::parse(path).unwrap());
    for (body, path, wanted) in [
        (r#"{"code":200,"a":{"b":null}}"#, "code", "200"),
        (r#"{"code":200,"a":{"b":null}}"#, "a.b", "(no scalar)"),
        (r#"{"code":200}"#, "msg", "absent"),
        (r#"{"code":200,"code":500}"#, "msg", "unknown"),
        (r#"{"code":200"#, "code", "unknown"),
        ("<html><title>Sign in</title>", "code", "absent"),
        ("<html><title>Sign in</title>", "title", "Sign in"),
        ("<r><code n='1'>0</code></r>", "r.code[0].#text", "0"),
        ("<r><i>1</i><i>2</i></r>", "r.i.x", "unknown"),
        (r#"{"a":[{"n":"x","v":1},{"n":"y","v":2}]}"#, "$.a[?@.n=='y'].v", "2"),
        (r#"{"a":[{"n":"x","v":1},{"n":"y","v":2}]}"#, "$.a[?@.n=='z'].v", "absent"),
        (r#"{"a":[{"n":"x","v":1},{"n":"x","v":1}]}"#, "$.a[?@.n=='x'].v", "unknown"),
        (r#"{"a":[{"n":"x","v":1}"#, "$.a[?@.n=='z'].v", "unknown"),
        ("<html><title>Sign in</title>", "$[?@.n=='z'].v", "absent"),
        ("<html><title>Sign in</title>", "$[?@.n!='z']", "unknown"),
        ("<r><i>1</i><i>2</i></r>", "$.r.i[?@==2]", "2"),
        ("no", "text", "no"),
        ("", "code", "absent"),
    ] {
        assert_eq!(read(&field(path), &none, &auto(body)), wanted, "{path} of {body}");
    }
    let invalid = decode(&Decoding::default(), None, b"{\"code\":200,\"m\":\"\xff\"}");
    assert_eq!(read(&field("code"), &none, &invalid), "unknown");
}

#[test]
fn a_header_counts_once() {
    let body = auto("");
    let source = |name: &'static str| Source::Header { name: HeaderName::from_static(name), query: None };
    let x = HeaderName::from_static("x-code");
    for (fields, wanted) in [
        (vec![(x.clone(), "0")], "0"),
        (vec![(x.clone(), "中")], "中"),
        (vec![(x.clone(), "")], ""),
        (vec![], "absent"),
        (vec![(x.clone(), "0"), (x.clone(), "0")], "unknown"),
    ] {
        assert_eq!(read(&source("x-code"), &headers(&fields), &body), wanted, "{fields:?}");
    }
    let mut raw = HeaderMap::new();
    raw.insert(x, HeaderValue::from_bytes(b"\xff").unwrap());
    assert_eq!(read(&source("x-code"), &raw, &body), "unknown");
}

#[test]
fn a_parameter_of_a_location() {
    let body = auto("");
    let source = Source::Header { name: LOCATION, query: Some("ticket".to_owned()) };
    for (location, wanted) in [
        ("https://app/cb?ticket=ST-1", "ST-1"),
        ("/cb?a=b&ticket=S%54+1%E4%B8%AD#ticket=2", "ST 1中"),
        ("?ticket=", ""),
        ("https://app/cb?other=1", "absent"),
        ("https://app/cb#?ticket=1", "absent"),
        ("https://app/ticket=1", "absent"),
        ("https://app/cb?ticket=1&ticket=2", "unknown"),
        ("https://app/cb?ticket=%ff", "unknown"),
        ("https://app/cb?ticket=%", "unknown"),
    ] {
        assert_eq!(read(&source, &headers(&[(LOCATION, location)]), &body), wanted, "{location}");
    }
    assert_eq!(read(&source, &headers(&[]), &body), "absent");
}

#[test]
fn a_cookie_that_the_reply_sets_or_ends() {
    let body = auto("");
    let source = Source::Cookie("sid".to_owned());
    for (fields, wanted) in [
        (vec!["sid=1; Path=/"], "1"),
        (vec!["other=1"], "absent"),
        (vec!["SID=1"], "absent"),
        (vec!["sid="], "empty "),
        (vec!["sid=gone; Max-Age=0"], "deleted gone"),
        (vec!["sid=1", "sid=2"], "2"),
        (vec!["sid=1", "sid=; Max-Age=0"], "deleted "),
        (vec!["sid=deleteMe; Max-Age=0", "sid=2"], "2"),
        (vec!["sid=1; Path=/a", "sid=2; Path=/b"], "unknown"),
        (vec!["sid=1; Path=/a", "sid=1; Path=/b"], "1"),
        (vec!["sid=x; Path=/a; Max-Age=0", "sid=1; Path=/b"], "1"),
        (vec!["sid"], "absent"),
        (vec!["sid=1"; 51], "unknown"),
    ] {
        let all: Vec<_> = fields.iter().map(|field| (SET_COOKIE, *field)).collect();
        assert_eq!(read(&source, &headers(&all), &body), wanted, "{fields:?}");
    }
}

#[test]
fn a_cookie_of_another_domain_is_worth_nothing() {
    let body = auto("");
    let source = Source::Cookie("sid".to_owned());
    for (host, fields, wanted) in [
        ("4a.example.com", vec!["sid=1"], "1"),
        ("4a.example.com", vec!["sid=1; Domain=4A.example.com"], "1"),
        ("4a.example.com", vec!["sid=1; Domain=.example.com"], "1"),
        ("4a.example.com", vec!["sid=1; Domain="], "1"),
        ("localhost", vec!["sid=1; Domain=localhost"], "1"),
        ("127.0.0.1", vec!["sid=1; Domain=.127.0.0.1"], "1"),
        ("4a.example.com", vec!["sid=1; Domain=other.example.com"], "foreign 1"),
        ("4a.example.com", vec!["sid=1; Domain=x.4a.example.com"], "foreign 1"),
        ("4a.example.com", vec!["sid=1; Domain=a.example.com"], "foreign 1"),
        ("4a.example.com", vec!["sid=1; Domain=com"], "foreign 1"),
        ("10.1.2.3", vec!["sid=1; Domain=2.3"], "foreign 1"),
        ("4a.example.com", vec!["sid=1; Domain=evil.net; Max-Age=0"], "deleted 1"),
        // What was a doubt stays one: of two, the one that counts is not picked.
        ("4a.example.com", vec!["sid=1; Domain=evil.net", "sid=2"], "unknown"),
        ("4a.example.com", vec!["sid=1; Domain=evil.net", "sid=1"], "1"),
    ] {
        let all: Vec<_> = fields.iter().map(|field| (SET_COOKIE, *field)).collect();
        let headers = headers(&all);
        let view = ReplyView::new(200, &headers, &body, NOW).from_host(Some(host));
        assert_eq!(described(source.read(&view, &Work::default())), wanted, "{host}: {fields:?}");
    }
}

#[test]
fn regex_reads_the_text_of_any_body() {
    let none = HeaderMap::new();
    let source = |pattern: &str| Source::Regex(CapturePattern::parse(pattern).unwrap());
    assert_eq!(read(&source("^(yes|no)\n"), &none, &auto("yes\nzhangsan\n")), "yes");
    assert_eq!(read(&source("\"code\":([0-9]+)"), &none, &auto(r#"{"code":200}"#)), "200");
    assert_eq!(read(&source("\"code\":([0-9]+)"), &none, &auto(r#"{"code":200"#)), "unknown");
    assert_eq!(read(&source("(maybe)"), &none, &auto("yes")), "absent");
    let gbk = decode(&Decoding::default(), Some("text/plain; charset=gbk"), b"\xd6\xd0\xce\xc4 ok");
    assert_eq!(read(&source("中文 (ok)"), &none, &gbk), "ok");
    let invalid = decode(&Decoding::default(), None, b"ok \xff");
    assert_eq!(read(&source("(ok)"), &none, &invalid), "unknown");
}

#[test]
fn css_reads_what_all_hits_share() {
    let none = HeaderMap::new();
    let css = |selector: &str, attr: Option<&str>| Css::parse(selector, attr).unwrap();
    let asked = |body: &str, css: &Css| {
        let wanted = Wanted { css: vec![css.clone()], ..Wanted::default() }.into();
        let decoded = decode(&Decoding { wanted, ..Decoding::default() }, None, body.as_bytes());
        read(&Source::Css(css.clone()), &none, &decoded)
    };
    let page = "<html><p class=err> 密码 <b>错误</b>\n</p><i>1</i><i>1</i><u>1</u><u>2</u>\
         <input name=lt value=' LT-1 '><a href=x>l</a><a>l</a>\
         <template><b id=t>in a template</b></template>";
    for (selector, attr, wanted) in [
        (".err", None, "密码 错误"),
        ("input[name=lt]", Some("VALUE"), " LT-1 "),
        ("i", None, "1"),
        ("u", None, "unknown"),
        ("i + u", None, "1"),
        ("em", None, "absent"),
        ("i", Some("id"), "absent"),
        ("a", Some("href"), "unknown"),
        ("*", None, "unknown"),
        ("#t", None, "absent"),
    ] {
        assert_eq!(asked(page, &css(selector, attr)), wanted, "{selector} {attr:?}");
    }
    let p = css("p", None);
    assert_eq!(asked("{}", &p), "absent");
    assert_eq!(asked("{", &p), "unknown");
    assert_eq!(asked(&format!("<html>{}", "<p>".repeat(99)), &p), "unknown");
    assert_eq!(asked("<html><p><frameset>", &p), "absent");
    // What was not asked for when the page was decoded is not looked for later.
    assert_eq!(read(&Source::Css(p), &none, &auto("<html><p>")), "unknown");
}

#[test]
fn sources_and_decoded_replies_may_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<Source>();
    crosses::<Decoded>();
}
