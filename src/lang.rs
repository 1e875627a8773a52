//! What Doorward says to people, in English and Chinese: one file a language, `lang/en.json` and `lang/zh-CN.json`, key by key.
//!
//! Flat JSON, so that a browser can read the same file. A text may have `{placeholders}`. The API does not use it: what
//! programs read has one language. The words of enums are in `words`, which is another thing.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::LazyLock;

use crate::words::words;

words! {
    /// A language that all texts exist in.
    pub enum Lang {
        /// The language of everything that is not translated.
        English = "en",
        /// Simplified Chinese.
        Chinese = "zh-CN",
    }
}

type Catalogue = LazyLock<BTreeMap<String, String>>;

const ENGLISH_FILE: &str = include_str!("../lang/en.json");
const CHINESE_FILE: &str = include_str!("../lang/zh-CN.json");

static ENGLISH: Catalogue = LazyLock::new(|| read(ENGLISH_FILE));
static CHINESE: Catalogue = LazyLock::new(|| read(CHINESE_FILE));

/// The files are part of the program, and a test reads them.
fn read(text: &str) -> BTreeMap<String, String> {
    serde_json::from_str(text).unwrap_or_default()
}

impl Lang {
    /// The language of a terminal by its locale: the first of `LC_ALL`, `LC_MESSAGES`, `LANG` that is set and not empty
    /// decides, as POSIX says; every Chinese locale is Chinese here, and everything else English.
    pub fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set =
            ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| variable(name).filter(|v| !v.is_empty()));
        let language = set.unwrap_or_default();
        let language = language.split(['_', '-', '.', '@']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("zh") { Self::Chinese } else { Self::English }
    }

    fn catalogue(self) -> &'static BTreeMap<String, String> {
        match self {
            Self::English => &ENGLISH,
            Self::Chinese => &CHINESE,
        }
    }

    /// The whole file, as a browser reads it.
    pub fn file(self) -> &'static str {
        match self {
            Self::English => ENGLISH_FILE,
            Self::Chinese => CHINESE_FILE,
        }
    }

    /// All keys, in order.
    pub fn keys(self) -> impl Iterator<Item = &'static str> {
        self.catalogue().keys().map(String::as_str)
    }

    /// The text of `key`, if there is one.
    pub fn find(self, key: &str) -> Option<&'static str> {
        self.catalogue().get(key).map(String::as_str)
    }

    /// The text of `key`; the key itself where there is none, so that nothing is silent.
    pub fn text(self, key: &'static str) -> &'static str {
        self.find(key).unwrap_or(key)
    }

    /// The text of `key` with its placeholders filled. Braces in a value stay what they are.
    pub fn fill(self, key: &'static str, values: &[(&str, &dyn Display)]) -> String {
        let mut rest = self.text(key);
        let mut filled = String::new();
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let Some((name, behind)) = after.split_once('}') else {
                rest = &rest[before.len()..];
                break;
            };
            let _ = match values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => write!(filled, "{value}"),
                None => write!(filled, "{{{name}}}"),
            };
            rest = behind;
        }
        filled + rest
    }

    /// `number` of something: `key` for many, `key_one` for one.
    pub fn counted(self, key: &'static str, one: &'static str, number: usize) -> String {
        if number == 1 { self.text(one).to_owned() } else { self.fill(key, &[("n", &number)]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_chooses_as_posix_says() {
        let of = |set: &[(&str, &str)]| {
            Lang::of_locale(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[]), Lang::English);
        assert_eq!(of(&[("LANG", "zh_CN.UTF-8")]), Lang::Chinese);
        assert_eq!(of(&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C")]), Lang::English);
        assert_eq!(of(&[("LANG", "en_US.UTF-8"), ("LC_ALL", ""), ("LC_MESSAGES", "zh")]), Lang::Chinese);
        assert_eq!(of(&[("LANG", "zha")]), Lang::English);
    }

    #[test]
    fn values_are_put_in_and_not_read() {
        assert_eq!(
            Lang::English.fill("check.progress", &[("done", &"{all}"), ("all", &2)]),
            "checked {all} of 2 connectors"
        );
        assert_eq!(Lang::English.fill("no.such{", &[]), "no.such{");
        assert_eq!(Lang::Chinese.counted("check.tests", "check.tests_one", 5), "5 个测试");
    }
}
