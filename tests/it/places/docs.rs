//! The examples of docs/templates.md do what the page says.

use std::path::Path;

use doorward::context::{Context, PageFacts, StepFacts, StepOutcome, User};
use doorward::document::{Value, from_json};
use doorward::template::{Charset, Language, Place, RenderError, Setting, Template};

use super::compile;

/// What the page says stands in the variables.
fn context() -> Context {
    let user = User { username: "zhangsan".into(), password: "p w&\"1\"".into(), ..User::default() };
    let mut context = Context { user, ..Context::default() };
    context.secrets = std::sync::Arc::new([("key".to_owned(), "Jefe".into())].into());
    context.env.insert("count".into(), Value::from(42));
    context.env.insert("profile".into(), from_json(br#"{"id":1234567890123456789}"#).unwrap());
    context.step.unix = 1_767_294_245;
    let captures = [("token".to_owned(), Some(Value::from("t1"))), ("phone".to_owned(), None)].into_iter().collect();
    context.steps.insert(
        "login".into(),
        StepFacts { outcome: StepOutcome::Success, status: Some(200), captures, page: PageFacts::default() },
    );
    context
}

fn language() -> Language {
    let settings = [("base".to_owned(), Setting::Text("https://4a.example.com".into()))].into();
    Language { settings, time_zone: jiff::tz::TimeZone::get("Asia/Shanghai").unwrap() }
}

fn outcome(result: Result<Vec<u8>, RenderError>) -> String {
    match result {
        Ok(bytes) => String::from_utf8(bytes).unwrap(),
        Err(RenderError::Missing(_)) => "missing".into(),
        Err(_) => "refused".into(),
    }
}

fn in_place(text: &str, place: Place) -> String {
    let template = Template::parse(text, &language()).unwrap();
    outcome(template.render(place, &context(), Charset::UTF_8).map(|bytes| bytes.to_vec()))
}

fn in_text_body(text: &str) -> String {
    match compile(serde_json::json!({ "body": { "text": text } }), &language()) {
        Ok(plan) => outcome(plan.render(&context(), None).map(|prepared| prepared.body.unwrap().to_vec())),
        Err(_) => "does not load".into(),
    }
}

const PLACES: [(&str, Place); 8] = [
    ("path ", Place::PathSegment),
    ("query ", Place::QueryValue),
    ("header ", Place::Header),
    ("cookie ", Place::CookieValue),
    ("json value ", Place::JsonValue),
    ("json string ", Place::JsonString),
    ("xml ", Place::XmlText),
    ("basic user ", Place::BasicUser),
];

#[test]
fn examples_of_the_page() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/templates.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut block = "";
    let mut checked = 0;
    for line in page.lines() {
        if let Some(info) = line.strip_prefix("```") {
            block = info;
            continue;
        }
        let Some((example, wanted)) = line.split_once(" =>").filter(|_| !block.is_empty()) else { continue };
        let given = match block {
            "template" => in_place(example, Place::Plain),
            "text-body" => in_text_body(example),
            "place" => {
                let (name, place) = PLACES.iter().find(|(name, _)| example.starts_with(name)).expect(example);
                in_place(&example[name.len()..], *place)
            }
            other => panic!("no such block: {other}"),
        };
        assert_eq!(given, wanted.strip_prefix(' ').unwrap_or(wanted), "{example}");
        checked += 1;
    }
    assert!(checked > 40, "{checked}");
}
