//! What regular expressions may take: those of one file, and those of a daemon.

use doorward::catalog::bounds::Bounds;
use doorward::catalog::{LoadedFile, Loader};

use crate::support::loader::loader;

/// A connector with these rows of `reject`.
fn connector(patterns: impl Iterator<Item = String>) -> String {
    let row = |pattern: String| format!("        - {{ when: {{ field: a, matches: '{pattern}' }}, reason: other }}\n");
    let rows: String = patterns.map(row).collect();
    format!(
        r#"version: 1
steps:
  - name: login
    request: {{ method: POST, url: "https://4a.example.com/login", body: {{ json: {{ u: "{{{{user.username}}}}", p: "{{{{user.userPassword}}}}" }} }} }}
    response:
      format: json
      reject:
{rows}      success: {{ field: code, equals: 0 }}
"#
    )
}

async fn load(loader: &Loader, files: &[(&str, String)]) -> Vec<LoadedFile> {
    let directory = tempfile::tempdir().unwrap();
    let written = files.iter().map(|(id, text)| {
        let path = directory.path().join(format!("{id}.yaml"));
        std::fs::write(&path, text).unwrap();
        path
    });
    loader.load(&written.collect::<Vec<_>>()).await
}

fn errors(outcome: &LoadedFile) -> Vec<&str> {
    outcome.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

/// A file of 240 KiB took 740 MiB.
#[tokio::test]
async fn a_file_of_patterns_does_not_load_and_says_so_once() {
    let many = connector((0..3500).map(|number| format!(".{{200}}{number}")));
    let usual = connector((0..40).map(|number| format!("^E-{number}[0-9]{{4}}$")));
    let outcomes = load(&loader(), &[("many", many), ("usual", usual)]).await;
    assert_eq!(errors(&outcomes[0]), ["patterns-too-big"]);
    let at = outcomes[0].diagnostics[0].at.as_ref().map(|(file, _)| file.path.ends_with("many.yaml"));
    assert_eq!(at, Some(true), "the mistake names the file");
    assert!(outcomes[1].live.is_some(), "{:?}", outcomes[1].diagnostics);
}

#[tokio::test]
async fn the_file_with_the_most_gives_way_to_the_others() {
    let bounds = Bounds { pattern_bytes: 8 << 20, ..Bounds::default() };
    let loader = Loader { bounds, ..loader() };
    let large = connector((0..30).map(|number| format!(".{{200}}{number}")));
    let small = |count| connector((0..count).map(|number| format!("^E-{number}$")));
    let outcomes = load(&loader, &[("a", small(3)), ("b", large), ("c", small(4))]).await;
    let loaded: Vec<bool> = outcomes.iter().map(|outcome| outcome.live.is_some()).collect();
    assert_eq!(loaded, [true, false, true]);
    assert_eq!(errors(&outcomes[1]), ["patterns-too-big"]);
}
