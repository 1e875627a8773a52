//! XML bodies: the literal text is parsed once at load, so that holes stand in text and attribute values and nowhere
//! else. What goes out is the text as written; only the holes are filled, each with XML's references.

use std::ops::Range;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::{Reader as Parser, XmlVersion};

use crate::template::{Bits, Charset, Guard, Line, Mistake, Piece, Place, Template, escape_xml};

use super::json::Leaf;
use super::marked::{Marked, Syntax, bits};
use super::reader::{FileText, Reader, hole_in};

/// How deep a request's XML may nest: SOAP needs six.
const MAX_DEPTH: usize = 64;

/// Compiles `xml:`; the leaves are element and attribute paths.
pub(super) fn compile(written: FileText<'_>, charset: Charset, reader: &mut Reader<'_>) -> (Line, Vec<Leaf>) {
    let template = reader.template(written);
    let mut mistakes = Vec::new();
    let mut result = (Line::default(), Vec::new());
    let before = reader.refused;
    match Marked::new(&template, &mut Escaping) {
        Some(marked) => {
            let mut walk = Walk {
                marked: &marked,
                charset,
                path: Vec::new(),
                rooted: false,
                declared: false,
                places: Vec::new(),
                text: Bits::default(),
                mistakes: &mut mistakes,
            };
            walk.document();
            let (places, declared) = (walk.places, walk.declared);
            if mistakes.is_empty() {
                result = assemble(&template, &places, charset, declared, &mut mistakes);
            }
        }
        None => mistakes.push(Mistake::new(
            "xml",
            written.range(),
            "this text has a character of the private use area, which is reserved here",
        )),
    }
    // An unreadable template is reported already; that it is no XML either would be noise.
    let readable = !template.pieces().is_empty() || written.text.is_empty();
    reader.uses(written, &result.0);
    if readable && reader.refused == before {
        reader.refuse_all(written, mistakes);
    }
    result
}

/// Settings in XML are text: they are escaped like values.
struct Escaping;

impl Syntax for Escaping {
    fn literal(&mut self, _text: &str) {}

    fn encode(&mut self, text: &str) -> String {
        escape_xml(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
    }

    fn is_whole_value(&self) -> bool {
        false
    }
}

/// Where a hole stands.
struct XmlHole {
    place: Place,
    /// The path of its element or attribute.
    path: String,
    guard: Guard,
}

/// One pass over the marked text.
struct Walk<'w, 't> {
    marked: &'w Marked<'t>,
    charset: Charset,
    path: Vec<String>,
    rooted: bool,
    declared: bool,
    /// For each hole in order.
    places: Vec<XmlHole>,
    /// The text since the last tag.
    text: Bits<'t>,
    mistakes: &'w mut Vec<Mistake>,
}

impl Walk<'_, '_> {
    fn document(&mut self) {
        let mut parser = Parser::from_str(&self.marked.text);
        parser.config_mut().enable_all_checks(true);
        loop {
            let from = offset(parser.buffer_position());
            let event = match parser.read_event() {
                Ok(Event::Eof) => break,
                Ok(event) => event,
                Err(_) => {
                    // The parser's message may quote the text around, so a fixed one stands here.
                    self.refuse(offset(parser.error_position()), "this is not well-formed XML");
                    return;
                }
            };
            self.event(&event, from..offset(parser.buffer_position()));
            if !self.mistakes.is_empty() {
                return;
            }
        }
        if !self.path.is_empty() {
            self.refuse(self.marked.text.len(), "an element is not closed");
        } else if !self.rooted {
            self.refuse(0, "this XML has no element");
        }
    }

    fn event(&mut self, event: &Event<'_>, range: Range<usize>) {
        let raw = self.marked.text.get(range.clone()).unwrap_or_default();
        if matches!(event, Event::Start(_) | Event::Empty(_) | Event::End(_)) {
            let text = std::mem::take(&mut self.text);
            self.found(&text, Place::XmlText, &self.path.join("."));
        }
        match event {
            Event::Start(tag) | Event::Empty(tag) => {
                self.element(tag, &range);
                if matches!(event, Event::Empty(_)) {
                    self.path.pop();
                }
            }
            Event::End(_) => {
                self.path.pop();
            }
            Event::Text(_) if self.path.is_empty() => {
                if !raw.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty() {
                    self.outside(raw, range.start);
                }
            }
            Event::Text(_) => {
                for piece in self.marked.split(raw) {
                    match piece {
                        Ok(text) => self.text.text(text),
                        Err(hole) => self.text.hole(hole),
                    }
                }
            }
            Event::GeneralRef(reference) => match character(reference) {
                Some(character) if !self.path.is_empty() => self.text.text(&character),
                _ => self.refuse(range.start, "this reference is none of XML's own"),
            },
            Event::CData(data) => {
                self.no_holes(raw, "a CDATA section");
                self.text.text(data);
            }
            Event::Comment(_) => {
                self.no_holes(raw, "a comment");
            }
            Event::PI(_) => {
                self.no_holes(raw, "a processing instruction");
            }
            Event::DocType(_) => {
                self.no_holes(raw, "a document type");
                self.refuse(range.start, "a document type in a request: its entities would change what values mean");
            }
            Event::Decl(declaration) => {
                self.no_holes(raw, "the XML declaration");
                self.declaration(declaration, range.start);
            }
            Event::Eof => {}
        }
    }

    fn element(&mut self, tag: &BytesStart<'_>, range: &Range<usize>) {
        if self.path.is_empty() && self.rooted {
            return self.refuse(range.start, "a second element beside the root");
        }
        if self.path.len() >= MAX_DEPTH {
            return self.refuse(range.start, "nested too deep");
        }
        self.rooted = true;
        let name = tag.name();
        if self.no_holes(name.as_ref(), "an element's name") {
            return;
        }
        self.path.push(name.as_ref().to_owned());
        for attribute in tag.attributes() {
            let Ok(attribute) = attribute else {
                // A hole that is no attribute's value makes the tag unreadable, too.
                let holes = self.marked.holes_in(self.marked.text.get(range.clone()).unwrap_or_default());
                if let Some(hole) = holes.first() {
                    self.mistakes.push(hole_in("an XML tag outside an attribute's quotes", hole.range.clone()));
                } else {
                    self.refuse(range.start, "an attribute of this element is not one, or is there twice");
                }
                return;
            };
            let key = attribute.key;
            if self.no_holes(key.as_ref(), "an attribute's name") {
                return;
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let Some(value) = value.ok().filter(|_| !attribute.value.contains('<')) else {
                return self.refuse(range.start, "an attribute has a `<` or a reference that is none of XML's own");
            };
            let path = format!("{}.@{}", self.path.join("."), key.as_ref());
            self.found(&bits(&self.marked.split(&value)), Place::XmlAttribute, &path);
        }
    }

    fn declaration(&mut self, declaration: &BytesDecl<'_>, at: usize) {
        self.declared = true;
        if !declaration.version().is_ok_and(|version| version == "1.0") {
            self.refuse(at, "only XML 1.0 is written here");
        }
        let named = declaration.encoding().and_then(Result::ok).map(|label| Charset::parse(&label));
        let agrees = named.map_or(self.charset.is_utf8(), |named| named == Some(self.charset));
        if !agrees {
            let message = format!("the declaration's encoding is not the request's charset {}", self.charset.name());
            self.refuse(at, &message);
        }
    }

    fn found(&mut self, value: &Bits<'_>, place: Place, path: &str) {
        let guards = value.guards(place, self.charset).into_iter();
        self.places.extend(guards.map(|guard| XmlHole { place, path: path.to_owned(), guard }));
    }

    fn outside(&mut self, raw: &str, at: usize) {
        if !self.no_holes(raw, "XML outside the root element") {
            self.refuse(at, "text outside the root element");
        }
    }

    /// Refuses holes in `raw`; whether there were any.
    fn no_holes(&mut self, raw: &str, what: &str) -> bool {
        let holes = self.marked.holes_in(raw);
        self.mistakes.extend(holes.iter().map(|hole| hole_in(what, hole.range.clone())));
        !holes.is_empty()
    }

    fn refuse(&mut self, at: usize, message: &str) {
        let at = self.marked.written_offset(at);
        self.mistakes.push(Mistake::new("xml", at..at, message));
    }
}

/// The character that a reference stands for: by number, or one of XML's own five.
fn character(reference: &BytesRef<'_>) -> Option<String> {
    match reference.resolve_char_ref() {
        Ok(Some(c)) => Some(c.to_string()),
        Ok(None) => resolve_predefined_entity(reference).map(str::to_owned),
        Err(_) => None,
    }
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// The line that renders the text as written, and a leaf for each hole.
fn assemble(
    template: &Template,
    places: &[XmlHole],
    charset: Charset,
    declared: bool,
    mistakes: &mut Vec<Mistake>,
) -> (Line, Vec<Leaf>) {
    let mut line = Line::default();
    let mut leaves = Vec::new();
    if !charset.is_utf8() && !declared {
        line.push_raw(format!("<?xml version=\"1.0\" encoding=\"{}\"?>", charset.name()).as_bytes());
    }
    let mut places = places.iter();
    for piece in template.pieces() {
        match piece {
            Piece::Text { text, range, as_written } => {
                let encoded = if *as_written { text.clone() } else { Escaping.encode(text) };
                // Escaping a harmless text checks for the characters that XML lacks.
                let fits = escape_xml(text).is_ok();
                match charset.encode(&encoded).filter(|_| fits) {
                    Some(bytes) => line.push_raw(&bytes),
                    None => mistakes.push(Mistake::new(
                        "text-does-not-fit",
                        range.clone(),
                        "this text has a character that XML 1.0 or the request's charset lacks",
                    )),
                }
            }
            Piece::Hole(hole) => match places.next() {
                Some(found) => {
                    let mut leaf = Line::default();
                    leaf.push_guarded(hole, found.place, &found.guard, mistakes);
                    line.append(&leaf);
                    leaves.push((found.path.clone(), leaf));
                }
                None => mistakes.push(hole_in("this part of the XML", hole.range.clone())),
            },
            Piece::Nodes { range, .. } => {
                mistakes.push(Mistake::new(
                    "nodes-not-in-url",
                    range.clone(),
                    "a setting with nodes stands only at the beginning of a URL",
                ));
            }
        }
    }
    // Every hole was found in one of the two places, or the document is not what the parser saw.
    if places.next().is_some() {
        mistakes.push(Mistake::new("xml", 0..0, "this XML cannot be read hole by hole"));
    }
    (line, leaves)
}
