use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, SourceFile};

fn read(text: &str) -> (Option<Connector>, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::new(Arc::new(SourceFile { path: "a.yaml".into(), text: text.into() }));
    let node = crate::yaml::parse(&mut diagnostics);
    let connector = node.and_then(|node| Connector::read(&node, &mut diagnostics));
    (connector, diagnostics.into_list())
}

fn sample(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/connectors");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn the_connector_of_the_design_is_read_as_it_was_written() {
    let text = sample("design.yaml");
    let (connector, diagnostics) = read(&text);
    assert_eq!(diagnostics, []);
    let connector = connector.unwrap();
    let timeout = connector.transport.as_ref().unwrap().timeout.as_ref().unwrap();
    assert_eq!(timeout.value, TimeSpan(Duration::from_secs(8)));
    assert_eq!(&text[timeout.span.clone()], "8s");
    let login = &connector.steps[0];
    let request = login.request.as_ref().unwrap();
    let Some(Body::Json(Tree { value: TreeValue::Object(members), .. })) =
        request.sent.body.as_ref().map(|body| &*body.content)
    else {
        panic!("{request:?}")
    };
    assert_eq!(members[1].0.value, "user-password");
    let crate::request::raw::Url::Template(url) = &request.sent.url else { panic!("{request:?}") };
    assert_eq!(&text[url.span_of(0..7)], "${base}");
    let response = login.response.as_ref().unwrap();
    let Rule::Leaf(leaf) = &response.reject[0].when.rule else { panic!("{response:?}") };
    assert!(matches!(
        (&leaf.source.kind, &leaf.operator),
        (SourceKind::Field(_), Operator::Equals(Constant::Number(_)))
    ));
    assert_eq!(&text[response.place.key("more").clone()], "more");
    let Some(ScriptUse::Inline(script)) = &login.variables else { panic!("{login:?}") };
    let at = script.text.find("user.userPassword").unwrap();
    assert_eq!(&text[script.span_of(at..at + 4)], "user");
    let ask = connector.steps[2].ask.as_ref().unwrap();
    assert_eq!(ask.fields[0].pattern.as_ref().unwrap().as_str(), "^[0-9]{6}$");
}

#[test]
fn numbers_keep_their_digits_where_they_are_text() {
    let text = "version: 1\nsteps: [ { name: a, request: { url: x, headers: { A: 1.50, B: true }, \
                query: { c: 12345678901234567890 } } } ]\n";
    let (connector, mistakes) = read(text);
    assert_eq!(mistakes, []);
    let request = connector.unwrap().steps[0].request.clone().unwrap();
    let headers: Vec<&str> = request.sent.headers.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(headers, ["1.50", "true"]);
    assert_eq!(request.sent.query.get("c").unwrap()[0].as_str(), "12345678901234567890");
}

#[test]
fn a_mistake_that_leaves_the_meaning_clear_leaves_a_connector_to_check() {
    let (connector, mistakes) = read("version: 2\ntitle: 2024\nx: y\nsteps: [ { name: a, name: b } ]\n");
    assert!(connector.is_some());
    let codes: Vec<&str> = mistakes.iter().map(|mistake| mistake.code).collect();
    assert_eq!(codes, ["unknown-version", "quote-it", "unknown-key", "duplicate-key"]);
}

/// Nothing is given up in silence: a file that gives no connector has an error, and one with other bytes gives the
/// same or an error. Also that no damage makes the reader panic.
#[test]
fn a_damaged_file_is_read_or_has_an_error() {
    for text in [sample("design.yaml"), sample("every-key.yaml")] {
        let lines: Vec<&str> = text.lines().collect();
        for damaged in 0..lines.len() {
            let without: Vec<&str> = [&lines[..damaged], &lines[damaged + 1..]].concat();
            assert_read_or_told(&without.join("\n"));
            // Another slip on every line, so that the test stays short and every slip meets every kind of line.
            let (from, to) = SLIPS[damaged % SLIPS.len()];
            let slipped = lines[damaged].replacen(from, to, 1);
            let other: Vec<&str> = [&lines[..damaged], &[slipped.as_str()], &lines[damaged + 1..]].concat();
            assert_read_or_told(&other.join("\n"));
        }
    }
}

const SLIPS: [(&str, &str); 7] =
    [(": ", ": 7 #"), (": ", ":"), ("{", ""), ("}", ""), ("[", ""), ("\"", ""), ("  ", "")];

fn assert_read_or_told(text: &str) {
    let (connector, diagnostics) = read(text);
    let errors = diagnostics.iter().filter(|mistake| mistake.severity == Severity::Error).count();
    assert!(connector.is_some() || errors > 0, "{text}");
}
