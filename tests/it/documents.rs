//! What the documents say about the repository is true: tests that they name exist, and no text cites a document that
//! is not here.

mod references;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below `folder` whose names end so.
fn files(folder: &Path, ends: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ends, found);
        } else if ends.iter().any(|end| path.to_str().unwrap().ends_with(end)) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["src", "demo", "tests", "examples"] {
        files(&root().join(folder), &[".rs"], &mut found);
    }
    found
}

#[test]
fn the_tests_that_documents_name_exist() {
    let mut functions = BTreeSet::new();
    for source in sources() {
        for line in std::fs::read_to_string(source).unwrap().lines() {
            let line = line.trim_start();
            let Some(name) = line.strip_prefix("fn ").or_else(|| line.strip_prefix("async fn ")) else { continue };
            functions.insert(name.split(['(', '<']).next().unwrap().to_owned());
        }
    }
    for (page, least) in [("docs/security.md", 28), ("docs/ARCHITECTURE.md", 10)] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        let mut named = 0;
        // Names of tests are the only words in backquotes with three underscores or more.
        for word in text.split('`').skip(1).step_by(2) {
            let is_name = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            if is_name && word.matches('_').count() >= 3 {
                assert!(functions.contains(word), "{page} names the test {word}, which does not exist");
                named += 1;
            }
        }
        assert!(named >= least, "{page} names only {named} tests");
    }
}

/// Comments and documents may lean on what a reader of the repository has, and on nothing else.
#[test]
fn no_text_cites_a_document_outside_the_repository() {
    // Put together, so that this file does not cite them.
    let absent = ["DESIGN", "TRAPS"].map(|name| format!("{name}.md"));
    let mut found = sources();
    files(&root().join("docs"), &[".md"], &mut found);
    found.extend(["README.md", "CHANGELOG.md", "Cargo.toml", "clippy.toml", "deny.toml"].map(|name| root().join(name)));
    for file in found {
        let text = std::fs::read_to_string(&file).unwrap();
        for name in &absent {
            assert!(!text.contains(name.as_str()), "{} cites {name}", file.display());
        }
    }
}
