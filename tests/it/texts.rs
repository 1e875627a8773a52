//! The texts of `lang/`: both languages have the same, and everything that has a text has it in both.

mod pages;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use doorward::lang::Lang;
use doorward::verdict::{Cause, Reason};
use regex::Regex;

use crate::architecture::sources;

const HOLE: &str = r"\{[a-z_]+\}";
const HOW: &str = "docs/contributing.md, \"A text that people read\", says how to add it";

#[expect(clippy::disallowed_methods, reason = "a pattern of this test")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn both_files_have_the_same_keys_and_placeholders() {
    let hole = pattern(HOLE);
    let of = |lang: Lang| -> BTreeMap<&str, BTreeSet<&str>> {
        let holes = |key: &'static str| hole.find_iter(lang.text(key)).map(|found| found.as_str()).collect();
        lang.keys().map(|key| (key, holes(key))).collect()
    };
    let (english, chinese) = (of(Lang::English), of(Lang::Chinese));
    assert!(english.len() > 400, "only {} keys", english.len());
    let differ: Vec<_> =
        english.keys().chain(chinese.keys()).filter(|key| english.get(*key) != chinese.get(*key)).collect();
    assert!(differ.is_empty(), "a key or a placeholder is in one language only: {differ:?}; {HOW}");
}

#[test]
fn every_text_is_written_once_in_order_and_in_its_language() {
    let hole = pattern(HOLE);
    for lang in Lang::ALL {
        let file = std::fs::read_to_string(root().join(format!("lang/{lang}.json"))).unwrap();
        let keys: Vec<&str> =
            file.lines().filter_map(|line| line.trim().strip_prefix('"')?.split('"').next()).collect();
        assert!(keys.is_sorted() && keys.iter().collect::<BTreeSet<_>>().len() == keys.len(), "{lang}: sort the keys");
        for key in lang.keys() {
            let text = lang.text(key);
            assert!(!text.is_empty(), "{lang}: {key}");
            let is_chinese = text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
            // A command is the same in both, and so is what holds nothing but placeholders.
            let words = hole.replace_all(text, "").contains(|c: char| c.is_ascii_alphabetic());
            let same = text == Lang::English.text(key) || !words;
            assert!(if *lang == Lang::English { !is_chinese } else { is_chinese || same }, "{lang}: {key}: {text}");
        }
    }
}

#[test]
fn every_verdict_reason_and_cause_is_said_in_both() {
    let verdicts = ["accept", "reject", "challenge", "unavailable", "misconfigured"];
    let wanted = (verdicts.iter().map(|word| format!("verdict.{word}")))
        .chain(Reason::ALL.iter().map(|word| format!("reason.{word}")))
        .chain(Cause::ALL.iter().map(|word| format!("cause.{word}")));
    let missing: Vec<String> = wanted.filter(|key| Lang::ALL.iter().any(|lang| lang.find(key).is_none())).collect();
    assert!(missing.is_empty(), "without a text in lang/: {missing:?}; {HOW}");
}

/// The program's own lines, without those of its tests.
fn program() -> Vec<(String, String)> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let page = std::fs::read_dir(root().join("src/studio/page")).unwrap().map(|entry| entry.unwrap().path());
    files.extend(page.filter(|path| path.extension().is_some_and(|ending| ending == "js")));
    let pages = std::fs::read_dir(root().join("src/sign_in/pages")).unwrap().map(|entry| entry.unwrap().path());
    files.extend(pages.filter(|path| path.extension().is_some_and(|ending| ending == "html")));
    let is_test = |path: &Path| path.iter().any(|part| part == "tests" || part == "tests.rs" || part == "trial.rs");
    files
        .into_iter()
        .filter(|path| !is_test(path))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
            (path.strip_prefix(root()).unwrap().display().to_string(), text[..end].to_owned())
        })
        .collect()
}

/// Codes stand as literals where a mistake is made; a code that reaches a constructor by a variable is a kebab-case literal all the same
/// and is found by `diagnostics`, whose golden files show every kind.
#[test]
fn every_diagnostic_has_a_title_and_a_remedy_in_both() {
    let made = pattern(
        r#"(?:\b(?:error|error_at|wrong|refuse|parsed|without_place|mistake|in_script|Mistake::new)\(\s*(?:written,\s*)?|\bcode:\s*|\bcode = )"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)""#,
    );
    let program = program();
    let mut missing = BTreeSet::new();
    let mut found = 0;
    for (path, text) in program.iter().filter(|(path, _)| !path.starts_with("src/api/")) {
        for code in made.captures_iter(text).map(|captures| captures[1].to_owned()) {
            found += 1;
            if !has_texts(&code) {
                missing.insert(format!("{code} ({path})"));
            }
        }
    }
    assert!(found > 200, "only {found}: the pattern of this test no longer fits the source");
    assert!(missing.is_empty(), "diagnostics without a title or a remedy in lang/: {missing:?}; {HOW}");
    let codes = Lang::English.keys().filter_map(|key| key.strip_prefix("diagnostic.")?.strip_suffix(".title"));
    let unused: Vec<&str> =
        codes.filter(|code| !program.iter().any(|(_, text)| text.contains(&format!("\"{code}\"")))).collect();
    assert!(unused.is_empty(), "texts of diagnostics that nobody makes: {unused:?}");
}

#[test]
fn every_key_that_is_named_is_there_and_every_key_is_named() {
    let named = pattern(r#"\b(?:text|fill|counted|find)\(\s*"([a-z]+\.[a-z_.]+)""#);
    let program = program();
    let missing: BTreeSet<&str> = program
        .iter()
        .flat_map(|(_, text)| named.captures_iter(text).filter_map(|captures| Some(captures.get(1)?.as_str())))
        .filter(|key| Lang::English.find(key).is_none())
        .collect();
    assert!(missing.is_empty(), "keys that lang/ does not have: {missing:?}; {HOW}");
    let by_word = ["diagnostic.", "verdict.", "reason.", "cause.", "card.", "field.", "place.", "role.", "why."];
    let unused: Vec<&str> = Lang::English
        .keys()
        .filter(|key| !by_word.iter().any(|prefix| key.starts_with(prefix)))
        .filter(|key| !program.iter().any(|(_, text)| text.contains(&format!("\"{key}\""))))
        .collect();
    assert!(unused.is_empty(), "texts that nobody says: {unused:?}");
}

/// Whether a diagnostic of this code has its texts in both languages.
pub fn has_texts(code: &str) -> bool {
    let has = |lang: &Lang, what: &str| lang.find(&format!("diagnostic.{code}.{what}")).is_some();
    Lang::ALL.iter().all(|lang| has(lang, "title") && has(lang, "remedy"))
}

fn said(arguments: &[&str], locale: Option<&str>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env_remove("LANG");
    if let Some(locale) = locale {
        command.env("LANG", locale);
    }
    let Output { stdout, stderr, .. } = command.args(arguments).current_dir(root()).output().unwrap();
    String::from_utf8([stdout, stderr].concat()).unwrap()
}

#[test]
fn the_option_wins_over_the_locale_and_what_programs_read_stays_english() {
    let check = ["check", "connectors/form.yaml"];
    assert!(said(&check, None).contains("1 connector, "), "{}", said(&check, None));
    let chinese = said(&check, Some("zh_CN.UTF-8"));
    assert!(chinese.contains("1 个连接器，") && chinese.contains("全部正确"), "{chinese}");
    assert!(said(&["--lang", "en", "check", "connectors/form.yaml"], Some("zh_CN.UTF-8")).contains("all good"));
    assert_eq!(said(&["check", "connectors/form.yaml", "--lang", "zh-CN"], None), chinese);
    let json = ["check", "connectors/form.yaml", "--format", "json"];
    assert_eq!(said(&json, Some("zh_CN.UTF-8")), said(&json, None));
    let wrong = said(&["--lang", "fr", "check"], None);
    assert!(wrong.contains("invalid value 'fr'") && wrong.contains("zh-CN"), "{wrong}");
}

#[test]
fn a_mistake_is_told_in_chinese_with_its_place() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("a.yaml");
    std::fs::write(&file, "version: 1\nstepz: []\n").unwrap();
    let told = said(&["check", file.to_str().unwrap(), "--lang", "zh-CN"], None);
    for part in
        ["错误[unknown-key]: 不认识的键", "a.yaml:2:1", "原文: ", "建议: ", "1 个连接器：", "1 个连接器不能运行"]
    {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
}

#[test]
fn a_new_directory_is_described_in_chinese() {
    let home = tempfile::tempdir().unwrap();
    let told = said(&["init", home.path().join("d").to_str().unwrap(), "--connector", "form", "--lang", "zh-CN"], None);
    for part in ["守护进程的配置文件", "第一个连接器", "只显示这一次", "控制台这样调用", "  token: dw"]
    {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
}
