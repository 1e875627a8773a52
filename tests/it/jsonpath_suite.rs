//! The RFC 9535 compliance suite: a path gives the suite's result, or is in the list of what is refused and why.

use std::collections::BTreeMap;
use std::fs;

use doorward::document::{Lookup, Path, Shape, UnknownCause, Value, from_json};
use regex::{Regex, RegexBuilder};

use crate::support::corpora;

/// What RFC 9535 reads and a path of a connector does not: why, how it is known by its text (quoted texts taken out), and how
/// many valid cases of the suite have it, each counted for the first that fits.
const DIFFERS: [(&str, &str, usize); 8] = [
    ("`..` names nodes wherever they are: a rule must say where", r"\.\.", 19),
    ("functions are not read: comparisons with literals are what a login's reply needs", r"[a-z]\s*\(", 74),
    ("`*` names many nodes by its shape", r"\*", 12),
    ("a list of selectors names many nodes by its shape", r",", 22),
    ("a slice names many nodes by its shape", r":", 57),
    ("`$` in a filter, which would be looked up for every item", r"\?[^\]]*\$", 2),
    ("a filter in a filter, whose cost is a product", r"\?[^\]]*\[\s*\?", 1),
    ("two paths compared, of whatever size they are", r"@[^=!<>&|]*[=!<>]=?\s*@", 53),
];

fn pattern(text: &str) -> Regex {
    RegexBuilder::new(text).build().expect("a pattern that compiles")
}

fn differs(selector: &str) -> Option<&'static str> {
    let texts = pattern(r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"#);
    let bare = texts.replace_all(selector, "''");
    DIFFERS.iter().find(|(_, known, _)| pattern(known).is_match(&bare)).map(|(why, ..)| *why)
}

/// The suite's list of nodes as a path says it: several are unknown. Objects have no order in some cases, which then have several
/// results that are permutations of each other.
fn wanted(case: &Value) -> Lookup<'_> {
    let several = case.get("results").and_then(|results| match results {
        Value::Array(results) => results.first(),
        _ => None,
    });
    let Some(Value::Array(nodes)) = case.get("result").or(several) else { panic!("a case without a result") };
    match &nodes[..] {
        [] => Lookup::Absent,
        [node] => Lookup::Node(node),
        _ => Lookup::Unknown(UnknownCause::Several),
    }
}

#[test]
fn paths_give_the_suites_result_or_are_in_the_list_of_what_differs() {
    let Some(file) = corpora::path("jsonpath/cts.json") else { return };
    let suite = from_json(&fs::read(file).unwrap()).unwrap();
    let Some(Value::Array(cases)) = suite.get("tests") else { panic!("no cases") };
    let (mut read, mut filtered, mut invalid, mut refused) = (0, 0, 0, BTreeMap::<&str, usize>::new());
    for case in cases {
        let name = case.get("name").and_then(Value::scalar_text).unwrap();
        let selector = case.get("selector").and_then(Value::scalar_text).unwrap();
        // The suite also has texts without `$`, which are paths of our own bare form.
        if !selector.starts_with('$') {
            assert!(case.get("invalid_selector").is_some(), "{name}");
            continue;
        }
        match (Path::parse(selector), case.get("invalid_selector").is_some()) {
            (Err(_), true) => invalid += 1,
            (Ok(_), true) => panic!("{name}: {selector} is let through"),
            (Err(error), false) => match differs(selector) {
                Some(why) => *refused.entry(why).or_default() += 1,
                None => panic!("{name}: {selector} is refused: {error}"),
            },
            (Ok(path), false) => {
                assert_eq!(differs(selector), None, "{name}: {selector} is read");
                assert_eq!(
                    path.look_up(case.get("document").unwrap(), Shape::Plain),
                    wanted(case),
                    "{name}: {selector}"
                );
                read += 1;
                filtered += usize::from(path.filters());
            }
        }
    }
    let listed: BTreeMap<&str, usize> = DIFFERS.iter().map(|(why, _, cases)| (*why, *cases)).collect();
    assert_eq!(refused, listed);
    assert_eq!((read, filtered, invalid), (216, 137, 246));
}
