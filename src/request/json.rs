//! JSON bodies: a tree with typed holes, or a JSON text that is read into such a tree once at load.
//!
//! Text templates that join JSON from strings are how users became administrators (`a","admin":true`); here the
//! syntax is compiled, and only the inside of strings and whole values come from data.

use crate::document::{MAX_DEPTH, Value, from_json};
use crate::template::{Charset, Hole, Line, Mistake, Piece, Place, Quotes, Template, json_value, quoted};

use super::marked::{Marked, Syntax, bits};
use super::spec::{JsonSpec, Mark, Reader, Written, hole_in};

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

    /// Compiles a written tree. Depth is bounded by `document::MAX_DEPTH`.
    pub(super) fn tree(&mut self, spec: &JsonSpec<'_>, path: &str, depth: usize) {
        match spec {
            JsonSpec::Null => self.fixed(&Value::Null, path),
            JsonSpec::Bool(flag) => self.fixed(&Value::Bool(*flag), path),
            JsonSpec::Number(number) => self.fixed(&Value::Number(number.clone()), path),
            JsonSpec::Text(written) => {
                let template = self.reader.template(*written);
                self.leaf(&template, written.mark, path);
            }
            JsonSpec::Array(_) | JsonSpec::Object(_) if depth >= MAX_DEPTH => {
                let mark = first_mark(spec).unwrap_or(0);
                self.reader.refuse(mark, Mistake::new("json", 0..0, "this JSON is nested too deep"));
            }
            JsonSpec::Array(items) => {
                self.line.push_raw(b"[");
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.line.push_raw(b",");
                    }
                    self.tree(item, &format!("{path}[{index}]"), depth + 1);
                }
                self.line.push_raw(b"]");
            }
            JsonSpec::Object(members) => self.object(members, path, depth),
        }
    }

    fn object(&mut self, members: &[(Written<'_>, JsonSpec<'_>)], path: &str, depth: usize) {
        let mut names: Vec<String> = Vec::with_capacity(members.len());
        self.line.push_raw(b"{");
        for (index, (written, member)) in members.iter().enumerate() {
            let name = self.reader.literal(*written, "a JSON key");
            if names.contains(&name) {
                let message = format!("the key `{name}` is there already");
                self.reader.refuse(written.mark, Mistake::new("json", 0..written.text.len(), message));
            }
            self.key(index, &name, written.mark, 0..written.text.len());
            self.tree(member, &join_path(path, &name), depth + 1);
            names.push(name);
        }
        self.line.push_raw(b"}");
    }

    fn key(&mut self, index: usize, name: &str, mark: Mark, range: std::ops::Range<usize>) {
        let mut text = Vec::new();
        if index > 0 {
            text.push(b',');
        }
        quoted(name, &mut text);
        text.push(b':');
        self.raw(&text, mark, range);
    }

    /// Literal JSON in UTF-8, into the charset.
    fn raw(&mut self, utf8: &[u8], mark: Mark, range: std::ops::Range<usize>) {
        let text = str::from_utf8(utf8).ok();
        if let Some(bytes) = text.and_then(|text| self.charset.encode(&self.charset.json_safe(text))) {
            self.line.push_raw(&bytes);
        } else {
            let message = "the request's charset lacks a character of this text";
            self.reader.refuse(mark, Mistake::new("text-does-not-fit", range, message));
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

    /// A text of a tree: a value when it is one hole and nothing else, else a string.
    fn leaf(&mut self, template: &Template, mark: Mark, path: &str) {
        let mut leaf = Line::default();
        let mut mistakes = Vec::new();
        if let Some(hole) = template.as_hole() {
            leaf.push_hole(hole, Place::JsonValue, &mut mistakes);
        } else {
            leaf.push_raw(b"\"");
            leaf.push_template(template, Place::JsonString, self.charset, &mut mistakes);
            leaf.push_raw(b"\"");
        }
        self.reader.refuse_all(mark, mistakes);
        self.reader.uses(mark, &leaf);
        self.line.append(&leaf);
        self.leaves.push((path.to_owned(), leaf));
    }

    /// Compiles a JSON text: a hole inside quotes is a string, a hole as a value keeps its type.
    pub(super) fn text(&mut self, written: Written<'_>) {
        let template = self.reader.template(written);
        if template.pieces().is_empty() {
            if written.text.is_empty() {
                self.reader.refuse(written.mark, Mistake::new("json", 0..0, "this JSON is empty"));
            }
            return;
        }
        let Some(marked) = Marked::new(&template, &mut Quotes::default()) else {
            let message = "this text has a character of the private use area, which is reserved here";
            return self.reader.refuse(written.mark, Mistake::new("json", 0..written.text.len(), message));
        };
        match from_json(marked.text.as_bytes()) {
            Ok(value) => self.read(&value, &marked, written.mark, ""),
            Err(error) => {
                let at = marked.written_offset(offset_of(&marked.text, error.line, error.column));
                let mistake = Mistake::new("json", at..at, format!("this is not JSON: {}", error.cause));
                self.reader.refuse(written.mark, mistake.help("write it as a tree: YAML under `json:` becomes JSON"));
            }
        }
    }

    fn read(&mut self, value: &Value, marked: &Marked<'_>, mark: Mark, path: &str) {
        match value {
            Value::Array(items) => {
                self.line.push_raw(b"[");
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.line.push_raw(b",");
                    }
                    self.read(item, marked, mark, &format!("{path}[{index}]"));
                }
                self.line.push_raw(b"]");
            }
            Value::Object(members) => {
                self.line.push_raw(b"{");
                for (index, (name, member)) in members.iter().enumerate() {
                    for hole in marked.holes_in(name) {
                        self.reader.refuse(mark, hole_in("a JSON key", hole.range.clone()));
                    }
                    self.key(index, name, mark, 0..0);
                    self.read(member, marked, mark, &join_path(path, name));
                }
                self.line.push_raw(b"}");
            }
            Value::Text(text) => match marked.whole_value(text) {
                Some(hole) => self.leaf(&of_hole(hole), mark, path),
                None => self.string(text, marked, mark, path),
            },
            fixed => self.fixed(fixed, path),
        }
    }

    fn string(&mut self, text: &str, marked: &Marked<'_>, mark: Mark, path: &str) {
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
        self.reader.refuse_all(mark, mistakes);
        self.reader.uses(mark, &leaf);
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

fn first_mark(spec: &JsonSpec<'_>) -> Option<Mark> {
    match spec {
        JsonSpec::Text(written) => Some(written.mark),
        JsonSpec::Array(items) => items.iter().find_map(first_mark),
        JsonSpec::Object(members) => members.first().map(|(name, _)| name.mark),
        _ => None,
    }
}

/// The byte offset of serde_json's 1-based line and column (which counts bytes).
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (start + column.saturating_sub(1)).min(text.len())
}
