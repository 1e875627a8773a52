//! What comments and documents point at is there: files, headings behind links, sections of the contract, rows of a
//! table.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[expect(clippy::disallowed_methods, reason = "tests have the regex crate")]
fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

fn collect(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, ending, found);
        } else if path.extension().is_some_and(|own| own == ending) {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// README, change log and everything in docs/.
fn pages() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    collect(&root().join("docs"), "md", &mut found);
    found
}

/// The comments of every Rust file, with the lines of a paragraph joined: a citation may run over two of them.
fn comments() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for folder in ["src", "demo/src", "tests", "examples"] {
        collect(&root().join(folder), "rs", &mut found);
    }
    let comment = |line: &str| {
        let (_, comment) = line.split_once("//")?;
        Some(comment.trim_start_matches(['/', '!']).trim().to_owned())
    };
    found
        .into_iter()
        .map(|path| (path.clone(), read(&path).lines().filter_map(comment).collect::<Vec<_>>().join(" ")))
        .collect()
}

/// The names by which links reach the headings of a page, as GitHub makes them.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut in_code = false;
    let headings = page.lines().filter(|line| {
        in_code ^= line.starts_with("```");
        !in_code && line.starts_with('#')
    });
    let slug = |heading: &str| {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(slug).collect()
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    let link = regex(r"\]\(([^)\s]+)\)");
    let mut seen = 0;
    let mut faults = Vec::new();
    for page in pages() {
        let text = read(&page);
        for target in link.captures_iter(&text).map(|found| found.get(1).unwrap().as_str()) {
            if target.contains("://") {
                continue;
            }
            seen += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            if !file.exists() {
                faults.push(format!("{}: no file {target}", shown(&page)));
            } else if !anchor.is_empty() && !anchors(&read(&file)).contains(anchor) {
                faults.push(format!("{}: no heading {target}", shown(&page)));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(seen > 50, "only {seen} links were found");
}

/// Paths from the root of the repository; in documents also those of `src` without it, as in `flow/step.rs`.
#[test]
fn files_that_comments_and_documents_name_exist() {
    let path = regex(r"\b(?:docs|src|tests|examples|scripts|demo/src)/[\w./-]*\w");
    let below_src = regex(r"`([a-z_]+(?:/[a-z_]+)*\.rs)`");
    let mut seen = 0;
    let mut faults = Vec::new();
    let mut named: Vec<(PathBuf, String)> = comments();
    named.extend(pages().into_iter().map(|page| (page.clone(), read(&page))));
    for (file, text) in named {
        // The change log tells of files that have gone since.
        if file.ends_with("CHANGELOG.md") {
            continue;
        }
        for found in path.find_iter(&text).filter(|found| !text[..found.start()].ends_with(['/', '.', '-'])) {
            let exists = root().join(found.as_str()).exists() || root().join("demo").join(found.as_str()).exists();
            faults.extend((!exists).then(|| format!("{} names {}", shown(&file), found.as_str())));
            seen += 1;
        }
        for found in below_src.captures_iter(&text) {
            let name = &found[1];
            let exists = ["src", "tests/it", ""].iter().any(|folder| root().join(folder).join(name).exists());
            let beside = file.parent().unwrap().join(name).exists();
            faults.extend((!exists && !beside).then(|| format!("{} names {name}", shown(&file))));
        }
    }
    assert!(faults.is_empty(), "these do not exist: {faults:#?}");
    assert!(seen > 100, "only {seen} paths were found");
}

/// `docs/contract.md section 4.2` is point 2 of the section "4.", `invariant 6` is point 6 of section 9.
#[test]
fn sections_that_comments_cite_exist() {
    let contract = read(&root().join("docs/contract.md"));
    let mut known = BTreeSet::new();
    let mut section = String::new();
    for line in contract.lines() {
        let number =
            |line: &str| line.split_once(". ").map(|it| it.0).filter(|it| it.parse::<u8>().is_ok()).map(str::to_owned);
        if let Some(own) = line.strip_prefix("## ").and_then(number) {
            section = own;
            known.insert(section.clone());
        } else if let Some(point) = number(line) {
            known.insert(format!("{section}.{point}"));
        }
    }
    let cited = regex(r"contract(?:\.md)?,? sections? ((?:[0-9.]+(?:, | and | to )?)+)(?:,? invariants? ([0-9]+))?");
    let number = regex(r"[0-9]+(?:\.[0-9]+)?");
    let mut seen = 0;
    let mut faults = Vec::new();
    for (file, text) in comments() {
        for found in cited.captures_iter(&text) {
            let mut sections: Vec<String> = number.find_iter(&found[1]).map(|it| it.as_str().to_owned()).collect();
            sections.extend(found.get(2).map(|invariant| format!("9.{}", invariant.as_str())));
            for section in sections {
                let cites = || format!("{} cites section {section} of the contract", shown(&file));
                faults.extend((!known.contains(&section)).then(cites));
                seen += 1;
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(seen > 30, "only {seen} citations were found");
}

#[test]
fn failures_that_comments_cite_are_rows_of_the_table() {
    let security = read(&root().join("docs/security.md"));
    let cited = regex(r"docs/security\.md,? failures? ([0-9]+)");
    let mut seen = 0;
    for (file, text) in comments() {
        for found in cited.captures_iter(&text) {
            assert!(security.contains(&format!("\n| {} |", &found[1])), "{} cites failure {}", shown(&file), &found[1]);
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} citations were found");
}
