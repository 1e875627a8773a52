//! The layers of docs/contract.md section 10: a file uses only what is below it.
//!
//! Order is written once, here, from the top down. Names on one line are a group whose members may use each other.

mod circles;
mod sizes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// From the top down. A module may use its own line and every line below.
const LAYERS: &[&[&str]] = &[
    &["main", "cmd"],
    &["api", "shipped", "studio"],
    &["door", "sign_in"],
    &["http"],
    &["attempt"],
    &["audit", "metrics", "trace", "golden", "log", "guard", "otel"],
    &["session"],
    &["catalog"],
    &["flow"],
    &["state"],
    &["connector"],
    &["config"],
    &["mapping"],
    &["cookies", "condition"],
    &["response"],
    &["signing"],
    &["upstream"],
    &["request"],
    &["mask"],
    &["script"],
    &["template"],
    &["packing"],
    &["pattern"],
    &["token"],
    &["crypto"],
    &["reading"],
    &["edit"],
    &["yaml"],
    &[
        "account",
        "context",
        "document",
        "verdict",
        "diagnostic",
        "lang",
        "secret",
        "clock",
        "dumps",
        "files",
        "budget",
        "percent",
        "words",
    ],
];

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

pub fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// The top-level modules that a file names in `crate::x` or `doorward::x`, outside comments.
fn used(text: &str) -> Vec<(usize, String)> {
    let mut uses = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for marker in ["crate::", "doorward::"] {
            for (at, _) in code.match_indices(marker) {
                let name: String =
                    code[at + marker.len()..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if name.chars().next().is_some_and(|c| c.is_ascii_lowercase()) {
                    uses.push((number + 1, name));
                }
            }
        }
    }
    uses
}

#[test]
fn a_file_uses_only_what_is_below_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut faults = Vec::new();
    let mut unknown: BTreeMap<String, PathBuf> = BTreeMap::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let own = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if own == "lib" {
            continue;
        }
        let Some(layer) = layer_of(&own) else {
            unknown.insert(own, relative.to_owned());
            continue;
        };
        for (line, name) in used(&std::fs::read_to_string(&file).unwrap()) {
            match layer_of(&name) {
                Some(below) if below >= layer => {}
                Some(_) => faults.push(format!("src/{}:{line}: {own} must not use {name}", relative.display())),
                None => faults.push(format!("src/{}:{line}: {name} has no layer in this test", relative.display())),
            }
        }
    }
    assert!(unknown.is_empty(), "modules without a layer: {unknown:?}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// `flow::step` reads top down, and so does `flow::meaning` for what a reply means: the stages stand in the order of
/// the design.
#[test]
fn the_stages_stand_in_order() {
    let stands = |file: &str, first: &str, stages: &[&str]| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/flow").join(file);
        let text = std::fs::read_to_string(path).unwrap();
        let body = &text[text.find(first).unwrap()..];
        let places: Vec<usize> = stages.iter().map(|stage| body.find(stage).expect(stage)).collect();
        assert!(places.is_sorted(), "{stages:?} stand at {places:?}");
    };
    let stages = ["variables(", "render(", "sign(", "send(", "decode(", "preprocess(", "judge(", "capture_and_map("];
    stands("step.rs", "pub(super) async fn run(", &stages);
    stands("meaning.rs", "fn of_reply(", &["judge_by_rules(", "capture(", "compare_identity(", "map_data("]);
}

/// docs/contract.md section 3: the JavaScript engine stays behind one wall, so that it can be exchanged and nothing of
/// it gets into the daemon's own values.
#[test]
fn the_engine_of_scripts_is_named_below_its_wall_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let names_it = |file: &PathBuf| std::fs::read_to_string(file).unwrap().contains("boa_");
    let uses: Vec<PathBuf> = files.into_iter().filter(names_it).collect();
    assert!(!uses.is_empty());
    let wall = root.join("script/engine");
    assert!(uses.iter().all(|file| file.starts_with(&wall)), "{uses:?}");
}

/// A ledger is reopened from sealed state in one place; anywhere else it would be a way around the proofs.
#[test]
fn one_place_reopens_a_ledger() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let uses: Vec<String> = files
        .iter()
        .filter(|file| std::fs::read_to_string(file).unwrap().contains("Ledger::reopen("))
        .map(|file| file.strip_prefix(&root).unwrap().display().to_string())
        .collect();
    // The other one is its own unit test.
    assert_eq!(
        uses.iter().map(String::as_str).collect::<std::collections::BTreeSet<_>>(),
        ["flow/login.rs", "verdict/ledger.rs"].into()
    );
}

/// A session is made of an accept, whose grant is used up by that; one place does it.
#[test]
fn one_place_makes_sessions() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let uses = |word: &str| -> Vec<String> {
        let names = |file: &&PathBuf| std::fs::read_to_string(file).unwrap().contains(word);
        let mut uses: Vec<String> =
            files.iter().filter(names).map(|file| file.strip_prefix(&root).unwrap().display().to_string()).collect();
        uses.sort();
        uses
    };
    assert_eq!(uses(".take_grant("), ["session/sessions.rs"]);
    let in_session = |file: &String| file.starts_with("session/");
    let made: Vec<String> = uses("Record {").into_iter().filter(in_session).collect();
    assert_eq!(made, ["session/record.rs", "session/sessions.rs"]);
}
