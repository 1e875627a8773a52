use super::*;
use crate::context::User;
use crate::document::Value;
use crate::template::Setting;

fn w(text: &str) -> Written<'_> {
    Written { text, mark: 7 }
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

fn get(url: &str) -> Result<RequestPlan, Vec<Located>> {
    RequestPlan::compile(&RequestSpec::new(w("GET"), w(url)), &language())
}

fn rendered_url(url: &str, username: &str) -> Result<String, RenderError> {
    get(url).unwrap().render(&context(username, "p"), None).map(|prepared| prepared.url.to_string())
}

fn first_mistake(result: Result<RequestPlan, Vec<Located>>) -> String {
    let mistakes = result.unwrap_err();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    mistakes[0].mistake.message.clone()
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

fn json(spec: BodySpec<'_>, context: &Context) -> Result<String, RenderError> {
    let mut request = RequestSpec::new(w("POST"), w("https://h/"));
    request.body = Some(spec);
    let plan = RequestPlan::compile(&request, &language()).unwrap();
    plan.render(context, None).map(|prepared| String::from_utf8(prepared.body.unwrap().to_vec()).unwrap())
}

#[test]
fn json_trees_keep_types_and_escape_strings() {
    let tree = JsonSpec::Object(vec![
        (w("name"), JsonSpec::Text(w("{{user.username}}"))),
        (w("greeting"), JsonSpec::Text(w("hi {{user.username}}"))),
        (w("quote"), JsonSpec::Text(w("\"${base}\" {{env.n}}"))),
        (w("n"), JsonSpec::Text(w("{{env.n}}"))),
        (w("s"), JsonSpec::Text(w("{{env.n | string}}"))),
        (w("list"), JsonSpec::Array(vec![JsonSpec::Null, JsonSpec::Bool(true), JsonSpec::Text(w("{{time.unix}}"))])),
    ]);
    assert_eq!(
        json(BodySpec::Json(tree), &context("a\",\"admin\":true", "p")).unwrap(),
        r#"{"name":"a\",\"admin\":true","greeting":"hi a\",\"admin\":true","quote":"\"https://4a.example.com/\" 42","n":42,"s":"42","list":[null,true,1767294245]}"#
    );
}

#[test]
fn json_texts_are_read_once() {
    let text = r#"{ "a": "x{{user.username}}\n", "b": {{env.n}}, "c": {{user.username}}, "d": ["{{env.n}}"], "e": "${base}" }"#;
    assert_eq!(
        json(BodySpec::JsonText(w(text)), &context("q\"", "p")).unwrap(),
        r#"{"a":"xq\"\n","b":42,"c":"q\"","d":["42"],"e":"https://4a.example.com/"}"#
    );
    for (text, part) in [
        (r#"{"{{user.username}}": 1}"#, "JSON key"),
        (r#"{"a": 1, "a": 2}"#, "not JSON"),
        (r#"{"a": }"#, "not JSON"),
        (r#"{"a": {{user.username}} {{user.username}} }"#, "not JSON"),
        (r#"{"a": "\uF8D00\uf8d2{{user.username}}"}"#, "private use"),
    ] {
        let mut request = RequestSpec::new(w("POST"), w("https://h/"));
        request.body = Some(BodySpec::JsonText(w(text)));
        let message = first_mistake(RequestPlan::compile(&request, &language()));
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn headers_and_cookies() {
    let mut request = RequestSpec::new(w("GET"), w("https://h/"));
    request.headers = vec![(w("X-User"), w("u={{user.username}}")), (w("accept"), w("*/*"))];
    request.cookies = vec![(w("theme"), w("light")), (w("u"), w("{{user.username}}"))];
    let plan = RequestPlan::compile(&request, &language()).unwrap();
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
        let mut request = RequestSpec::new(w("GET"), w("https://h/"));
        request.headers = vec![(w(name), w(value))];
        let message = first_mistake(RequestPlan::compile(&request, &language()));
        assert!(message.contains(part), "{name}: {message}");
    }
}

#[test]
fn text_bodies_keep_their_separators() {
    let text = |text: &str, username: &str, password: &str| json(BodySpec::Text(w(text)), &context(username, password));
    assert_eq!(text("u={{user.username}}&p={{user.userPassword}}", "a b", "p").unwrap(), "u=a b&p=p");
    for (username, password) in [("a&b", "p"), ("a", "p&admin=1"), ("a", "p\n"), ("a=", "p"), ("\r", "p")] {
        let result = text("u={{user.username}}&p={{user.userPassword}}", username, password);
        assert!(matches!(result, Err(RenderError::FromUser { .. })), "{result:?}");
    }
    assert_eq!(text("{{user.username | base64}}|{{user.userPassword | hex}}", "a|b", "\n").unwrap(), "YXxi|0a");
}

#[test]
fn braces_in_a_password_are_no_template() {
    let tree = JsonSpec::Object(vec![(w("p"), JsonSpec::Text(w("{{user.userPassword}}")))]);
    let body = json(BodySpec::Json(tree), &context("u", "{{user.userPassword}}${base}")).unwrap();
    assert_eq!(body, r#"{"p":"{{user.userPassword}}${base}"}"#);
}

fn compile(build: impl FnOnce(&mut RequestSpec<'static>)) -> Result<RequestPlan, Vec<Located>> {
    let mut spec = RequestSpec::new(w("POST"), w("https://h/"));
    build(&mut spec);
    RequestPlan::compile(&spec, &language())
}

#[test]
fn xml_goes_out_as_written() {
    let text = "<?xml version=\"1.0\" encoding='UTF-8'?>\n<a b='{{user.username}}' c=\"${base}\">&lt;{{env.n}}<!-- x --><d/></a>\n";
    let plan = compile(|spec| spec.body = Some(BodySpec::Xml(w(text)))).unwrap();
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
        let message = first_mistake(compile(|spec| spec.body = Some(BodySpec::Xml(w(text)))));
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn charsets_agree_or_are_refused() {
    let gbk = |text: &'static str| {
        compile(|spec| {
            spec.charset = Some(w("gbk"));
            spec.body = Some(BodySpec::Xml(w(text)));
        })
    };
    assert!(gbk("<?xml version='1.0' encoding='GBK'?><a/>").is_ok());
    assert!(first_mistake(gbk("<?xml version='1.0'?><a/>")).contains("charset GBK"));
    assert!(first_mistake(gbk("<a>😀</a>")).contains("lacks"));
    assert!(first_mistake(compile(|spec| spec.charset = Some(w("utf-16")))).contains("no charset"));
    let with_type = |value: &'static str, charset: Option<&'static str>| {
        compile(|spec| {
            spec.headers = vec![(w("Content-Type"), w(value))];
            spec.charset = charset.map(w);
            spec.body = Some(BodySpec::Text(w("x")));
        })
    };
    assert!(with_type("text/x; charset=GB2312", Some("gbk")).is_ok());
    assert!(with_type("text/x; charset=\"utf-8\"", None).is_ok());
    assert!(first_mistake(with_type("text/x; charset=gbk", None)).contains("is not the request's"));
}

#[test]
fn multipart_names_are_literal_and_plain() {
    let part = |name: &'static str, value: &'static str| PartSpec {
        name: w(name),
        value: w(value),
        filename: None,
        content_type: None,
    };
    let file =
        PartSpec { filename: Some(w("a.txt")), content_type: Some(w("text/plain")), ..part("f", "{{user.username}}") };
    let plan = compile(|spec| spec.body = Some(BodySpec::Multipart(vec![file, part("p", "1")]))).unwrap();
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
        let message = first_mistake(compile(|spec| spec.body = Some(BodySpec::Multipart(vec![part(name, "x")]))));
        assert!(message.contains("a name of a part"), "{message}");
    }
    let message = first_mistake(compile(|spec| {
        spec.body = Some(BodySpec::Multipart(vec![part("a", "x")]));
        spec.headers = vec![(w("content-type"), w("multipart/mixed"))];
    }));
    assert!(message.contains("boundary"), "{message}");
}

#[test]
fn text_holes_without_a_separator_do_not_load() {
    for (text, part) in
        [("{{user.username}}{{env.n}}", "nothing separates"), ("{{user.username}}end", "from the `e` behind it")]
    {
        let message = first_mistake(compile(|spec| spec.body = Some(BodySpec::Text(w(text)))));
        assert!(message.contains(part), "{text}: {message}");
    }
    assert!(compile(|spec| spec.body = Some(BodySpec::Text(w("{{user.username | hex}}{{env.n | hex}}end")))).is_ok());
}

#[test]
fn a_plan_tells_its_uses() {
    let at = |text, mark| Written { text, mark };
    let mut spec = RequestSpec::new(at("POST", 1), at("https://h/{{user.username}}", 2));
    spec.query = vec![(at("q", 3), at("{{env.n}}", 4))];
    spec.headers = vec![(at("x-h", 5), at("{{secret.k}}", 6))];
    spec.body = Some(BodySpec::JsonText(at(r#"{"a": {{steps.a.b}}, "c": "{{answer.x | hmac_md5(secret.m)}}"}"#, 7)));
    let plan = RequestPlan::compile(&spec, &language()).unwrap();
    let uses: Vec<_> = plan.uses().iter().map(|used| (used.mark, used.place, used.hole.variable.to_string())).collect();
    let wanted = [
        (2, Place::PathSegment, "user.username"),
        (4, Place::QueryValue, "env.n"),
        (6, Place::Header, "secret.k"),
        (7, Place::JsonValue, "steps.a.b"),
        (7, Place::JsonString, "answer.x"),
    ];
    assert_eq!(uses, wanted.map(|(mark, place, name)| (mark, place, name.to_owned())));
    assert_eq!(plan.uses()[3].hole.range, 6..19);
    assert_eq!(plan.variables().len(), 6);
    assert_eq!(plan.origins()[0].as_str(), "https://h/");
}

#[test]
fn a_shape_shows_literals_and_hides_the_rest() {
    let plan = compile(|spec| {
        spec.url = w("https://h/u/{{user.username}}?lang=zh");
        spec.query = vec![(w("p"), w("{{user.userPassword}}"))];
        spec.cookies = vec![(w("theme"), w("light"))];
        spec.body = Some(BodySpec::Form(vec![(w("a b"), w("{{user.userPassword | md5}}"))]));
    })
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
    let plan = compile(|spec| spec.headers = vec![(w("x"), w("{{user.username}}"))]).unwrap();
    assert!(matches!(plan.render(&context(&long, "p"), None), Err(RenderError::FromUser { .. })));
    let holes = "{{user.username}} ".repeat(600);
    let holes: &'static str = holes.leak();
    let plan = compile(|spec| spec.body = Some(BodySpec::Json(JsonSpec::Text(w(holes))))).unwrap();
    assert!(matches!(plan.render(&context(&long, "p"), None), Err(RenderError::FromUser { .. })));
}
