//! XML to `{ root: { child, "@attr", "#text" } }`, for replies and for `code_util.parseXml`.
//!
//! quick-xml reads the markup; what it leaves to its caller (one root, legal names and characters, references, no
//! DOCTYPE) is checked here. The tree is built on a stack of our own, so nesting uses no call stack. Prefixes and
//! namespace declarations are dropped: connectors name elements as the vendor's manual prints them.

use indexmap::map::Entry;
use quick_xml::XmlVersion;
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use super::{MAX_DEPTH, MAX_NODES, Object, Value};

/// Deepest nesting of elements. Each may be an item of an array and so takes two levels of a value, and the root's
/// object takes one. SOAP with WS-Security, the deepest that logins see, has about ten.
const MAX_ELEMENT_DEPTH: usize = (MAX_DEPTH - 1) / 2;

/// Most attributes of one element. The most in SAML are nine.
const MAX_ATTRIBUTES: usize = 256;

/// Why a text is not an XML document. Quotes nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not XML that can be relied on, near line {line}: {cause}")]
pub struct XmlError {
    /// From 1; approximate.
    pub line: usize,
    pub cause: &'static str,
}

/// Reads one XML 1.0 document (fifth edition). Blanks before the declaration are skipped: the standard refuses them,
/// but page templates often leave some.
pub fn from_xml(text: &str) -> Result<Value, XmlError> {
    from_xml_with(text, Tree::default())
}

/// The same, and the text of an element without children keeps the blanks at its ends: a name that a user typed is read as it is.
pub fn from_xml_exactly(text: &str) -> Result<Value, XmlError> {
    from_xml_with(text, Tree { keeps_blanks: true, ..Tree::default() })
}

fn from_xml_with(text: &str, tree: Tree) -> Result<Value, XmlError> {
    let content = text.trim_start_matches(super::is_margin);
    let mut reader = Reader::from_str(content);
    read(&mut reader, content, tree).map_err(|cause| {
        let read = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).min(content.len());
        let read = text.len() - content.len() + read;
        XmlError { line: text.as_bytes()[..read].split(|byte| *byte == b'\n').count(), cause }
    })
}

fn read(reader: &mut Reader<&[u8]>, text: &str, mut tree: Tree) -> Result<Value, &'static str> {
    if !text.chars().all(is_legal) {
        return Err("a character that XML does not allow");
    }
    let mut first = true;
    loop {
        match reader.read_event().map_err(|error| cause_of(&error))? {
            Event::Start(tag) => tree.open(&tag)?,
            Event::Empty(tag) => {
                tree.open(&tag)?;
                tree.close()?;
            }
            Event::End(_) => tree.close()?,
            Event::Text(part) if part.contains("]]>") => return Err("`]]>` outside of CDATA"),
            Event::Text(part) => tree.text(&part.xml10_content())?,
            Event::CData(_) if tree.open.is_empty() => return Err("text outside of the root element"),
            Event::CData(part) => tree.text(&part.xml10_content())?,
            Event::GeneralRef(reference) => tree.reference(&reference)?,
            Event::Decl(_) if !first => return Err("a declaration that is not at the start"),
            Event::DocType(_) => return Err("a DOCTYPE, which is never read"),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return tree.finish(),
        }
        first = false;
    }
}

/// An element whose end tag has not been read yet.
struct Open {
    name: String,
    members: Object,
    has_children: bool,
    text: String,
}

#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    root: Option<(String, Value)>,
    nodes: usize,
    keeps_blanks: bool,
}

impl Tree {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), &'static str> {
        if self.open.is_empty() && self.root.is_some() {
            return Err("more than one root element");
        }
        if self.open.len() >= MAX_ELEMENT_DEPTH {
            return Err("nested too deep");
        }
        let name = local_name(tag.name().into_inner())?.to_owned();
        self.count()?;
        let mut members = Object::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|_| "a malformed or repeated attribute")?;
            let key = attribute.key.into_inner();
            let local = local_name(key)?;
            if key == "xmlns" || key.starts_with("xmlns:") {
                continue;
            }
            self.count()?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| cause_of(&error))?;
            if attribute.value.contains('<') || !value.chars().all(is_legal) {
                return Err("a character that an attribute cannot hold");
            }
            if members.insert(format!("@{local}"), Value::Text(value.into_owned())).is_some() {
                return Err("two attributes that differ only in their prefix");
            }
            if members.len() > MAX_ATTRIBUTES {
                return Err("too many attributes");
            }
        }
        self.open.push(Open { name, members, has_children: false, text: String::new() });
        Ok(())
    }

    fn close(&mut self) -> Result<(), &'static str> {
        let mut element = self.open.pop().ok_or("an end tag without its start")?;
        let exact = self.keeps_blanks && !element.has_children;
        let text = if exact { element.text.as_str() } else { element.text.trim_matches(is_blank) };
        let value = if element.members.is_empty() {
            Value::from(text)
        } else {
            // An element without children always has its text, even an empty one; text beside children is kept only if
            // it is not blank.
            if !text.is_empty() || !element.has_children {
                element.members.insert("#text".to_owned(), Value::from(text));
            }
            Value::Object(element.members)
        };
        match self.open.last_mut() {
            None => self.root = Some((element.name, value)),
            Some(parent) => {
                parent.has_children = true;
                add(&mut parent.members, element.name, value);
            }
        }
        Ok(())
    }

    fn text(&mut self, part: &str) -> Result<(), &'static str> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(part),
            None if part.chars().all(is_blank) => {}
            None => return Err("text outside of the root element"),
        }
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), &'static str> {
        let element = self.open.last_mut().ok_or("text outside of the root element")?;
        if reference.is_char_ref() {
            match reference.resolve_char_ref() {
                Ok(Some(c)) if is_legal(c) => element.text.push(c),
                _ => return Err("a character reference that XML does not allow"),
            }
        } else {
            element.text.push_str(resolve_predefined_entity(reference).ok_or("an undeclared entity")?);
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), &'static str> {
        self.nodes += 1;
        if self.nodes > MAX_NODES { Err("too many elements and attributes") } else { Ok(()) }
    }

    fn finish(self) -> Result<Value, &'static str> {
        match self.root {
            _ if !self.open.is_empty() => Err("an element is not closed"),
            None => Err("no element at all"),
            Some(root) => Ok(Value::from_iter([root])),
        }
    }
}

/// Adds a child; a repeated name becomes an array at the position of the first. A child's value is never an array
/// itself.
fn add(members: &mut Object, name: String, value: Value) {
    match members.entry(name) {
        Entry::Vacant(free) => {
            free.insert(value);
        }
        Entry::Occupied(mut taken) => match taken.get_mut() {
            Value::Array(items) => items.push(value),
            single => {
                let first = std::mem::take(single);
                *single = Value::Array(vec![first, value]);
            }
        },
    }
}

/// The part after the prefix, if the whole is a qualified name (Namespaces in XML 1.0 section 4). Letters of other
/// scripts are taken as they come.
fn local_name(qualified: &str) -> Result<&str, &'static str> {
    let is_name = |part: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') || !c.is_ascii();
        part.chars().all(inner)
            && !part.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.'))
            && !part.is_empty()
    };
    let local = match qualified.split_once(':') {
        Some((prefix, local)) if is_name(prefix) => local,
        Some(_) => "",
        None => qualified,
    };
    if is_name(local) { Ok(local) } else { Err("a malformed name") }
}

/// XML 1.0 section 2.2, production Char.
fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// XML 1.0 section 2.3, production S.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Fixed texts, because those of quick-xml may quote names.
fn cause_of(error: &Error) -> &'static str {
    match error {
        Error::IllFormed(IllFormedError::MismatchedEndTag { .. }) => "an end tag that does not match its start",
        Error::IllFormed(IllFormedError::UnmatchedEndTag(_)) => "an end tag without its start",
        Error::IllFormed(IllFormedError::UnclosedReference) => "a `&` that starts no reference",
        Error::Escape(_) => "a reference that cannot be resolved",
        Error::InvalidAttr(_) => "a malformed attribute",
        _ => "malformed markup",
    }
}

#[cfg(test)]
mod tests;
