use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::context::User;
use crate::diagnostic::{Diagnostic, SourceFile, Span};
use crate::document::Value;
use crate::reading::read_keyed;
use crate::template::Setting;

/// Compiles the keys of a request as a file writes them.
pub(crate) fn compile_text(text: &str, options: CompileOptions<'_>) -> Result<RequestPlan, Vec<Diagnostic>> {
    let mut diagnostics = Diagnostics::new(Arc::new(SourceFile { path: "a.yaml".into(), text: text.to_owned() }));
    let raw = crate::yaml::parse(&mut diagnostics).and_then(|node| read_keyed::<raw::Request>(&node, &mut diagnostics));
    let plan = raw.and_then(|raw| RequestPlan::compile(&raw, options, &mut diagnostics));
    plan.ok_or_else(|| diagnostics.into_list())
}

/// The same for keys that go to `https://h/` unless they say otherwise.
fn compile(mut keys: serde_json::Value) -> Result<RequestPlan, Vec<Diagnostic>> {
    let keys = keys.as_object_mut().unwrap();
    keys.entry("url").or_insert("https://h/".into());
    compile_text(&serde_json::to_string(keys).unwrap(), CompileOptions::new(&language()))
}

fn language() -> Language {
    let mut language = Language::default();
    language.settings.insert("base".into(), Setting::Text("https://4a.example.com/".into()));
    let nodes = ["https://a.example.com", "https://b.example.com:8443"].map(|node| Url::parse(node).unwrap());
    language.settings.insert("nodes".into(), Setting::Nodes(nodes.into()));
    language
}

fn context(username: &str, password: &str) -> Context {
    let user = User { username: username.into(), password: password.into(), ..User::default() };
    let mut context = Context { user, request_id: "r-1".into(), ..Context::default() };
    context.env.insert("n".into(), Value::from(42));
    context.step.unix = 1_767_294_245;
    context
}

fn get(url: &str) -> Result<RequestPlan, Vec<Diagnostic>> {
    compile(json!({ "url": url }))
}

fn rendered_url(url: &str, username: &str) -> Result<String, RenderError> {
    get(url).unwrap().render(&context(username, "p"), None).map(|prepared| prepared.url.to_string())
}

fn first_mistake(result: Result<RequestPlan, Vec<Diagnostic>>) -> String {
    let mistakes = result.unwrap_err();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    mistakes[0].message.clone()
}

#[test]
fn urls_render() {
    for (url, username, wanted) in [
        ("${base}/api/login", "x", "https://4a.example.com/api/login"),
        ("${base}", "x", "https://4a.example.com/"),
        ("${base}?a=b", "x", "https://4a.example.com/?a=b"),
        ("https://h:8080/u/{{user.username}}/", "a b/c", "https://h:8080/u/a%20b%2Fc/"),
        (
            "https://h/{{user.username}}.json?u={{user.username}}&x=%20",
            "中",
            "https://h/%E4%B8%AD.json?u=%E4%B8%AD&x=%20",
        ),
        ("HTTPS://EXAMPLE.com/路径?q=值", "x", "https://example.com/%E8%B7%AF%E5%BE%84?q=%E5%80%BC"),
        ("https://h/a?u={{user.username}}", "&admin=1#?", "https://h/a?u=%26admin%3D1%23%3F"),
        ("https://h//a//b", "x", "https://h//a//b"),
    ] {
        assert_eq!(rendered_url(url, username).unwrap(), wanted);
    }
}

#[test]
fn hostile_user_names_stay_in_their_segment_or_are_refused() {
    for bad in ["..", ".", "%2e%2e", "%2E.", "%252e%252e", "..\\..", "../x", "a/../b", "..;x", "", "\0", "a\r\nb"] {
        let result = rendered_url("https://h/u/{{user.username}}", bad);
        assert!(matches!(result, Err(RenderError::FromUser { .. })), "{bad:?} {result:?}");
    }
    for good in [".evil.com", "@evil.com", "//evil.com", "?x", "#x", "a:b", "100%"] {
        let url = Url::parse(&rendered_url("https://h/u/{{user.username}}", good).unwrap()).unwrap();
        assert_eq!((url.host_str(), url.path_segments().unwrap().count(), url.query()), (Some("h"), 2, None));
    }
}

#[test]
fn nodes_choose_the_origin() {
    let plan = get("${nodes}/login?u={{user.username}}").unwrap();
    assert!(plan.has_nodes());
    let node = plan.origins()[1].clone();
    let prepared = plan.render(&context("x", "p"), Some(&node)).unwrap();
    assert_eq!(prepared.url.as_str(), "https://b.example.com:8443/login?u=x");
    assert!(plan.render(&context("x", "p"), None).is_err());
    let stranger = Url::parse("https://evil.com").unwrap();
    assert!(plan.render(&context("x", "p"), Some(&stranger)).is_err());
}

#[test]
fn urls_that_data_could_bend_do_not_load() {
    for (url, part) in [
        ("{{user.username}}://h/", "scheme, host or port"),
        ("https://{{user.username}}/", "scheme, host or port"),
        ("https://h{{user.username}}/", "scheme, host or port"),
        ("https://h:{{user.username}}/", "scheme, host or port"),
        ("https://h/?{{user.username}}=1", "name of a query parameter"),
        ("https://u:p@h/", "user name in a URL"),
        ("ftp://h/", "only http and https"),
        ("/login", "no scheme and host"),
        ("https:///x", "host is not one"),
        ("https://h/a#b", "fragment"),
        ("https://h/a\\b", "backslash"),
        ("https://h/a b", "space"),
        ("https://h/../b", "`.` or `..`"),
        ("https://h/%2e%2e/b", "`.` or `..`"),
        ("https://h/%zz", "percent sign"),
        ("${nodes}x/", "a path should follow"),
        ("https://h/${nodes}", "only at the beginning"),
        ("${bas}/", "no setting `bas`"),
        ("", "empty"),
    ] {
        let message = first_mistake(get(url));
        assert!(message.contains(part), "{url}: {message}");
    }
}

fn sent(body: &serde_json::Value, context: &Context) -> Result<String, RenderError> {
    let plan = compile(json!({ "body": body })).unwrap();
    plan.render(context, None).map(|prepared| String::from_utf8(prepared.body.unwrap().to_vec()).unwrap())
}

#[test]
fn json_trees_keep_types_and_escape_strings() {
    let tree = json!({
        "name": "{{user.username}}",
        "greeting": "hi {{user.username}}",
        "quote": "\"${base}\" {{env.n}}",
        "n": "{{env.n}}",
        "s": "{{env.n | string}}",
        "list": [null, true, "{{time.unix}}"],
    });
    assert_eq!(
        sent(&json!({ "json": tree }), &context("a\",\"admin\":true", "p")).unwrap(),
        r#"{"name":"a\",\"admin\":true","greeting":"hi a\",\"admin\":true","quote":"\"https://4a.example.com/\" 42","n":42,"s":"42","list":[null,true,1767294245]}"#
    );
}

#[test]
fn json_texts_are_read_once() {
    let text = r#"{ "a": "x{{user.username}}\n", "b": {{env.n}}, "c": {{user.username}}, "d": ["{{env.n}}"], "e": "${base}" }"#;
    assert_eq!(
        sent(&json!({ "json": text }), &context("q\"", "p")).unwrap(),
        r#"{"a":"xq\"\n","b":42,"c":"q\"","d":["42"],"e":"https://4a.example.com/"}"#
    );
    for (text, part) in [
        (r#"{"{{user.username}}": 1}"#, "JSON key"),
        (r#"{"a": 1, "a": 2}"#, "not JSON"),
        (r#"{"a": }"#, "not JSON"),
        (r#"{"a": {{user.username}} {{user.username}} }"#, "not JSON"),
        (r#"{"a": "\uF8D00\uf8d2{{user.username}}"}"#, "private use"),
    ] {
        let message = first_mistake(compile(json!({ "body": { "json": text } })));
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn headers_and_cookies() {
    let plan = compile(json!({
        "headers": { "X-User": "u={{user.username}}", "accept": "*/*" },
        "cookies": { "theme": "light", "u": "{{user.username}}" },
    }))
    .unwrap();
    let prepared = plan.render(&context("zhang", "p"), None).unwrap();
    let names: Vec<_> =
        prepared.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    assert_eq!(names, ["x-user: u=zhang", "accept: */*", &format!("user-agent: {DEFAULT_USER_AGENT}")]);
    let cookies = prepared.cookies.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    assert_eq!(cookie_header(cookies).unwrap(), "theme=light; u=zhang");
    for bad in ["a\r\nX: y", "a\0", "中", "a;b", "a b", "a,b", "a\"", "a\\"] {
        assert!(matches!(plan.render(&context(bad, "p"), None), Err(RenderError::FromUser { .. })), "{bad:?}");
    }
    for (name, value, part) in [
        ("Host", "x", "cannot be set"),
        ("cookie", "x", "cannot be set"),
        ("{{user.username}}", "x", "a header's name"),
        ("X Y", "x", "no header name"),
        ("X", "中", "visible ASCII"),
        ("X", " x", "space"),
        ("X", "x\r\ny", "visible ASCII"),
    ] {
        let message = first_mistake(compile(json!({ "headers": { name: value } })));
        assert!(message.contains(part), "{name}: {message}");
    }
}

#[test]
fn text_bodies_keep_their_separators() {
    let text =
        |text: &str, username: &str, password: &str| sent(&json!({ "text": text }), &context(username, password));
    assert_eq!(text("u={{user.username}}&p={{user.userPassword}}", "a b", "p").unwrap(), "u=a b&p=p");
    for (username, password) in [("a&b", "p"), ("a", "p&admin=1"), ("a", "p\n"), ("a=", "p"), ("\r", "p")] {
        let result = text("u={{user.username}}&p={{user.userPassword}}", username, password);
        assert!(matches!(result, Err(RenderError::FromUser { .. })), "{result:?}");
    }
    assert_eq!(text("{{user.username | base64}}|{{user.userPassword | hex}}", "a|b", "\n").unwrap(), "YXxi|0a");
}

#[test]
fn braces_in_a_password_are_no_template() {
    let tree = json!({ "p": "{{user.userPassword}}" });
    let body = sent(&json!({ "json": tree }), &context("u", "{{user.userPassword}}${base}")).unwrap();
    assert_eq!(body, r#"{"p":"{{user.userPassword}}${base}"}"#);
}

#[test]
fn xml_goes_out_as_written() {
    let text = "<?xml version=\"1.0\" encoding='UTF-8'?>\n<a b='{{user.username}}' c=\"${base}\">&lt;{{env.n}}<!-- x --><d/></a>\n";
    let plan = compile(json!({ "body": { "xml": text } })).unwrap();
    let body = plan.render(&context("a'b", "p"), None).unwrap().body.unwrap();
    let wanted = text
        .replace("{{user.username}}", "a&#39;b")
        .replace("${base}", "https://4a.example.com/")
        .replace("{{env.n}}", "42");
    assert_eq!(body, wanted);
    for (text, part) in [
        ("<a>", "not closed"),
        ("<a></b>", "not well-formed"),
        ("<a/><b/>", "second element"),
        ("x<a/>", "outside the root"),
        ("<!-- x -->", "no element"),
        ("", "no element"),
        ("<a>&nbsp;</a>", "none of XML's own"),
        ("<a b='&nbsp;'/>", "none of XML's own"),
        ("<a b='1' b='2'/>", "there twice"),
        ("<a b/>", "is not one"),
        ("<!DOCTYPE a><a/>", "document type"),
        ("<?xml version='1.1'?><a/>", "only XML 1.0"),
        ("<?xml version='1.0' encoding='gbk'?><a/>", "is not the request's charset UTF-8"),
        ("<a>\u{1}</a>", "XML 1.0"),
    ] {
        let message = first_mistake(compile(json!({ "body": { "xml": text } })));
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn charsets_agree_or_are_refused() {
    let gbk = |text| compile(json!({ "charset": "gbk", "body": { "xml": text } }));
    assert!(gbk("<?xml version='1.0' encoding='GBK'?><a/>").is_ok());
    assert!(first_mistake(gbk("<?xml version='1.0'?><a/>")).contains("charset GBK"));
    assert!(first_mistake(gbk("<a>😀</a>")).contains("lacks"));
    assert!(first_mistake(compile(json!({ "charset": "utf-16" }))).contains("no charset"));
    let with_type = |value: &str, charset: &str| {
        compile(json!({ "headers": { "Content-Type": value }, "charset": charset, "body": { "text": "x" } }))
    };
    assert!(with_type("text/x; charset=GB2312", "gbk").is_ok());
    assert!(with_type("text/x; charset=\"utf-8\"", "utf-8").is_ok());
    assert!(first_mistake(with_type("text/x; charset=gbk", "utf-8")).contains("is not the request's"));
}

#[test]
fn multipart_names_are_literal_and_plain() {
    let file = json!({ "value": "{{user.username}}", "filename": "a.txt", "content_type": "text/plain" });
    let plan = compile(json!({ "body": { "multipart": { "f": file, "p": "1" } } })).unwrap();
    let prepared = plan.render(&context("x", "p"), None).unwrap();
    let content_type =
        prepared.headers.iter().find(|(name, _)| name == CONTENT_TYPE).unwrap().1.to_str().unwrap().to_owned();
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let body = String::from_utf8(prepared.body.unwrap().to_vec()).unwrap();
    assert_eq!(
        body,
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nx\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"p\"\r\n\r\n1\r\n--{boundary}--\r\n"
        )
    );
    for name in ["a\"b", "a\r\nb", "", "a\\"] {
        let message = first_mistake(compile(json!({ "body": { "multipart": { name: "x" } } })));
        assert!(message.contains("a name of a part"), "{message}");
    }
    let message = first_mistake(compile(
        json!({ "body": { "multipart": { "a": "x" } }, "headers": { "content-type": "multipart/mixed" } }),
    ));
    assert!(message.contains("boundary"), "{message}");
}

#[test]
fn text_holes_without_a_separator_do_not_load() {
    for (text, part) in
        [("{{user.username}}{{env.n}}", "nothing separates"), ("{{user.username}}end", "from the `e` behind it")]
    {
        let message = first_mistake(compile(json!({ "body": { "text": text } })));
        assert!(message.contains(part), "{text}: {message}");
    }
    assert!(compile(json!({ "body": { "text": "{{user.username | hex}}{{env.n | hex}}end" } })).is_ok());
}

#[test]
fn a_plan_tells_its_uses() {
    let text = r#"url: "https://h/{{user.username}}"
query:
  q: "{{env.n}}"
headers:
  x-h: "{{secret.k}}"
body:
  json: '{"a": {{steps.a.b}}, "c": "{{answer.x | hmac_md5(secret.m)}}"}'
"#;
    let plan = compile_text(text, CompileOptions::new(&language())).unwrap();
    let used = |used: &Use| -> Vec<_> {
        let named = |(variable, span): (&Variable, &Span)| {
            assert_eq!(text[span.clone()], variable.to_string());
            (used.place, variable.to_string())
        };
        used.variables().map(named).collect()
    };
    let uses: Vec<_> = plan.uses().iter().flat_map(used).collect();
    let wanted = [
        (Place::PathSegment, "user.username"),
        (Place::QueryValue, "env.n"),
        (Place::Header, "secret.k"),
        (Place::JsonValue, "steps.a.b"),
        (Place::JsonString, "answer.x"),
        (Place::JsonString, "secret.m"),
    ];
    assert_eq!(uses, wanted.map(|(place, name)| (place, name.to_owned())));
    assert_eq!(plan.uses()[3].hole.range, 6..19);
    assert_eq!(plan.variables().len(), 6);
    assert_eq!(plan.origins()[0].as_str(), "https://h/");
}

#[test]
fn a_shape_shows_literals_and_hides_the_rest() {
    let plan = compile(json!({
        "url": "https://h/u/{{user.username}}?lang=zh",
        "query": { "p": "{{user.userPassword}}" },
        "cookies": { "theme": "light" },
        "body": { "form": { "a b": "{{user.userPassword | md5}}" } },
    }))
    .unwrap();
    let shape = plan.shape(&context("zhang", "hunter2"), None).unwrap();
    let shown: Vec<_> =
        shape.iter().map(|part| (part.place, part.name.as_str(), part.literal(), part.size())).collect();
    assert_eq!(
        shown,
        [
            ("path", "1", Some("u"), 1),
            ("path", "2", None, 5),
            ("query", "lang", Some("zh"), 2),
            ("query", "p", None, 7),
            ("header", "Content-Type", Some("application/x-www-form-urlencoded"), 33),
            ("header", "User-Agent", Some(DEFAULT_USER_AGENT), DEFAULT_USER_AGENT.len()),
            ("header", "Accept", Some(ACCEPT_JSON), ACCEPT_JSON.len()),
            ("cookie", "theme", Some("light"), 5),
            ("body", "a b", None, 32),
        ]
    );
    let prepared = plan.render(&context("zhang", "hunter2"), None).unwrap();
    assert!(!format!("{shape:?} {prepared:?}").contains("hunter2"));
    assert_eq!(shape[3].reveal(), b"hunter2");
}

#[test]
fn sizes_have_caps() {
    let long = "x".repeat(20_000);
    for url in ["https://h/{{user.username}}", "https://h/?u={{user.username}}"] {
        assert!(matches!(rendered_url(url, &long), Err(RenderError::FromUser { .. })));
    }
    let plan = compile(json!({ "headers": { "x": "{{user.username}}" } })).unwrap();
    assert!(matches!(plan.render(&context(&long, "p"), None), Err(RenderError::FromUser { .. })));
    let holes = "{{user.username}} ".repeat(600);
    let plan = compile(json!({ "body": { "json": [holes] } })).unwrap();
    assert!(matches!(plan.render(&context(&long, "p"), None), Err(RenderError::FromUser { .. })));
}
