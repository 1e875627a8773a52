//! The RFC 9535 compliance suite: a path that can yield one node only gives exactly the suite's result, and every
//! other selector is refused when it is parsed.

use std::fs;

use doorward::document::{Path, Value, from_json};

use crate::support::corpora;

/// The grammar of a singular query that starts at the root (RFC 9535 section 2.3.5.1), told independently of the
/// parser under test.
fn is_singular(selector: &str) -> bool {
    let name = r#"(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"#;
    let segment = format!(
        r"(?:\.[A-Za-z_\x{{80}}-\x{{10FFFF}}][0-9A-Za-z_\x{{80}}-\x{{10FFFF}}]*|\[\s*(?:-?[0-9]+|{name})\s*\])"
    );
    let grammar = format!(r"\A\$(?:\s*{segment})*\z");
    regex::RegexBuilder::new(&grammar).build().expect("a grammar that compiles").is_match(selector)
}

#[test]
fn singular_queries_give_the_suites_result_and_all_others_are_refused() {
    let Some(file) = corpora::path("jsonpath/cts.json") else { return };
    let suite = from_json(&fs::read(file).unwrap()).unwrap();
    let Some(Value::Array(cases)) = suite.get("tests") else { panic!("no cases") };
    let (mut read, mut refused) = (0, 0);
    for case in cases {
        let name = case.get("name").and_then(Value::scalar_text).unwrap();
        let selector = case.get("selector").and_then(Value::scalar_text).unwrap();
        let invalid = case.get("invalid_selector").is_some();
        // The suite also has texts without `$`, which are paths of our own bare form.
        if !selector.starts_with('$') {
            assert!(invalid, "{name}");
            continue;
        }
        match Path::parse(selector) {
            Err(_) => {
                assert!(invalid || !is_singular(selector), "{name}: {selector} is refused");
                refused += 1;
            }
            Ok(path) => {
                assert!(!invalid && is_singular(selector), "{name}: {selector} is let through");
                let Some(Value::Array(wanted)) = case.get("result") else { panic!("{name} has no result") };
                let found: Vec<Value> = path.get(case.get("document").unwrap()).cloned().into_iter().collect();
                assert_eq!(&found, wanted, "{name}: {selector}");
                read += 1;
            }
        }
    }
    assert_eq!((read, refused), (79, 623));
}
