use indexmap::IndexMap;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::context::{Context, Enctype, Field, FieldKind, Form, PageFacts, StepFacts, StepOutcome, User, Variable};
use crate::diagnostic::Diagnostic;
use crate::document::{Gaps, from_form};
use crate::request::tests::compile_text;
use crate::request::{CompileOptions, RequestPlan};
use crate::template::{Language, RenderError};

fn field(name: &str, kind: FieldKind, value: Option<&str>) -> Field {
    Field { name: name.to_owned(), kind, value: value.map(str::to_owned) }
}

fn form(fields: Vec<Field>) -> Form {
    Form { enctype: Enctype::UrlEncoded, charset: "UTF-8".to_owned(), fields }
}

/// A login whose step `page` held `form`.
fn held(form: Result<Form, String>, username: &str, password: &str) -> Context {
    let user = User { username: username.to_owned(), password: password.into(), ..User::default() };
    let mut context = Context { user, ..Context::default() };
    let page = PageFacts { forms: [("#f".to_owned(), form)].into(), ..PageFacts::default() };
    let facts = StepFacts { outcome: StepOutcome::Success, status: Some(200), captures: IndexMap::new(), page };
    context.steps.insert("page".to_owned(), facts);
    context
}

fn compiled(method: &str, set: &[(&str, &str)], more: &Value) -> Result<RequestPlan, Vec<Diagnostic>> {
    let mut values = json!({});
    for (name, _) in set {
        values[name] = set.iter().filter(|(other, _)| other == name).map(|(_, value)| *value).collect();
    }
    let form = json!({ "step": "page", "css": "#f", "set": values });
    let mut keys = json!({ "method": method, "url": "https://4a.example.com/do?a=b", "body": { "form_from": form } });
    keys.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    compile_text(&keys.to_string(), CompileOptions::new(&Language::default()))
}

fn plan(set: &[(&str, &str)]) -> RequestPlan {
    compiled("POST", set, &json!({})).unwrap()
}

fn body(plan: &RequestPlan, context: &Context) -> String {
    String::from_utf8(plan.render(context, None).unwrap().body.unwrap().to_vec()).unwrap()
}

fn header(plan: &RequestPlan, context: &Context) -> String {
    let prepared = plan.render(context, None).unwrap();
    let value = prepared.headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.clone());
    value.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

fn refused(plan: &RequestPlan, context: &Context) -> String {
    match plan.render(context, None) {
        Err(RenderError::FromReply { what }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn set_fields_keep_their_place_and_the_rest_is_the_pages() {
    use FieldKind::{Button, Hidden, Visible};
    let fields = || {
        vec![
            field("lt", Hidden, Some("LT 1\r\n&=")),
            field("user", Visible, Some("")),
            field("box", Visible, None),
            field("r", Visible, None),
            field("r", Visible, Some("2")),
            field("go", Button, None),
            field("end", Hidden, Some("\n")),
        ]
    };
    for (set, wanted) in [
        (&[][..], "lt=LT%201%0D%0A%26%3D&user=&r=2&end=%0D%0A"),
        (&[("user", "{{user.username}}")], "lt=LT%201%0D%0A%26%3D&user=zhang%20san&r=2&end=%0D%0A"),
        (&[("go", "Login"), ("box", "on")], "lt=LT%201%0D%0A%26%3D&user=&box=on&r=2&go=Login&end=%0D%0A"),
        (&[("r", "3")], "lt=LT%201%0D%0A%26%3D&user=&r=3&end=%0D%0A"),
        (&[("r", "3"), ("r", "4"), ("r", "5")], "lt=LT%201%0D%0A%26%3D&user=&r=3&r=4&r=5&end=%0D%0A"),
        (&[("lt", ""), ("end", "x")], "lt=&user=&r=2&end=x"),
    ] {
        assert_eq!(body(&plan(set), &held(Ok(form(fields())), "zhang san", "p")), wanted, "{set:?}");
    }
    // Line ends of the page are a form's; those of a password are its own.
    let fields = vec![field("p", Visible, Some("a\nb")), field("q", Hidden, Some("a\nb\rc\r\nd"))];
    let context = held(Ok(form(fields)), "u", "a\nb\rc");
    assert_eq!(body(&plan(&[("p", "{{user.userPassword}}")]), &context), "p=a%0Ab%0Dc&q=a%0D%0Ab%0D%0Ac%0D%0Ad");
}

#[test]
fn a_form_that_is_not_what_the_file_was_written_for_is_refused() {
    let fields = vec![
        field("username", FieldKind::Visible, Some("")),
        field("pass\u{1b}word", FieldKind::Visible, Some("")),
        field("f3a1-token-name", FieldKind::Hidden, Some("1")),
        field("go", FieldKind::Button, None),
    ];
    let set = plan(&[("user", "{{user.username}}")]);
    assert_eq!(
        refused(&set, &held(Ok(form(fields.clone())), "zhangsan", "p")),
        "the form #f of step page has no field \"user\"; it has \"username\", \"password\", and 2 hidden ones or buttons"
    );
    let many = (0..20).map(|n| field(&format!("f{n}"), FieldKind::Visible, None)).collect();
    let line = refused(&set, &held(Ok(form(many)), "zhangsan", "p"));
    assert!(line.ends_with("\"f10\", \"f11\", 8 more, and 0 hidden ones or buttons"), "{line}");
    let hidden = vec![field("x", FieldKind::Hidden, None)];
    let line = refused(&set, &held(Ok(form(hidden)), "zhangsan", "p"));
    assert!(line.ends_with("it has none that a person fills in, and 1 hidden ones or buttons"), "{line}");
    let why = "the page of step page has no form #f".to_owned();
    assert_eq!(refused(&set, &held(Err(why.clone()), "u", "p")), why);
    assert_eq!(refused(&set, &Context::default()), "the step page was not sent, so there is no form #f");
    let plain = Form { enctype: Enctype::Plain, ..form(fields) };
    assert_eq!(
        refused(&plan(&[]), &held(Ok(plain), "u", "p")),
        "the form #f of step page is sent as text/plain, in which the end of a field is unknown"
    );
}

#[test]
fn the_charset_is_the_forms_unless_the_file_names_one() {
    let gbk = || {
        let fields = vec![
            field("_charset_", FieldKind::Charset, Some("")),
            field("t", FieldKind::Hidden, Some("中😀")),
            field("u", FieldKind::Visible, Some("")),
        ];
        Form { charset: "GBK".to_owned(), ..form(fields) }
    };
    let set = &[("u", "{{user.username}}文")];
    let context = held(Ok(gbk()), "中", "p");
    // What the page's own charset lacks stands there as a reference, as in a browser.
    assert_eq!(body(&plan(set), &context), "_charset_=GBK&t=%D6%D0%26%23128512%3B&u=%D6%D0%CE%C4");
    assert_eq!(header(&plan(set), &context), "application/x-www-form-urlencoded");
    let written = compiled("POST", set, &json!({ "charset": "gb18030" })).unwrap();
    assert_eq!(body(&written, &context), "_charset_=gb18030&t=%D6%D0%949%FC6&u=%D6%D0%CE%C4");
    assert_eq!(header(&written, &context), "application/x-www-form-urlencoded; charset=gb18030");
    // What a user typed is exact or not sent.
    let refused = plan(set).render(&held(Ok(gbk()), "😀", "p"), None);
    assert!(matches!(refused, Err(RenderError::FromUser { .. })), "{refused:?}");
    let odd = Form { charset: "x-user-defined".to_owned(), ..gbk() };
    assert!(body(&plan(set), &held(Ok(odd), "中", "p")).starts_with("_charset_=UTF-8&"));
}

#[test]
fn multipart_as_browsers_write_it() {
    let fields = vec![
        field("a\"\r\nb", FieldKind::Hidden, Some("1\n2")),
        field("file", FieldKind::File, Some("")),
        field("u", FieldKind::Visible, Some("")),
    ];
    let context = held(Ok(Form { enctype: Enctype::Multipart, ..form(fields) }), "zhang", "p");
    let plan = plan(&[("u", "{{user.username}}")]);
    let kind = header(&plan, &context);
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    assert_eq!(
        body(&plan, &context),
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"a%22%0D%0Ab\"\r\n\r\n1\r\n2\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"u\"\r\n\r\nzhang\r\n--{boundary}--\r\n"
        )
    );
}

#[test]
fn with_get_the_entries_are_the_query() {
    let fields = || vec![field("t", FieldKind::Hidden, Some("a b")), field("u", FieldKind::Visible, Some(""))];
    // How a form would be packed does not matter there.
    let context = held(Ok(Form { enctype: Enctype::Plain, ..form(fields()) }), "zhang", "p");
    let plan = compiled("GET", &[("u", "{{user.username}}")], &json!({ "query": { "z": "1" } })).unwrap();
    let prepared = plan.render(&context, None).unwrap();
    assert_eq!(prepared.url.as_str(), "https://4a.example.com/do?a=b&t=a%20b&u=zhang&z=1");
    assert!(prepared.body.is_none() && prepared.headers.iter().all(|(name, _)| name != "content-type"));
    assert!(plan.has_query_form());
    assert!(plan.url_variables().contains(&Variable::Username));
    let long = vec![field("t", FieldKind::Hidden, Some(&"x".repeat(17_000)))];
    assert_eq!(
        refused(&compiled("GET", &[], &json!({})).unwrap(), &held(Ok(form(long)), "u", "p")),
        "the form makes a URL of more than 16 KiB"
    );
}

#[test]
fn a_shape_knows_where_each_value_comes_from() {
    let fields = vec![field("t", FieldKind::Hidden, Some("token")), field("u", FieldKind::Visible, None)];
    let context = held(Ok(form(fields)), "zhang", "p");
    let shape = |plan: &RequestPlan| -> Vec<(&'static str, String, Option<String>, Vec<String>)> {
        let parts = plan.shape(&context, None).unwrap().into_iter().filter(|part| part.place != "header");
        let names = |part: &crate::request::ShapePart| part.variables.iter().map(ToString::to_string).collect();
        parts.map(|part| (part.place, part.name.clone(), part.literal().map(str::to_owned), names(&part))).collect()
    };
    let token = |place| (place, "t".to_owned(), None, vec!["steps.page form #f".to_owned()]);
    let parts = shape(&plan(&[("u", "{{user.username}}")]));
    assert_eq!(parts[2..], [token("body"), ("body", "u".to_owned(), None, vec!["user.username".to_owned()])]);
    let parts = shape(&compiled("GET", &[("u", "x")], &json!({})).unwrap());
    assert_eq!(parts[2..], [token("query"), ("query", "u".to_owned(), Some("x".to_owned()), Vec::new())]);
    assert!(plan(&[]).variables().iter().any(|variable| variable.to_string() == "steps.page form #f"));
}

#[test]
fn names_are_literal_and_the_type_is_the_pages() {
    assert!(compiled("POST", &[("{{user.username}}", "x")], &json!({})).is_err());
    let named = compiled("POST", &[], &json!({ "headers": { "Content-Type": "application/x" } }));
    assert_eq!(named.unwrap_err().len(), 1);
}

/// Any text, with what forms and HTTP care about more often.
fn any_text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec!['&', '=', '+', '%', ' ', '\r', '\n', '\0', '"', ';', '#', '中', '😀', 'é']);
    prop::collection::vec(prop_oneof![special, any::<char>()], 0..12).prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    /// What the server reads is what the page held and what the user typed.
    #[test]
    fn parsed_again_it_is_the_same(token in any_text(), password in any_text(), name in any_text()) {
        let name = format!("n{name}");
        let fields = vec![
            field("token", FieldKind::Hidden, Some(&token)),
            field("password", FieldKind::Visible, Some("")),
            field(&name, FieldKind::Hidden, Some("x")),
        ];
        let context = held(Ok(form(fields)), "u", &password);
        let sent = body(&plan(&[("password", "{{user.userPassword}}")]), &context);
        let read = from_form(sent.as_bytes(), encoding_rs::UTF_8, Gaps::Refuse).unwrap();
        let lines = |text: &str| super::lines(text).into_owned();
        let wanted = [("token".to_owned(), lines(&token)), ("password".to_owned(), password), (lines(&name), "x".to_owned())];
        prop_assert_eq!(read.into_iter().collect::<Vec<_>>(), wanted);
    }
}
