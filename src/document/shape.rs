//! How documents are read that were XML on the wire.
//!
//! XML has no arrays, and its scalars may have attributes. So two rules hold for XML that must not hold for JSON: `[0]`
//! of a single element is the element itself, and an element with attributes is its text where a scalar is needed.

use std::borrow::Cow;

use super::{Object, Value};

/// Which rules apply to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// JSON and every other format.
    #[default]
    Plain,
    /// `{ root: { child, "@attr", "#text" } }`
    Xml,
}

impl Shape {
    /// `value` where a scalar is needed: in XML the `#text` of an element, also of each element of a list.
    pub fn compared(self, value: Cow<'_, Value>) -> Cow<'_, Value> {
        self.read(value, |element| element.get("#text"))
    }

    /// `value` where it leaves the document (captures, mappings): an XML element that has only attributes and a text
    /// becomes its text, since its attributes have paths of their own (`user.@id`). An element with children stays as
    /// it is.
    pub fn taken(self, value: Cow<'_, Value>) -> Cow<'_, Value> {
        self.read(value, |element| {
            let leaf = element.keys().all(|name| name == "#text" || name.starts_with('@'));
            element.get("#text").filter(|_| leaf)
        })
    }

    fn read(self, value: Cow<'_, Value>, text: fn(&Object) -> Option<&Value>) -> Cow<'_, Value> {
        match (self, value) {
            (Self::Plain, value) => value,
            (Self::Xml, Cow::Borrowed(value)) => scalar(value, text),
            (Self::Xml, Cow::Owned(value)) => Cow::Owned(scalar(&value, text).into_owned()),
        }
    }

    /// Whether `value` is an element that has attributes and nothing else.
    pub fn is_bare(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Xml, Value::Object(object)) => object.keys().all(|name| name.starts_with('@')),
            _ => false,
        }
    }
}

fn scalar(value: &Value, text: fn(&Object) -> Option<&Value>) -> Cow<'_, Value> {
    match value {
        Value::Object(element) => Cow::Borrowed(text(element).unwrap_or(value)),
        Value::Array(items) if items.iter().any(|item| matches!(item, Value::Object(_))) => {
            Cow::Owned(Value::Array(items.iter().map(|item| scalar(item, text).into_owned()).collect()))
        }
        _ => Cow::Borrowed(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{from_json, to_json};

    #[test]
    fn only_an_xml_object_is_read_as_its_text() {
        for (json, compared, taken) in [
            (r##"{"@id":"1","#text":"ok"}"##, r#""ok""#, r#""ok""#),
            (r##"{"#text":"","@id":"1"}"##, r#""""#, r#""""#),
            (r##"{"a":"1","#text":"ok"}"##, r#""ok""#, r##"{"a":"1","#text":"ok"}"##),
            (r#"{"@id":"1"}"#, r#"{"@id":"1"}"#, r#"{"@id":"1"}"#),
            (r##"["x",{"@id":"1","#text":"ok"}]"##, r#"["x","ok"]"#, r#"["x","ok"]"#),
            (
                r##"{"a":{"@id":"1","#text":"ok"}}"##,
                r##"{"a":{"@id":"1","#text":"ok"}}"##,
                r##"{"a":{"@id":"1","#text":"ok"}}"##,
            ),
            ("\"x\"", "\"x\"", "\"x\""),
        ] {
            let value = from_json(json.as_bytes()).unwrap();
            assert_eq!(to_json(&Shape::Xml.compared(Cow::Borrowed(&value))), compared);
            assert_eq!(to_json(&Shape::Xml.taken(Cow::Borrowed(&value))), taken);
            assert_eq!(to_json(&Shape::Xml.taken(Cow::Owned(value.clone()))), taken);
            assert_eq!(*Shape::Plain.compared(Cow::Borrowed(&value)), value);
            assert_eq!(*Shape::Plain.taken(Cow::Borrowed(&value)), value);
        }
    }
}
