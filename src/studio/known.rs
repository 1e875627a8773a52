//! The names that may be written: keys and words of the schema, and what a text declares itself.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Serialize;
use serde_json::Value;

use super::cursor::{PathPart, SeenKey, keys};
use crate::context::known_names;

/// The schema refers to itself; no file is so deep.
const MAX_DEPTH: usize = 24;

static SCHEMA: LazyLock<Value> = LazyLock::new(crate::connector::schema);

/// A word that may stand there.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CompletionOption {
    pub label: String,
    /// What is written, where it is not the label alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insert: Option<String>,
    /// Beside it, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

impl CompletionOption {
    pub(super) fn plain(label: impl Into<String>) -> Self {
        Self { label: label.into(), insert: None, detail: None, about: None }
    }
}

/// The keys that a map at `path` may have.
pub(super) fn keys_at(path: &[PathPart]) -> Vec<CompletionOption> {
    let mut options: Vec<CompletionOption> = Vec::new();
    for node in at(path) {
        for (name, below) in node["properties"].as_object().into_iter().flatten() {
            if options.iter().all(|option| option.label != *name) && !name.starts_with('$') {
                options.push(CompletionOption { about: text_of(below), ..CompletionOption::plain(name) });
            }
        }
    }
    options
}

/// The words that a value at `path` may be.
pub(super) fn words_at(path: &[PathPart]) -> Vec<CompletionOption> {
    let mut words: Vec<String> = Vec::new();
    for node in at(path) {
        let listed = node["enum"].as_array().into_iter().flatten().chain(node.get("const"));
        let mut found: Vec<String> = listed
            .filter(|word| !word.is_null())
            .map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned))
            .collect();
        let is_boolean = node["type"] == "boolean";
        found.extend(["true", "false"].iter().filter(|_| is_boolean).map(|word| (*word).to_owned()));
        for word in found {
            if !words.contains(&word) {
                words.push(word);
            }
        }
    }
    words.into_iter().map(CompletionOption::plain).collect()
}

/// What the schema says of the key at `path`.
pub(super) fn described(path: &[PathPart]) -> Option<String> {
    let (last, above) = path.split_last()?;
    let found = match last {
        PathPart::Key(key) => at(above).into_iter().find_map(|node| text_of(&node["properties"][key])),
        PathPart::Item => None,
    };
    found.or_else(|| at(path).into_iter().find_map(text_of))
}

fn text_of(node: &Value) -> Option<String> {
    node["description"].as_str().map(str::to_owned)
}

/// All parts of the schema that hold for what stands at `path`.
fn at(path: &[PathPart]) -> Vec<&'static Value> {
    let mut nodes = whole(&SCHEMA, 0);
    for part in path.iter().take(MAX_DEPTH) {
        let below = nodes.into_iter().filter_map(|node| match part {
            PathPart::Item => node.get("items"),
            PathPart::Key(key) => {
                node["properties"].get(key).or_else(|| node.get("additionalProperties").filter(|it| it.is_object()))
            }
        });
        nodes = below.flat_map(|node| whole(node, 0)).collect();
    }
    nodes
}

/// A node, what it refers to, and what it is one of.
fn whole(node: &'static Value, depth: usize) -> Vec<&'static Value> {
    if depth > MAX_DEPTH {
        return Vec::new();
    }
    let mut all = vec![node];
    let refers = node["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/"));
    all.extend(refers.iter().flat_map(|name| whole(&SCHEMA["$defs"][*name], depth + 1)));
    for list in ["anyOf", "oneOf", "allOf"] {
        all.extend(node[list].as_array().into_iter().flatten().flat_map(|node| whole(node, depth + 1)));
    }
    all
}

/// What a text declares.
pub(super) struct Language(Vec<SeenKey>);

impl Language {
    pub(super) fn of(text: &str) -> Self {
        Self(keys(text))
    }

    pub(super) fn settings(&self) -> Vec<CompletionOption> {
        self.below("settings").map(|seen| CompletionOption::plain(&seen.key)).collect()
    }

    pub(super) fn scripts(&self) -> Vec<CompletionOption> {
        self.below("scripts").map(|seen| CompletionOption::plain(&seen.key)).collect()
    }

    fn below(&self, path: &'static str) -> impl Iterator<Item = &SeenKey> {
        self.0.iter().filter(move |seen| seen.below == path)
    }
}

/// Names of variables: the fixed ones, and those that the text declares.
pub(super) fn variables(text: &str) -> Vec<CompletionOption> {
    let declared = Language::of(text);
    let mut names = known_names();
    names.extend(declared.below("input.attributes").map(|seen| format!("user.{}", seen.key)));
    names.extend(declared.below("secrets").map(|seen| format!("secret.{}", seen.key)));
    let captures = declared.below("steps[].response.capture");
    names.extend(captures.filter_map(|seen| Some(format!("steps.{}.{}", seen.step.as_ref()?, seen.key))));
    let steps: BTreeSet<&String> = declared.0.iter().filter_map(|seen| seen.step.as_ref()).collect();
    names.extend(steps.iter().flat_map(|step| [format!("steps.{step}.outcome"), format!("steps.{step}.status")]));
    let answers = declared.0.iter().filter(|seen| seen.below == "steps[].ask.fields");
    names.extend(answers.map(|seen| format!("answer.{}", seen.key)));
    names.extend(env(text));
    let mut known = BTreeSet::new();
    names.into_iter().filter(|name| known.insert(name.clone())).map(CompletionOption::plain).collect()
}

/// What scripts assign: `env.x`.
fn env(text: &str) -> impl Iterator<Item = String> {
    text.match_indices("env.").filter_map(|(at, _)| {
        let is_own = !text[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$'));
        let name: String = text[at + 4..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        (is_own && !name.is_empty()).then(|| format!("env.{name}"))
    })
}
