//! README.zh-CN.md and docs/zh: the same outline, examples, tables and keys as the English pages, which they link to and are linked from.
//!
//! `UPDATE_GOLDEN=1` copies changed examples into the Chinese pages; sentences are written by hand.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use doorward::lang::Lang;

use super::{pattern, root};

/// What both languages have, below docs/ and docs/zh/.
const PAGES: [&str; 10] = [
    "first-connector",
    "connectors",
    "flows",
    "send-test",
    "studio",
    "operation",
    "api",
    "doors",
    "sessions",
    "sign-in",
];

struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    fn read(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let text =
            std::fs::read_to_string(root().join(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path, text }
    }

    /// Fenced blocks, fences included.
    fn examples(&self) -> Vec<&str> {
        pattern(r"(?ms)^```.*?^```$").find_iter(&self.text).map(|found| found.as_str()).collect()
    }

    fn prose(&self) -> String {
        pattern(r"(?ms)^```.*?^```$").replace_all(&self.text, "").into_owned()
    }

    /// The depth of each heading, in order.
    fn outline(&self) -> Vec<usize> {
        self.prose()
            .lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| line.find(' ').unwrap_or_default())
            .collect()
    }

    /// Of each row of a table the code words of its first cell: keys, options, paths, metrics.
    fn rows(&self) -> Vec<BTreeSet<String>> {
        let code = pattern("`([^`]+)`");
        let words = |cell: &str| code.captures_iter(cell).map(|found| found[1].to_owned()).collect();
        let prose = self.prose();
        let rows = prose.lines().map(|line| line.trim_start_matches("> ")).filter(|line| line.starts_with('|'));
        rows.map(|row| words(row.split(" | ").next().unwrap_or_default())).collect()
    }

    /// Where it leads to inside the repository: file and anchor.
    fn links(&self) -> Vec<(PathBuf, Option<String>)> {
        let link = pattern(r"\]\(([^)\s]+)\)");
        let prose = self.prose();
        let inside = |target: &&str| !target.contains("://");
        let targets: Vec<_> =
            link.captures_iter(&prose).map(|found| found.get(1).unwrap().as_str()).filter(inside).collect();
        let here = self.path.parent().unwrap_or(Path::new(""));
        let place = |target: &str| {
            let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
            let file = if file.is_empty() { self.path.clone() } else { here.join(file) };
            (root().join(file), anchor.map(str::to_owned))
        };
        targets.into_iter().map(place).collect()
    }

    /// The anchors of its headings, as GitHub makes them.
    fn anchors(&self) -> BTreeSet<String> {
        let slug = |heading: &str| -> String {
            let kept = heading.trim().to_lowercase();
            kept.chars()
                .filter_map(|c| match c {
                    ' ' => Some('-'),
                    c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                    _ => None,
                })
                .collect()
        };
        self.prose()
            .lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| slug(line.trim_start_matches('#')))
            .collect()
    }
}

fn pairs() -> Vec<(Page, Page)> {
    let mut pairs = vec![(Page::read("README.md"), Page::read("README.zh-CN.md"))];
    pairs.extend(PAGES.map(|name| (Page::read(format!("docs/{name}.md")), Page::read(format!("docs/zh/{name}.md")))));
    pairs
}

/// The Chinese page with the English examples, where both have as many.
fn with_examples(english: &Page, chinese: &Page) -> String {
    let mut text = chinese.text.clone();
    let mut from = 0;
    for (theirs, ours) in english.examples().into_iter().zip(chinese.examples()) {
        let at = from + text[from..].find(ours).unwrap();
        text.replace_range(at..at + ours.len(), theirs);
        from = at + theirs.len();
    }
    text
}

#[test]
fn both_have_the_same_examples() {
    for (english, chinese) in pairs() {
        let (theirs, ours) = (english.examples(), chinese.examples());
        let path = chinese.path.display();
        assert_eq!(theirs.len(), ours.len(), "{path} has another number of examples than {}", english.path.display());
        if theirs != ours && std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(root().join(&chinese.path), with_examples(&english, &chinese)).unwrap();
            continue;
        }
        for (theirs, ours) in theirs.into_iter().zip(ours) {
            assert!(
                theirs == ours,
                "{path}: an example changed; UPDATE_GOLDEN=1 copies it, then mend the text\n{theirs}"
            );
        }
    }
}

#[test]
fn both_have_the_same_headings_and_the_same_keys_in_their_tables() {
    for (english, chinese) in pairs() {
        let (path, other) = (chinese.path.display(), english.path.display());
        assert_eq!(english.outline(), chinese.outline(), "{path} has other headings than {other}");
        let (theirs, ours) = (english.rows(), chinese.rows());
        for (row, (theirs, ours)) in theirs.iter().zip(&ours).enumerate() {
            // The other language's pages are named in tables of contents.
            assert_eq!(theirs, ours, "{path}: row {row} of its tables names other keys than {other}");
        }
        assert_eq!(theirs.len(), ours.len(), "{path}: its tables have another number of rows than {other}");
    }
}

#[test]
fn each_leads_to_the_other_and_every_link_of_the_chinese_pages_leads_somewhere() {
    let mut chinese_pages = vec![Page::read("docs/zh/terms.md")];
    for (english, chinese) in pairs() {
        let leads = |from: &Page, to: &Page| {
            let to = root().join(&to.path).canonicalize().unwrap();
            from.links().iter().any(|(file, _)| file.canonicalize().is_ok_and(|file| file == to))
        };
        assert!(leads(&english, &chinese), "{} does not lead to {}", english.path.display(), chinese.path.display());
        assert!(leads(&chinese, &english), "{} does not lead to {}", chinese.path.display(), english.path.display());
        chinese_pages.push(chinese);
    }
    for page in chinese_pages {
        for (file, anchor) in page.links() {
            assert!(file.exists(), "{}: there is no {}", page.path.display(), file.display());
            let Some(anchor) = anchor else { continue };
            let anchors = Page::read(file.canonicalize().unwrap()).anchors();
            assert!(
                anchors.contains(&anchor),
                "{}: {} has no #{anchor}: {anchors:?}",
                page.path.display(),
                file.display()
            );
        }
    }
}

/// The market's words, and what the program calls its verdicts, are one and the same.
#[test]
fn the_table_of_words_says_what_the_program_says() {
    let terms = Page::read("docs/zh/terms.md").text;
    for key in Lang::Chinese.keys() {
        let Some(word) = ["verdict.", "reason.", "cause."].iter().find_map(|kind| key.strip_prefix(kind)) else {
            continue;
        };
        let row = format!("| `{word}` | {} |", Lang::Chinese.text(key));
        assert!(terms.contains(&row), "docs/zh/terms.md has no row {row}");
    }
    for word in [
        "4A",
        "单点登录",
        "零信任",
        "认证源",
        "请求头部",
        "请求URL参数",
        "请求体",
        "自定义请求变量",
        "响应数据预处理",
        "认证成功条件",
        "扩展字段",
        "发送测试",
        "多步请求",
        "Cookie代理下发",
    ] {
        assert!(
            terms.contains(&format!("| {word}")) || terms.contains(&format!("、{word}")),
            "{word} is not in the table"
        );
    }
}
