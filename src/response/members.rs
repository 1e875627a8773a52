//! Forms and pairs as documents: name to value, every value a text.
//!
//! The syntax is `document`'s; here is only what a reply may have around it, which a password may not.

use encoding_rs::Encoding;
use indexmap::IndexMap;

use crate::document::{Gaps, MembersError, PairsSpec, Value, from_form, from_pairs};

/// A form. A body that ends in a line break is common and means nothing.
pub(super) fn form(body: &[u8], encoding: &'static Encoding) -> Result<Value, String> {
    document(from_form(body.trim_ascii(), encoding, Gaps::Allow), "a form")
}

/// Pairs: blanks around names, values and the whole, and one separator at the end, mean nothing.
pub(super) fn pairs(text: &str, spec: &PairsSpec) -> Result<Value, String> {
    let text = text.trim();
    let text = text.strip_suffix(spec.between.as_str()).unwrap_or(text);
    if text.is_empty() {
        return document(Ok(IndexMap::new()), "");
    }
    let members = from_pairs(text, spec).and_then(trimmed);
    document(members, "a list of pairs")
}

fn trimmed(members: IndexMap<String, String>) -> Result<IndexMap<String, String>, MembersError> {
    let mut plain = IndexMap::with_capacity(members.len());
    for (name, value) in members {
        if name.trim().is_empty() {
            return Err(MembersError::Malformed("a value without a name"));
        }
        if plain.insert(name.trim().to_owned(), value.trim().to_owned()).is_some() {
            return Err(MembersError::Repeated);
        }
    }
    Ok(plain)
}

fn document(members: Result<IndexMap<String, String>, MembersError>, what: &str) -> Result<Value, String> {
    match members {
        Ok(members) => Ok(members.into_iter().map(|(name, value)| (name, Value::from(value))).collect()),
        Err(error) => Err(format!("not {what} that can be relied on: {error}")),
    }
}
