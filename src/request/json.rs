//! JSON bodies: a tree with typed holes, or a JSON text that is read into such a tree once at load.
//!
//! Text templates that join JSON from strings are how users became administrators (`a","admin":true`); here the
//! syntax is compiled, and only the inside of strings and whole values come from data.

use crate::document::{Value, from_json};
use crate::reading::{Spanned, Tree, TreeValue};
use crate::template::{Charset, Hole, Line, Mistake, Piece, Place, Quotes, Template, json_value, quoted};

use super::marked::{Marked, Syntax, bits};
use super::reader::{FileText, Reader, hole_in};

/// A leaf for the shape of a request: its path (`user.name`, `list[0]`) and the line that renders it.
pub(super) type Leaf = (String, Line);

/// A JSON body in the making.
pub(super) struct Builder<'r, 'l> {
    charset: Charset,
    reader: &'r mut Reader<'l>,
    pub(super) line: Line,
    pub(super) leaves: Vec<Leaf>,
}

impl<'r, 'l> Builder<'r, 'l> {
    pub(super) fn new(charset: Charset, reader: &'r mut Reader<'l>) -> Self {
        Self { charset, reader, line: Line::default(), leaves: Vec::new() }
    }

    /// Compiles a written tree, which is at most `yaml::MAX_DEPTH` deep.
    pub(super) fn tree(&mut self, tree: &Tree, path: &str) {
        match &tree.value {
            TreeValue::Null => self.fixed(&Value::Null, path),
            TreeValue::Bool(flag) => self.fixed(&Value::Bool(*flag), path),
            TreeValue::Number(number) => self.fixed(&Value::Number(number.clone()), path),
            TreeValue::Text(text) => {
                let template = self.reader.template(text.into());
                self.leaf(&template, text.into(), path);
            }
            TreeValue::List(items) => {
                self.line.push_raw(b"[");
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.line.push_raw(b",");
                    }
                    self.tree(item, &format!("{path}[{index}]"));
                }
                self.line.push_raw(b"]");
            }
            TreeValue::Object(members) => self.object(members, path),
        }
    }

    fn object(&mut self, members: &[(Spanned<String>, Tree)], path: &str) {
        let mut names: Vec<String> = Vec::with_capacity(members.len());
        self.line.push_raw(b"{");
        for (index, (name, member)) in members.iter().enumerate() {
            let written = FileText::from(name);
            let name = self.reader.literal(written, "a JSON key");
            if names.contains(&name) {
                let message = format!("the key `{name}` is there already");
                self.reader.refuse(written, Mistake::new("json", written.range(), message));
            }
            self.key(index, &name, written, written.range());
            self.tree(member, &join_path(path, &name));
            names.push(name);
        }
        self.line.push_raw(b"}");
    }

    fn key(&mut self, index: usize, name: &str, written: FileText<'_>, range: std::ops::Range<usize>) {
        let mut text = Vec::new();
        if index > 0 {
            text.push(b',');
        }
        quoted(name, &mut text);
        text.push(b':');
        self.raw(&text, written, range);
    }

    /// Literal JSON in UTF-8, into the charset.
    fn raw(&mut self, utf8: &[u8], written: FileText<'_>, range: std::ops::Range<usize>) {
        let text = str::from_utf8(utf8).ok();
        if let Some(bytes) = text.and_then(|text| self.charset.encode(&self.charset.json_safe(text))) {
            self.line.push_raw(&bytes);
        } else {
            let message = "the request's charset lacks a character of this text";
            self.reader.refuse(written, Mistake::new("text-does-not-fit", range, message));
        }
    }

    fn fixed(&mut self, value: &Value, path: &str) {
        let mut bytes = Vec::new();
        json_value(value, &mut bytes);
        self.line.push_raw(&bytes);
        let mut leaf = Line::default();
        leaf.push_raw(&bytes);
        self.leaves.push((path.to_owned(), leaf));
    }

    /// A string of the tree, whatever it holds.
    pub(super) fn named_text(&mut self, written: FileText<'_>, path: &str) {
        let template = self.reader.template(written);
        let mut leaf = Line::default();
        let mut mistakes = Vec::new();
        leaf.push_raw(b"\"");
        leaf.push_template(&template, Place::JsonString, self.charset, &mut mistakes);
        leaf.push_raw(b"\"");
        self.add(leaf, mistakes, written, path);
    }

    pub(super) fn refuse(&mut self, written: FileText<'_>, mistake: Mistake) {
        self.reader.refuse(written, mistake);
    }

    fn add(&mut self, leaf: Line, mistakes: Vec<Mistake>, written: FileText<'_>, path: &str) {
        self.reader.refuse_all(written, mistakes);
        self.reader.uses(written, &leaf);
        self.line.append(&leaf);
        self.leaves.push((path.to_owned(), leaf));
    }

    /// A text of a tree: a value when it is one hole and nothing else, else a string.
    fn leaf(&mut self, template: &Template, written: FileText<'_>, path: &str) {
        let mut leaf = Line::default();
        let mut mistakes = Vec::new();
        if let Some(hole) = template.as_hole() {
            leaf.push_hole(hole, Place::JsonValue, &mut mistakes);
        } else {
            leaf.push_raw(b"\"");
            leaf.push_template(template, Place::JsonString, self.charset, &mut mistakes);
            leaf.push_raw(b"\"");
        }
        self.add(leaf, mistakes, written, path);
    }

    /// Compiles a JSON text: a hole inside quotes is a string, a hole as a value keeps its type.
    pub(super) fn text(&mut self, written: FileText<'_>) {
        let template = self.reader.template(written);
        if template.pieces().is_empty() {
            if written.text.is_empty() {
                self.reader.refuse(written, Mistake::new("json", 0..0, "this JSON is empty"));
            }
            return;
        }
        let Some(marked) = Marked::new(&template, &mut Quotes::default()) else {
            let message = "this text has a character of the private use area, which is reserved here";
            return self.reader.refuse(written, Mistake::new("json", written.range(), message));
        };
        match from_json(marked.text.as_bytes()) {
            Ok(value) => self.read(&value, &marked, written, ""),
            Err(error) => {
                let at = marked.written_offset(offset_of(&marked.text, error.line, error.column));
                let mistake = Mistake::new("json", at..at, format!("this is not JSON: {}", error.cause));
                self.reader.refuse(written, mistake.help("write it as a tree: YAML under `json:` becomes JSON"));
            }
        }
    }

    fn read(&mut self, value: &Value, marked: &Marked<'_>, written: FileText<'_>, path: &str) {
        match value {
            Value::Array(items) => {
                self.line.push_raw(b"[");
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.line.push_raw(b",");
                    }
                    self.read(item, marked, written, &format!("{path}[{index}]"));
                }
                self.line.push_raw(b"]");
            }
            Value::Object(members) => {
                self.line.push_raw(b"{");
                for (index, (name, member)) in members.iter().enumerate() {
                    for hole in marked.holes_in(name) {
                        self.reader.refuse(written, hole_in("a JSON key", hole.range.clone()));
                    }
                    self.key(index, name, written, 0..0);
                    self.read(member, marked, written, &join_path(path, name));
                }
                self.line.push_raw(b"}");
            }
            Value::Text(text) => match marked.whole_value(text) {
                Some(hole) => self.leaf(&of_hole(hole), written, path),
                None => self.string(text, marked, written, path),
            },
            fixed => self.fixed(fixed, path),
        }
    }

    fn string(&mut self, text: &str, marked: &Marked<'_>, written: FileText<'_>, path: &str) {
        let mut leaf = Line::default();
        let mut mistakes = Vec::new();
        leaf.push_raw(b"\"");
        let pieces = marked.split(text);
        let mut guards = bits(&pieces).guards(Place::JsonString, self.charset).into_iter();
        for piece in pieces {
            match piece {
                Ok(literal) => {
                    let literal = Template::literal(literal);
                    leaf.push_template(&literal, Place::JsonString, self.charset, &mut mistakes);
                }
                Err(hole) => {
                    let guard = guards.next().unwrap_or_default();
                    leaf.push_guarded(hole, Place::JsonString, &guard, &mut mistakes);
                }
            }
        }
        leaf.push_raw(b"\"");
        self.reader.refuse_all(written, mistakes);
        self.reader.uses(written, &leaf);
        self.line.append(&leaf);
        self.leaves.push((path.to_owned(), leaf));
    }
}

fn of_hole(hole: &Hole) -> Template {
    Template::from_pieces(vec![Piece::Hole(hole.clone())])
}

/// Tells for each hole of a JSON text whether it stands inside quotes.
impl Syntax for Quotes {
    fn literal(&mut self, text: &str) {
        self.read(text);
    }

    fn encode(&mut self, text: &str) -> String {
        if !self.open {
            self.read(text);
            return text.to_owned();
        }
        let mut out = Vec::new();
        quoted(text, &mut out);
        let inner = String::from_utf8(out).unwrap_or_default();
        inner[1..inner.len() - 1].to_owned()
    }

    fn is_whole_value(&self) -> bool {
        !self.open
    }
}

fn join_path(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The byte offset of serde_json's 1-based line and column (which counts bytes).
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (start + column.saturating_sub(1)).min(text.len())
}
