//! Every kind of mistake in a connector: what the author sees. The topic files of
//! `tests/golden/diagnostics` hold one a case, and what is printed.

use std::path::Path;

use doorward::diagnostic::{Severity, Style, render, render_json};

use crate::check::check_text;
use crate::golden;
use crate::texts::has_texts;

/// So many cases there are at least: none gets lost.
const CASES: usize = 100;

#[test]
fn every_kind_of_mistake_is_told_as_the_golden_file_says() {
    let folder = golden::folder("diagnostics");
    let count = golden::cases(&folder).len();
    assert!(count >= CASES, "only {count} kinds");
    let mut wrong = Vec::new();
    let stale = golden::compare_cases(&folder, |case| {
        let diagnostics = check_text(Path::new(&case.name), case.text.clone());
        if diagnostics.is_empty() {
            wrong.push(format!("{} has no mistake", case.name));
        }
        render(&diagnostics, Style::Plain)
    });
    wrong.extend(stale);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What every message must have, so that nobody is left with "error".
#[test]
fn every_error_says_where_and_what_to_do() {
    for case in golden::cases(&golden::folder("diagnostics")) {
        for diagnostic in check_text(Path::new(&case.name), case.text) {
            let name = format!("{}: {diagnostic:?}", case.name);
            assert_eq!(diagnostic.severity, Severity::Error, "{name}");
            assert!(diagnostic.at.is_some(), "{name}");
            assert!(!diagnostic.help.is_empty(), "{name}");
            assert!(has_texts(diagnostic.code), "lang/ has no title or remedy for {}", diagnostic.code);
            assert!(!diagnostic.message.ends_with('.') && !diagnostic.message.contains('\n'), "{name}");
        }
    }
}

#[test]
fn tools_get_the_same_as_json() {
    let text = "version: 1\n标题: x\nsteps: 5\n";
    let diagnostics = check_text(Path::new("dir/a.yaml"), text.into());
    let printed: serde_json::Value = serde_json::from_str(&render_json(&diagnostics)).unwrap();
    assert_eq!(printed.as_array().unwrap().len(), 2);
    assert_eq!(
        printed[1],
        serde_json::json!({
            "severity": "error", "code": "wrong-kind", "message": "expected a list, found the number 5", "file": "a.yaml",
            "line": 3, "column": 8, "end_line": 3, "end_column": 9, "label": "this is the number 5",
            "help": ["write [ … ], or a line for each item that begins with -"],
        })
    );
}

#[test]
fn colours_are_an_addition_only() {
    let diagnostics = check_text(Path::new("a.yaml"), "version: 1\nstpes: []\n".into());
    let (plain, coloured) = (render(&diagnostics, Style::Plain), render(&diagnostics, Style::Coloured));
    assert!(!plain.contains('\u{1b}') && coloured.contains('\u{1b}'));
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}

#[test]
fn a_literal_secret_is_never_quoted_back() {
    let text = "version: 1\nsecrets: { key: hunter2secret, other: { evn: X } }\nsteps: []\n";
    let diagnostics = check_text(Path::new("a.yaml"), text.into());
    assert!(diagnostics.iter().any(|diagnostic| diagnostic.code == "literal-secret"));
    let printed = render(&diagnostics, Style::Plain) + &render_json(&diagnostics);
    assert!(printed.contains("{ key: *************, other") && !printed.contains("hunter2"), "{printed}");
}
