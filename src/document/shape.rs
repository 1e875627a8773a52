//! How the wire format of a document shows in its value.
//!
//! XML has no arrays and no plain scalars with attributes, so its documents are read with two rules that must not
//! leak into JSON: `[0]` of a single element is itself, and an element with attributes compares as its text.

use super::Value;

/// Which reading rules a document has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// JSON and everything that is shaped like it.
    #[default]
    Plain,
    /// `{ root: { child, "@attr", "#text" } }`
    Xml,
}

impl Shape {
    /// What stands for `value` when it is compared with a scalar: in XML the `#text` of an object, else itself.
    pub fn compared(self, value: &Value) -> &Value {
        match (self, value) {
            (Self::Xml, Value::Object(object)) => object.get("#text").unwrap_or(value),
            _ => value,
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

#[cfg(test)]
mod tests {
    use super::Shape;
    use crate::document::{Value, from_json};

    #[test]
    fn only_an_xml_object_compares_as_its_text() {
        let object = from_json(br##"{"@id":"1","#text":"ok"}"##).unwrap();
        assert_eq!(Shape::Xml.compared(&object), &Value::from("ok"));
        assert_eq!(Shape::Plain.compared(&object), &object);
        let no_text = from_json(br#"{"@id":"1"}"#).unwrap();
        assert_eq!(Shape::Xml.compared(&no_text), &no_text);
    }
}
