//! Closed lists of words.

use schemars::{Schema, json_schema};
use serde_json::Value;

use crate::diagnostic::{Diagnostics, did_you_mean, shown};
use crate::yaml::{Core, Node};

use super::read::wrong_kind;
use super::scalar::scalar_of;

/// A closed list of words.
pub trait Word: Copy + 'static {
    /// What it is, for messages: `a kind of connector`.
    const WHAT: &'static str;
    /// All of them.
    const ALL: &'static [Self];
    /// As it is written.
    fn word(self) -> &'static str;
}

/// Reads one of the words.
pub fn read_word<W: Word>(node: &Node, diagnostics: &mut Diagnostics) -> Option<W> {
    let words = || W::ALL.iter().map(|member| member.word());
    // A word may look like a number to YAML (`min_version: 1.2`).
    let Some(scalar) = scalar_of(node).filter(|scalar| scalar.core() != Core::Absent) else {
        wrong_kind(node, W::WHAT, &one_of::<W>(), diagnostics);
        return None;
    };
    let found = W::ALL.iter().copied().find(|member| member.word() == scalar.text);
    if found.is_none() && !diagnostics.is_full() {
        let message = format!("`{}` is not {}", shown(&scalar.text), W::WHAT);
        let mistake = diagnostics.error_at("unknown-word", &node.span, message).label("unknown word");
        let mistake = match did_you_mean(&scalar.text, words()) {
            Some(near) => mistake.help(format!("did you mean `{near}`?")),
            None => mistake,
        };
        diagnostics.add(mistake.help(one_of::<W>()));
    }
    found
}

fn one_of<W: Word>() -> String {
    let words: Vec<&str> = W::ALL.iter().map(|member| member.word()).collect();
    format!("one of: {}", words.join(" "))
}

/// The schema of one of the words.
pub fn word_schema<W: Word>() -> Schema {
    let mut allowed: Vec<Value> = W::ALL.iter().map(|member| member.word().into()).collect();
    let numbers: Vec<Value> = W::ALL.iter().filter_map(|member| serde_json::from_str(member.word()).ok()).collect();
    allowed.extend(numbers);
    json_schema!({ "enum": allowed })
}
