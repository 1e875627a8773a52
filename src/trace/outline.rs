//! A document by its paths, types and lengths, so that a person sees what a rule could look at.
//!
//! Paths are spelled as connectors write them: what is read here can be pasted there. Values are not shown.

use serde::Serialize;

use super::redactor::{RedactedValue, Redactor};
use crate::document::{Path, Value};

/// A reply of a login has tens of fields; of a longer one the rest is counted.
const MAX_FIELDS: usize = 200;

/// Items of an array are alike: the first tell what the others look like.
const MAX_ITEMS: usize = 2;

/// A document without its values.
#[derive(Debug, Serialize)]
pub(super) struct Outline {
    /// Whether a preprocess script made it.
    pub(super) preprocessed: bool,
    /// In the order of the document.
    pub(super) fields: Vec<Field>,
    /// Fields that were left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) left_out: usize,
}

/// One node of a document.
#[derive(Debug, Serialize)]
pub(super) struct Field {
    /// As a connector writes it; `$` is the whole document.
    pub(super) path: String,
    #[serde(flatten)]
    pub(super) shown: RedactedValue,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Outline {
    pub(super) fn of(document: &Value, preprocessed: bool, redactor: &Redactor) -> Self {
        let mut outline = Self { preprocessed, fields: Vec::new(), left_out: 0 };
        match document {
            Value::Object(members) if !members.is_empty() => outline.members("", document, redactor),
            Value::Array(items) if !items.is_empty() => {
                outline.add("$", document, redactor);
                outline.members("$", document, redactor);
            }
            other => outline.add("$", other, redactor),
        }
        outline
    }

    /// The depth of a document is bounded by its decoder.
    fn members(&mut self, above: &str, value: &Value, redactor: &Redactor) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    // Redacted before it is quoted: a reply's own escapes would be escaped once more, and hide it.
                    let name = segment(&redactor.name(name), above.is_empty());
                    let path = if above.is_empty() { name } else { format!("{above}.{name}") };
                    self.add(&path, member, redactor);
                    self.members(&path, member, redactor);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate().take(MAX_ITEMS) {
                    let path = format!("{above}[{index}]");
                    self.add(&path, item, redactor);
                    self.members(&path, item, redactor);
                }
                self.left_out += items.len().saturating_sub(MAX_ITEMS);
            }
            _ => {}
        }
    }

    fn add(&mut self, path: &str, value: &Value, redactor: &Redactor) {
        if self.fields.len() == MAX_FIELDS {
            self.left_out += 1;
            return;
        }
        let container = matches!(value, Value::Array(_) | Value::Object(_));
        // With everything revealed a container is still known by its members.
        let mut shown = redactor.value(value, false);
        if container && redactor.reveal {
            shown.value = serde_json::Value::Null;
        }
        self.fields.push(Field { path: redactor.text(path), shown });
    }
}

/// A name as a path writes it: quoted when it would not be read back as this one name.
fn segment(name: &str, first: bool) -> String {
    let whole = Value::from_iter([(name.to_owned(), Value::Bool(true))]);
    let alone = Path::parse(name).ok().filter(|_| !(first && name.starts_with('$')));
    if alone.is_some_and(|path| path.get(&whole).is_some()) {
        return name.to_owned();
    }
    crate::document::to_json(&name.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::from_json;
    use crate::trace::redactor::View;

    fn outline(json: &str) -> Outline {
        Outline::of(&from_json(json.as_bytes()).unwrap(), false, &Redactor::new(&[], View::default()))
    }

    #[test]
    fn paths_lead_back_to_their_nodes() {
        let json = r#"{"code":1,"odd key":{"a.b":[10,20,30,{"x":null}],"\"q\"":"","$":1,"":2},"$x":[],"中文":{}}"#;
        let document = from_json(json.as_bytes()).unwrap();
        let outline = outline(json);
        assert_eq!(outline.left_out, 2);
        assert_eq!(outline.fields.len(), 10);
        for field in outline.fields {
            let node = Path::parse(&field.path).unwrap_or_else(|error| panic!("{}: {error}", field.path));
            assert_eq!(node.get(&document).unwrap().kind(), field.shown.kind, "{}", field.path);
        }
    }

    #[test]
    fn values_are_not_in_it() {
        let text = serde_json::to_string(&outline(r#"{"token":"abcdefgh","pin":123456,"ok":true}"#)).unwrap();
        assert!(!text.contains("abcdefgh") && !text.contains("123456"), "{text}");
        assert!(!text.contains("true"), "{text}");
    }

    #[test]
    fn a_long_document_is_counted() {
        let members: Vec<String> = (0..250).map(|n| format!("\"k{n}\":1")).collect();
        let outline = outline(&format!("{{{}}}", members.join(",")));
        assert_eq!((outline.fields.len(), outline.left_out), (200, 50));
    }
}
