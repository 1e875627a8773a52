//! What a text leads to and reads: its trust set (docs/studio.md, "Drafts and secrets").
//!
//! Whoever edits a connector could send its secrets anywhere by changing a host. So a draft is compared with the saved file:
//! what it names beyond that one is listed, and until it is saved nothing of it is read and nothing is sent.
//!
//! It is read off the YAML itself, by the names of keys, so that it needs no file that loads. Cases of `tests` name nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::diagnostic::{Diagnostics, SourceFile, shown};
use crate::yaml::{self, Entry, Node, NodeValue};

/// Keys at the top whose members count one by one.
const LISTS: [&str; 2] = ["settings", "secrets"];
/// Keys that count with all that is below them.
const WHOLE: [&str; 10] =
    ["auth", "cookie_delivery", "decrypt", "jwks_url", "jwt", "pin_sha256", "proxy", "resolve", "tls", "token_url"];
/// Keys of addresses: scheme, host and port count, the path does not.
const ADDRESSES: [&str; 2] = ["url", "image"];

/// What a text names that somebody must have trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TrustSet(BTreeSet<TrustedName>);

/// One thing that a text names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct TrustedName {
    /// The key, or `settings.base`.
    pub key: String,
    /// What it says, on one line.
    pub value: String,
}

impl TrustSet {
    /// Of a text; empty when it is no YAML.
    pub(super) fn of(text: &str) -> Self {
        let file = Arc::new(SourceFile { path: PathBuf::new(), text: text.to_owned() });
        let mut set = Self::default();
        if let Some(Node { value: NodeValue::Map(entries), .. }) = yaml::parse(&mut Diagnostics::new(file)) {
            for entry in entries.iter().filter(|entry| entry.key != "tests") {
                set.top(entry);
            }
        }
        set
    }

    /// What is here and not in `saved`, as a person reads it.
    pub(super) fn beyond(&self, saved: &Self) -> Vec<TrustedName> {
        let cut = |name: &TrustedName| TrustedName { key: shown(&name.key), value: shown(&name.value) };
        self.0.difference(&saved.0).map(cut).collect()
    }

    /// Whether it names a file that lies at `path`, as a connector in `directory` names it.
    pub(super) fn names_file(&self, directory: &Path, path: &Path) -> bool {
        self.files().any(|name| directory.join(&name.value) == path)
    }

    pub(super) fn names_some_file(&self) -> bool {
        self.files().next().is_some()
    }

    fn files(&self) -> impl Iterator<Item = &TrustedName> {
        self.0.iter().filter(|name| name.key == "file" || name.key.ends_with("_file"))
    }

    /// Whether it names the environment variable `name`.
    pub(super) fn names_variable(&self, name: &str) -> bool {
        self.0.iter().any(|known| known.key == "env" && known.value == name)
    }

    fn top(&mut self, entry: &Entry) {
        match &entry.value.value {
            NodeValue::Map(members) if LISTS.contains(&entry.key.as_str()) => {
                for member in members {
                    self.add(format!("{}.{}", entry.key, member.key), on_one_line(&member.value));
                    self.below(&member.value);
                }
            }
            _ => self.entry(entry),
        }
    }

    fn entry(&mut self, entry: &Entry) {
        let key = entry.key.as_str();
        if WHOLE.contains(&key) {
            self.add(key.to_owned(), on_one_line(&entry.value));
        }
        match &entry.value.value {
            NodeValue::Scalar(scalar) if ADDRESSES.contains(&key) => {
                self.add(key.to_owned(), authority(&scalar.text).to_owned());
            }
            NodeValue::Scalar(scalar) if key == "file" || key.ends_with("_file") || key == "env" => {
                self.add(key.to_owned(), scalar.text.clone());
            }
            _ if ADDRESSES.contains(&key) => self.add(key.to_owned(), on_one_line(&entry.value)),
            _ => {}
        }
        self.below(&entry.value);
    }

    fn below(&mut self, node: &Node) {
        match &node.value {
            NodeValue::Map(entries) => entries.iter().for_each(|entry| self.entry(entry)),
            NodeValue::List(items) => items.iter().for_each(|item| self.below(item)),
            NodeValue::Scalar(_) | NodeValue::Broken => {}
        }
    }

    fn add(&mut self, key: String, value: String) {
        self.0.insert(TrustedName { key, value });
    }
}

/// `https://host:port` of an address, or the setting that it begins with. What stands there as a hole stays as it is written.
fn authority(address: &str) -> &str {
    let begin = address.find("://").map_or(0, |at| at + 3);
    let end = address[begin..].find(['/', '?', '#', '\\']).map_or(address.len(), |at| begin + at);
    &address[..end]
}

fn on_one_line(node: &Node) -> String {
    match &node.value {
        NodeValue::Scalar(scalar) => scalar.text.clone(),
        NodeValue::List(items) => format!("[{}]", items.iter().map(on_one_line).collect::<Vec<_>>().join(", ")),
        NodeValue::Map(entries) => {
            let mut text = String::from("{");
            for (at, entry) in entries.iter().enumerate() {
                let comma = if at == 0 { "" } else { ", " };
                let _ = write!(text, "{comma}{}: {}", entry.key, on_one_line(&entry.value));
            }
            text + "}"
        }
        NodeValue::Broken => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAVED: &str = r#"version: 1
settings: { base: { env: BASE, default: "https://4a.example.com" }, app: one }
secrets: { key: { env: KEY } }
steps:
  - name: login
    variables_file: login.js
    request: { method: POST, url: "${base}/login", body: { json: { a: "{{secret.key}}" } } }
    response: { format: json, success: { field: code, equals: 200 } }
tests:
  - { name: a, url: "https://elsewhere.example.com" }
"#;

    fn grown(from: &str, to: &str) -> Vec<String> {
        let draft = SAVED.replacen(from, to, 1);
        assert_ne!(draft, SAVED, "{from}");
        TrustSet::of(&draft).beyond(&TrustSet::of(SAVED)).into_iter().map(|name| name.key).collect()
    }

    #[test]
    fn what_a_draft_leads_to_and_reads_counts() {
        for (from, to, expected) in [
            ("https://4a.example.com", "https://evil.example", &["settings.base"][..]),
            ("env: BASE", "env: PATH", &["env", "settings.base"]),
            ("app: one", "app: { env: DOORWARD_STATE_KEY }", &["env", "settings.app"]),
            ("${base}/login", "https://evil.example/login", &["url"]),
            ("${base}/login", "${app}/login", &["url"]),
            ("${base}/login", "${base}.evil.example/login", &["url"]),
            ("${base}/login", "${base}@evil.example/login", &["url"]),
            ("url: \"${base}/login\"", "url: { from: capture.x }", &["url"]),
            ("key: { env: KEY }", "key: { file: /etc/shadow }", &["file", "secrets.key"]),
            ("key: { env: KEY }", "key: { env: KEY }, two: { env: KEY }", &["secrets.two"]),
            ("variables_file: login.js", "variables_file: ../other.js", &["variables_file"]),
            ("steps:", "transport: { resolve: { a.example.com: 10.0.0.1 } }\nsteps:", &["resolve"]),
            ("steps:", "transport: { proxy: \"http://10.0.0.1:80\" }\nsteps:", &["proxy"]),
            ("steps:", "transport: { tls: { pin_sha256: abc } }\nsteps:", &["pin_sha256", "tls"]),
            ("steps:", "transport: { tls: { ca_file: ca.pem } }\nsteps:", &["ca_file", "tls"]),
            ("steps:", "cookie_delivery: { domain: example.com }\nsteps:", &["cookie_delivery"]),
        ] {
            assert_eq!(grown(from, to), expected, "{to}");
        }
    }

    #[test]
    fn rules_paths_and_cases_do_not() {
        for (from, to) in [
            ("${base}/login", "${base}/v2/login?a=b"),
            ("equals: 200", "equals: 0"),
            ("https://elsewhere.example.com", "https://other.example.com"),
            ("version: 1", "# a comment\nversion: 1"),
            (", app: one", ""),
        ] {
            assert_eq!(grown(from, to), <[String; 0]>::default(), "{to}");
        }
        assert!(!TrustSet::of(SAVED).beyond(&TrustSet::of("")).is_empty(), "a new file has no saved one");
    }
}
