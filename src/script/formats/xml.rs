//! XML text to a value of the shape that connectors read: `{ root: { child, "@attr", "#text" } }`.
//!
//! Prefixes are dropped, repeated children become an array, an element without attributes and children is its text.
//! No document type, so no entities but the five of XML itself.

use indexmap::map::Entry;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::FormatError;
use crate::document::{Object, Value};

/// SOAP envelopes nest a dozen deep.
const MAX_DEPTH: usize = 32;
/// Attributes of one element.
const MAX_ATTRIBUTES: usize = 64;
/// Elements of one text.
const MAX_ELEMENTS: usize = 20_000;

/// Reads one XML text.
pub fn parse_xml(text: &str) -> Result<Value, FormatError> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut elements = 0;
    loop {
        match reader.read_event().map_err(|_| FormatError("not well-formed XML"))? {
            Event::Start(start) => {
                elements += 1;
                if open.len() >= MAX_DEPTH || elements > MAX_ELEMENTS {
                    return Err(FormatError("XML with too many or too deeply nested elements"));
                }
                if root.is_some() {
                    return Err(FormatError("XML with two root elements"));
                }
                open.push(Element::open(&start)?);
            }
            Event::End(_) => {
                let element = open.pop().ok_or(FormatError("not well-formed XML"))?;
                let (name, value) = element.close();
                match open.last_mut() {
                    Some(parent) => parent.child(name, value),
                    None => root = Some(Value::Object(Object::from_iter([(name, value)]))),
                }
            }
            Event::Text(text) => add_text(&mut open, &text.xml10_content())?,
            Event::CData(text) => add_text(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let resolved = reference.resolve_char_ref().map_err(|_| FormatError("a broken reference in XML"))?;
                let text = match resolved {
                    Some(character) => character.to_string(),
                    None => quick_xml::escape::resolve_xml_entity(&reference.xml10_content())
                        .ok_or(FormatError("an entity that XML does not define"))?
                        .to_owned(),
                };
                add_text(&mut open, &text)?;
            }
            Event::DocType(_) => return Err(FormatError("XML with a document type is refused")),
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    match root {
        Some(root) if open.is_empty() => Ok(root),
        _ => Err(FormatError("not well-formed XML")),
    }
}

fn add_text(open: &mut [Element], text: &str) -> Result<(), FormatError> {
    match open.last_mut() {
        Some(element) => {
            element.text.push_str(text);
            Ok(())
        }
        None if text.trim().is_empty() => Ok(()),
        None => Err(FormatError("text outside of the XML root element")),
    }
}

struct Element {
    name: String,
    fields: Object,
    text: String,
}

impl Element {
    fn open(start: &BytesStart<'_>) -> Result<Self, FormatError> {
        let name = start.local_name().as_ref().to_owned();
        let mut fields = Object::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| FormatError("a broken attribute in XML"))?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| FormatError("a broken attribute in XML"))?;
            let key = format!("@{}", attribute.key.local_name().as_ref());
            if fields.len() >= MAX_ATTRIBUTES || fields.insert(key, Value::Text(value.into_owned())).is_some() {
                return Err(FormatError("an element with too many attributes or one twice"));
            }
        }
        Ok(Self { name, fields, text: String::new() })
    }

    fn child(&mut self, name: String, value: Value) {
        match self.fields.entry(name) {
            Entry::Vacant(place) => {
                place.insert(value);
            }
            Entry::Occupied(mut place) => match place.get_mut() {
                Value::Array(items) => items.push(value),
                first => *first = Value::Array(vec![std::mem::take(first), value]),
            },
        }
    }

    fn close(mut self) -> (String, Value) {
        let text = self.text.trim();
        if self.fields.is_empty() {
            return (self.name, Value::Text(text.to_owned()));
        }
        if !text.is_empty() {
            self.fields.insert("#text".to_owned(), Value::Text(text.to_owned()));
        }
        (self.name, Value::Object(self.fields))
    }
}

#[cfg(test)]
mod tests {
    use super::parse_xml;
    use crate::document::to_json;

    fn shown(text: &str) -> String {
        parse_xml(text).map_or_else(|error| error.to_string(), |value| to_json(&value))
    }

    #[test]
    fn the_shapes_of_the_contract() {
        for (text, expected) in [
            ("<a/>", r#"{"a":""}"#),
            ("<s:a xmlns:s='u'><s:b>1</s:b><b>2</b></s:a>", r#"{"a":{"b":["1","2"]}}"#),
            ("<a x='1&amp;2'> t </a>", r##"{"a":{"@x":"1&2","#text":"t"}}"##),
            ("<?xml version='1.0'?><a>x<!-- c -->&lt;<![CDATA[<y>]]>&#65;</a>", r#"{"a":"x<<y>A"}"#),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_refused() {
        for text in [
            "",
            "x",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
            "<a>&e;</a>",
            "<a x='1' n:x='2' xmlns:n='u'/>",
        ] {
            assert!(parse_xml(text).is_err(), "{text} {}", shown(text));
        }
        assert!(parse_xml(&"<a>".repeat(100)).is_err());
    }
}
