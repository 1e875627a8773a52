//! Golden files: a text that is compared with a committed file, or written to it with `UPDATE_GOLDEN=1`; and topic files, each
//! of many cases.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The folder `tests/golden/<name>`.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// The files in `folder` with one of the extensions, by name.
pub fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| extensions.iter().any(|known| e == *known)))
        .collect();
    files.sort();
    files
}

/// What is wrong with the golden file `path` when `actual` is the truth; `None` when it is the same or was written.
pub fn compare(path: &Path, actual: &str) -> Option<String> {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, actual).unwrap();
        return None;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    (expected != actual).then(|| {
        format!(
            "{} is stale (UPDATE_GOLDEN=1 rewrites it)\n--- expected\n{expected}\n--- actual\n{actual}",
            path.display()
        )
    })
}

/// A connector with a mistake, and what is printed about it: a section of a topic file.
///
/// A topic file `x.cases` has sections that begin with `=== name`. A section `=== base` is a connector in parts, each after
/// a line `@part`; it holds for the cases after it. A case writes the parts that it changes, each after its `@part`, and
/// perhaps comments before them; a case without a line of `@` is a whole file. `--- diagnostics` and what is printed follow.
pub struct Case {
    /// The file's name, as diagnostics show it.
    pub name: String,
    /// The whole file.
    pub text: String,
    expected: String,
}

struct Part {
    name: String,
    text: String,
}

/// A topic file: all up to each case's diagnostics as it is written, and the cases.
struct Topic {
    path: PathBuf,
    heads: Vec<String>,
    cases: Vec<Case>,
}

const DIAGNOSTICS: &str = "--- diagnostics\n";

/// All cases of the topic files in `folder`. No other files may be there, and no name twice.
pub fn cases(folder: &Path) -> Vec<Case> {
    let cases: Vec<Case> = topics(folder).into_iter().flat_map(|topic| topic.cases).collect();
    let mut names = BTreeSet::new();
    for case in &cases {
        assert!(names.insert(&case.name), "there are two cases {} in {}", case.name, folder.display());
    }
    cases
}

/// What is wrong with the diagnostics of the topic files in `folder` when `print` prints the truth, which
/// `UPDATE_GOLDEN=1` writes.
pub fn compare_cases(folder: &Path, mut print: impl FnMut(&Case) -> String) -> Vec<String> {
    let mut wrong = Vec::new();
    for topic in topics(folder) {
        let mut whole = String::new();
        for (head, case) in topic.heads.iter().zip(&topic.cases) {
            let actual = print(case);
            whole.extend([head.as_str(), DIAGNOSTICS, &actual, "\n"]);
            if actual != case.expected {
                wrong.push(format!(
                    "{}: {} is stale (UPDATE_GOLDEN=1 rewrites it)\n--- expected\n{}\n--- actual\n{actual}",
                    topic.path.display(),
                    case.name,
                    case.expected
                ));
            }
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&topic.path, whole.trim_end_matches('\n').to_owned() + "\n").unwrap();
            wrong.clear();
        }
    }
    wrong
}

fn topics(folder: &Path) -> Vec<Topic> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths.collect();
    paths.sort();
    paths.into_iter().map(topic).collect()
}

fn topic(path: PathBuf) -> Topic {
    let is_topic = path.extension().is_some_and(|e| e == "cases");
    assert!(is_topic, "{} belongs to no topic: write it as a case of a .cases file beside it", path.display());
    let text = std::fs::read_to_string(&path).unwrap();
    let (intro, sections) = split(&text, "=== ");
    let (mut head, mut base) = (intro, Vec::new());
    let mut topic = Topic { path, heads: Vec::new(), cases: Vec::new() };
    for section in sections {
        if section.name == "base" {
            let text = section.text.trim_end_matches('\n').to_owned() + "\n";
            head.extend(["=== base\n", &text, "\n"]);
            base = split(&text, "@").1;
            continue;
        }
        let (written, expected) = section.text.split_once(DIAGNOSTICS).unwrap_or((section.text.trim_end(), ""));
        let written = written.trim_end_matches('\n').to_owned() + "\n";
        let place = format!("{}: {}", topic.path.display(), section.name);
        let name = if section.name.contains('.') { section.name.clone() } else { format!("{}.yaml", section.name) };
        let expected = expected.trim_end_matches('\n').to_owned() + "\n";
        topic.cases.push(Case { name, text: changed(&base, &written, &place), expected });
        topic.heads.push(format!("{head}=== {}\n{written}", section.name));
        head.clear();
    }
    topic
}

/// What stands before the first line that begins with `mark`, and what stands after each such line.
fn split(text: &str, mark: &str) -> (String, Vec<Part>) {
    let (mut before, mut parts) = (String::new(), Vec::<Part>::new());
    for line in text.split_inclusive('\n') {
        if let Some(name) = line.strip_prefix(mark) {
            parts.push(Part { name: name.trim_end().to_owned(), text: String::new() });
        } else {
            parts.last_mut().map_or(&mut before, |part| &mut part.text).push_str(line);
        }
    }
    (before, parts)
}

/// The file that `written` says: itself, or `base` with its parts.
fn changed(base: &[Part], written: &str, place: &str) -> String {
    let (comment, changes) = split(written, "@");
    if changes.is_empty() {
        return written.to_owned();
    }
    for change in &changes {
        assert!(base.iter().any(|part| part.name == change.name), "{place}: the base has no part @{}", change.name);
        assert_eq!(
            changes.iter().filter(|other| other.name == change.name).count(),
            1,
            "{place}: @{} twice",
            change.name
        );
    }
    let part = |part: &Part| changes.iter().find(|change| change.name == part.name).unwrap_or(part).text.clone();
    comment + &base.iter().map(part).collect::<String>()
}

#[test]
fn a_case_is_its_base_with_the_parts_that_it_changes() {
    let base = split("@top\na: 1\n@middle\n@end\nb: 2\nc: 3\n", "@").1;
    assert_eq!(changed(&base, "# Why.\n@middle\nx: 9\n", ""), "# Why.\na: 1\nx: 9\nb: 2\nc: 3\n");
    assert_eq!(changed(&base, "@end\n@top\na: \"@end\"\n", ""), "a: \"@end\"\n");
    assert_eq!(changed(&base, "whole: file\n", ""), "whole: file\n");
}

#[test]
#[should_panic(expected = "topic: case: the base has no part @midle")]
fn a_part_that_the_base_has_not_is_told() {
    changed(&split("@middle\na: 1\n", "@").1, "@midle\na: 2\n", "topic: case");
}
