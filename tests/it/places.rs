//! What a user types arrives as the user typed it, or is refused; it never changes the request around it.
//!
//! (docs/contract.md section 9, invariants 4 and 7; docs/security.md, failures 4, 5 and 6.) The readers are in `places/upstream.rs`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod docs;
mod named;
mod plans;
mod separators;
mod upstream;

use doorward::context::{Context, StepTexts, User};
use doorward::diagnostic::{Diagnostic, Diagnostics, SourceFile};
use doorward::document::{Number, Value};
use doorward::request::{self, CompileOptions, Prepared, RequestPlan};
use doorward::template::{Language, RenderError};
use proptest::prelude::*;
use serde_json::json;
use upstream::{Received, elements, pairs, parts};

use self::plans::{
    cookie, form, header, json_text, json_tree, multipart, path_segment, query, text, whole_header, xml,
};

const USER: &str = "{{user.username}}";
const PASSWORD: &str = "{{user.userPassword}}";

/// A request whose keys are read as a file is; it goes to `https://4a.example.com/login` unless they say otherwise.
pub fn compile(mut keys: serde_json::Value, language: &Language) -> Result<RequestPlan, Vec<Diagnostic>> {
    let keys = keys.as_object_mut().unwrap();
    keys.entry("url").or_insert("https://4a.example.com/login".into());
    keys.entry("method").or_insert("POST".into());
    let text = serde_json::to_string(keys).unwrap();
    let mut diagnostics = Diagnostics::new(SourceFile { path: "a.yaml".into(), text }.into());
    let node = doorward::yaml::parse(&mut diagnostics);
    let raw = node.and_then(|node| doorward::reading::read_keyed::<request::raw::Request>(&node, &mut diagnostics));
    let plan = raw.and_then(|raw| RequestPlan::compile(&raw, CompileOptions::new(language), &mut diagnostics));
    plan.ok_or_else(|| diagnostics.into_list())
}

/// One request for each place, so that a refusal is that place's own.
pub fn plan(keys: serde_json::Value) -> RequestPlan {
    compile(keys, &Language::default()).expect("compiles")
}

pub fn context(username: &str, password: &str) -> Context {
    let user = User { username: username.into(), password: password.into(), ..User::default() };
    let mut context = Context { user, request_id: "r".into(), ..Context::default() };
    context.step.texts = StepTexts { hex16: "00112233445566778899aabbccddeeff".into(), ..StepTexts::default() }.into();
    context
}

pub fn send(plan: &RequestPlan, username: &str, password: &str) -> Result<Received, RenderError> {
    let prepared: Prepared = plan.render(&context(username, password), None)?;
    assert_eq!(prepared.url.origin().ascii_serialization(), "https://4a.example.com");
    Ok(Received::new(&prepared))
}

/// The refusal must blame the user and quote nothing.
fn refused(result: Result<Received, RenderError>, username: &str) -> bool {
    match result {
        Ok(_) => false,
        Err(RenderError::FromUser { what }) => {
            assert!(username.chars().count() < 8 || !what.contains(username), "{what}");
            true
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// What syntaxes are made of, and characters that readers stumble over.
const SYNTAX: &[&str] = &[
    "\"",
    "'",
    "\\",
    "/",
    "%",
    "%2e",
    "%00",
    "%0d%0a",
    "..",
    ".",
    "&",
    "=",
    "+",
    ";",
    ":",
    "@",
    "#",
    "?",
    "<",
    ">",
    "&lt;",
    "&#0;",
    "]]>",
    "<![CDATA[",
    "<!--",
    "{{",
    "}}",
    "${",
    "\r\n",
    "\r",
    "\n",
    "\t",
    "\0",
    "\u{1}",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{202e}",
    "\u{200f}א",
    "😀",
    "👨\u{200d}👩",
    "中文",
    "é",
    "e\u{301}",
    " ",
    "--",
    "\u{f8d0}",
    "\u{f8d1}0\u{f8d2}",
    "\u{10ffff}",
    "$serde_json::private::Number",
    ",",
    "[",
    "{",
];

/// All of Unicode, and the characters that syntaxes are made of far more often than chance would have them.
fn typed() -> impl Strategy<Value = String> {
    let syntax = prop::sample::select(SYNTAX);
    let piece = prop_oneof![
        3 => syntax.prop_map(str::to_owned),
        2 => any::<char>().prop_map(String::from),
        2 => "[a-zA-Z0-9]{1,4}",
        1 => (0_u32..0x110).prop_map(|code| char::from_u32(code).unwrap().into()),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() }
}

/// Checks one pair of values in every place; the plans are compiled once.
pub struct Places {
    path_segment: RequestPlan,
    query: RequestPlan,
    header: RequestPlan,
    whole_header: RequestPlan,
    cookie: RequestPlan,
    json: [RequestPlan; 2],
    form: RequestPlan,
    multipart: RequestPlan,
    xml: RequestPlan,
    text: RequestPlan,
}

impl Places {
    pub fn new() -> Self {
        Self {
            path_segment: path_segment(),
            query: query(),
            header: header(),
            whole_header: whole_header(),
            cookie: cookie(),
            json: [json_tree(), json_text()],
            form: form(),
            multipart: multipart(),
            xml: xml(),
            text: text(),
        }
    }

    pub fn check(&self, user: &str, password: &str) {
        self.check_url(user, password);
        self.check_headers(user);
        self.check_bodies(user, password);
        self.check_xml(user, password);
        self.check_text(user, password);
    }

    fn check_url(&self, user: &str, password: &str) {
        let bytes = |text: &str| text.as_bytes().to_vec();
        match send(&self.path_segment, user, password) {
            Ok(received) => {
                let wanted = [bytes("u"), bytes(user), bytes(&format!("x-{password}")), bytes("end")];
                assert_eq!(received.segments, wanted);
                assert!(received.query.is_empty());
                assert!(!matches!(user, "" | "." | "..") && !user.contains('\0'));
            }
            result => {
                assert!(refused(result, user));
                let harmless = |text: &str| !text.contains(|c: char| c.is_control() || "./\\%;".contains(c));
                assert!(user.is_empty() || !harmless(user) || !harmless(password), "{user:?} {password:?} was refused");
            }
        }
        let received = send(&self.query, user, password).expect("a query carries everything");
        assert_eq!(received.segments, [bytes("login")]);
        let wanted = [("u", user), ("p", password), ("lang", "zh")].map(|(name, value)| (bytes(name), bytes(value)));
        assert_eq!(received.query, wanted);
    }

    fn check_headers(&self, user: &str) {
        let visible = user.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let result = send(&self.header, user, "p");
        if visible && !user.contains(' ') {
            let received = result.unwrap();
            assert_eq!(received.header_names(), ["x-user", "x-tagged", "user-agent", "accept"]);
            assert_eq!(received.header("x-user"), user.as_bytes());
            assert_eq!(received.header("x-tagged"), format!("a {user} b").as_bytes());
        } else {
            assert!(refused(result, user));
        }
        let result = send(&self.whole_header, user, "p");
        if visible && user.trim() == user {
            assert_eq!(result.unwrap().header("x-user"), user.as_bytes());
        } else {
            assert!(refused(result, user));
        }
        // RFC 6265 section 4.1.1: not white space, DQUOTE, comma, semicolon, backslash.
        let octets = user.bytes().all(|byte| matches!(byte, b'!'..=b'~') && !b"\",;\\".contains(&byte));
        let result = send(&self.cookie, user, "p");
        if octets {
            assert_eq!(result.unwrap().cookies(), [("u", user), ("theme", "light")]);
        } else {
            assert!(refused(result, user));
        }
    }

    fn check_bodies(&self, user: &str, password: &str) {
        for plan in &self.json {
            let received = send(plan, user, password).expect("JSON carries everything");
            let read: serde_json::Value = serde_json::from_slice(&received.body).expect("JSON");
            assert_eq!(read, serde_json::json!({ "u": user, "p": [format!("x{password}y")] }));
        }
        let received = send(&self.form, user, password).expect("a form carries everything");
        let read = url::form_urlencoded::parse(&received.body).into_owned().collect::<Vec<_>>();
        assert_eq!(read, [("u".to_owned(), user.to_owned()), ("p".to_owned(), format!("x{password}"))]);
        assert_eq!(pairs(&received.body).len(), 2);
        let received = send(&self.multipart, user, password).expect("multipart carries everything");
        let wanted = [("u", user), ("p", password)].map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        assert_eq!(parts(&received), wanted);
    }

    fn check_xml(&self, user: &str, password: &str) {
        // XML 1.0 section 2.2.
        let carries = |text: &str| {
            text.chars()
                .all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..))
        };
        let result = send(&self.xml, user, password);
        if !carries(user) || !carries(password) {
            assert!(refused(result, user));
            return;
        }
        let body = String::from_utf8(result.unwrap().body).unwrap();
        let wanted = [("a", ""), ("@xmlns", "urn:x"), ("u", user), ("@id", user), ("p", &format!("x{password}"))];
        assert_eq!(elements(&body), wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    fn check_text(&self, user: &str, password: &str) {
        let carries = |text: &str| !text.contains(['\r', '\n', '\0', '=', '&']);
        let result = send(&self.text, user, password);
        if !carries(user) || !carries(password) {
            assert!(refused(result, user));
            return;
        }
        let body = String::from_utf8(result.unwrap().body).unwrap();
        let read: Vec<_> = body.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
        assert_eq!(read, [("u", user), ("p", password)]);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_the_upstream_reads_is_what_the_user_typed(user in typed(), password in typed()) {
        Places::new().check(&user, &password);
    }

    #[test]
    fn values_keep_their_type_and_digits_as_json_leaves(value in any_json()) {
        let plan = plan(json!({ "body": { "json": { "v": "{{env.v}}" } } }));
        let mut context = context("u", "p");
        context.env.insert("v".into(), value.clone());
        let body = plan.render(&context, None).unwrap().body.unwrap();
        let read: serde_json::Value = serde_json::from_slice(&body).unwrap();
        prop_assert_eq!(&read["v"], &serde_json::to_value(&value).unwrap());
        prop_assert_eq!(read.as_object().unwrap().len(), 1);
    }

    #[test]
    fn a_charset_carries_a_text_exactly_or_refuses_it(user in typed(), label in prop::sample::select(CHARSETS)) {
        check_charset(label, &user);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?".prop_map(|text| Value::Number(Number::parse(&text).unwrap())),
        typed().prop_map(Value::from),
    ];
    // A key that is serde_json's own sign for a number is not readable by serde_json.
    let key = typed().prop_filter("reserved by the reader", |key| !key.starts_with("$serde_json")).boxed();
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((key.clone(), inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

const CHARSETS: &[&str] = &["gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr", "windows-1252"];

/// The bodies and the query of one text in one charset.
fn check_charset(label: &'static str, user: &str) {
    let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
    let decode = |bytes: &[u8]| {
        let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
        text.expect("the charset's own bytes").into_owned()
    };
    let body = |body: serde_json::Value| {
        send(&plan(json!({ "charset": label, "query": { "u": USER }, "body": body })), user, "p")
    };
    let name = encoding.name().to_ascii_lowercase();
    let typed = |received: &Received, media: &str| {
        assert_eq!(str::from_utf8(received.header("content-type")).unwrap(), format!("{media}; charset={name}"));
        assert_eq!(received.query.iter().map(|(_, value)| decode(value)).collect::<Vec<_>>(), [user]);
    };
    let results = [
        body(json!({ "json": { "u": USER } })).map(|received| {
            typed(&received, "application/json");
            let read: serde_json::Value = serde_json::from_str(&decode(&received.body)).unwrap();
            assert_eq!(read, serde_json::json!({ "u": user }));
            // A parser that knows bytes only sees the same syntax.
            let text = decode(&received.body);
            let mut other = text.chars().filter(|c| !c.is_ascii());
            assert!(other.all(|c| encoding.encode(&c.to_string()).0.iter().all(|byte| !byte.is_ascii())), "{user:?}");
        }),
        body(json!({ "form": { "u": USER } })).map(|received| {
            typed(&received, "application/x-www-form-urlencoded");
            let read: Vec<_> = pairs(&received.body).iter().map(|(_, value)| decode(value)).collect();
            assert_eq!(read, [user]);
        }),
    ];
    let carried = encoding.encode(user);
    for result in results {
        match result {
            Ok(()) => assert!(!carried.2),
            Err(RenderError::FromUser { .. }) => {
                assert!(carried.2 || decode(&carried.0) != user, "{user:?} is in {label}");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    if let Ok(received) = body(json!({ "xml": "<u>{{user.username}}</u>" })) {
        typed(&received, "application/xml");
        let text = decode(&received.body);
        assert!(text.starts_with(&format!("<?xml version=\"1.0\" encoding=\"{}\"?>", encoding.name())));
        assert_eq!(elements(&text), [("u".to_owned(), user.to_owned())]);
    }
}
