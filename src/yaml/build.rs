//! Builds the node tree from parser events: keys, duplicates, and what connectors may not use.
//!
//! A stack instead of recursion, so that depth is a number that can be compared.

use std::collections::HashSet;

use super::limits::{MAX_DEPTH, MAX_NODES};
use super::{Core, Entry, Node, NodeValue, Scalar, syntax};
use crate::diagnostic::{Diagnostics, Span};

/// The tree so far.
pub struct Builder<'m> {
    diagnostics: &'m mut Diagnostics,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
    /// Where the last unquoted `{{` stands: what the parser says about the rest of that line is noise.
    braces: Option<usize>,
}

/// A list or map that is not closed yet.
struct Open {
    start: usize,
    what: Collection,
    /// It began as `{{`: its mistake is reported, and what is in it means nothing.
    braces: bool,
}

enum Collection {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, keys: HashSet<String>, key: Key },
}

/// What a map waits for.
enum Key {
    /// A key.
    Wanted,
    /// The value of this one.
    Of(String, Span),
    /// The end of a list or map that stands as a key.
    End,
    /// The value of a key that is refused.
    Refused,
}

impl<'m> Builder<'m> {
    pub fn new(diagnostics: &'m mut Diagnostics) -> Self {
        Self { diagnostics, open: Vec::new(), root: None, nodes: 0, documents: 0, braces: None }
    }

    /// Notes anchors and tags, which stand before the value at `span`.
    pub fn properties(&mut self, anchor: usize, tag: bool, span: &Span) {
        if anchor > 0 {
            let at = self.before(span, '&');
            self.refuse("anchor", &at, "anchors are not used in connectors", "write the value out where it is needed");
        }
        if tag {
            let at = self.before(span, '!');
            self.refuse(
                "tag",
                &at,
                "tags are not used in connectors",
                "leave it out, or quote a text that begins with !",
            );
        }
    }

    /// An alias instead of a value.
    pub fn alias(&mut self, span: Span) -> bool {
        let (message, help) = syntax::ALIAS;
        self.refuse("alias", &span, message, help);
        self.put(Node { span, value: NodeValue::Broken })
    }

    /// A document begins; there is one.
    pub fn document(&mut self, span: Span) -> bool {
        self.documents += 1;
        if self.documents > 1 {
            self.refuse("second-document", &span, "a connector is one document", "a second connector is a second file");
        }
        self.documents == 1
    }

    pub fn scalar(&mut self, scalar: Scalar, span: Span) -> bool {
        let muted = self.is_muted();
        if let Some(Open { what: Collection::Map { keys, key, .. }, .. }) = self.open.last_mut()
            && matches!(key, Key::Wanted)
        {
            let start = span.start;
            if muted || keys.insert(scalar.text.clone()) {
                *key = Key::Of(scalar.text, span);
            } else {
                *key = Key::Refused;
                self.duplicate(&scalar.text, &span);
            }
            return self.count(start);
        }
        self.put(Node { span, value: NodeValue::Scalar(scalar) })
    }

    pub fn open_list(&mut self, span: Span) -> bool {
        self.open(span, Collection::List(Vec::new()), false)
    }

    pub fn open_map(&mut self, span: Span) -> bool {
        let braces = self.diagnostics.file().text[span.start..].starts_with("{{");
        if braces && !self.is_muted() {
            self.braces = Some(span.start);
            let at = span.start..span.start + 2;
            let mistake = self.diagnostics.error_at("quote-braces", &at, "a value with braces is not quoted");
            let mistake = mistake.label("YAML reads this as a map");
            self.diagnostics.add(mistake.help("quote values with braces: \"{{ … }}\""));
        }
        let map = Collection::Map { entries: Vec::new(), keys: HashSet::new(), key: Key::Wanted };
        self.open(span, map, braces)
    }

    /// The innermost list or map ends at `end`.
    pub fn close(&mut self, end: usize) -> bool {
        let Some(Open { start, what, braces }) = self.open.pop() else { return true };
        let (value, last) = match what {
            Collection::List(items) => {
                let last = items.last().map(|item| item.span.end);
                (NodeValue::List(items), last)
            }
            Collection::Map { entries, .. } => {
                let last = entries.last().map(|entry| entry.value.span.end.max(entry.key_span.end));
                (NodeValue::Map(entries), last)
            }
        };
        // A block ends where the next thing begins, lines later; its last item is what a reader takes for its end.
        let is_flow = self.diagnostics.file().text[start..].starts_with(['{', '[']);
        let end = if is_flow { end } else { last.unwrap_or(end) };
        let value = if braces { NodeValue::Broken } else { value };
        self.put(Node { span: start..end.max(start), value })
    }

    /// The parser gave up at the byte `at` and said `info`.
    pub fn stopped(self, at: usize, info: &str) {
        let file = self.diagnostics.file();
        let reported =
            self.braces.is_some_and(|braces| braces <= at && file.position(braces).line + 1 >= file.position(at).line);
        if !reported {
            let mistake = syntax::explain(file, at, info, self.open_bracket());
            self.diagnostics.add(mistake);
        }
    }

    pub fn finish(self) -> Option<Node> {
        let nothing = match &self.root {
            None => true,
            Some(Node { value: NodeValue::Scalar(scalar), .. }) => scalar.core() == Core::Absent,
            Some(_) => false,
        };
        if nothing && !self.diagnostics.has_errors() {
            let mistake =
                self.diagnostics.error_at("empty-file", &(0..0), "the file is empty").label("nothing to read");
            self.diagnostics.add(mistake.help("a connector begins with version: 1"));
        }
        self.root.filter(|_| !nothing)
    }

    fn open(&mut self, span: Span, what: Collection, braces: bool) -> bool {
        if self.open.len() >= MAX_DEPTH {
            self.diagnostics.add(syntax::too_deep(self.diagnostics.file(), span.start));
            return false;
        }
        let muted = self.is_muted();
        if let Some(Open { what: Collection::Map { key, .. }, .. }) = self.open.last_mut()
            && matches!(key, Key::Wanted)
        {
            *key = Key::End;
            if !muted && !braces {
                self.refuse(
                    "complex-key",
                    &span,
                    "a key is a word, not a list or map",
                    "quote it, or check the indentation",
                );
            }
            self.open.push(Open { start: span.start, what, braces: true });
            return self.count(span.start);
        }
        self.open.push(Open { start: span.start, what, braces });
        self.count(span.start)
    }

    /// Where the innermost bracket stands that is not closed yet.
    fn open_bracket(&self) -> Option<usize> {
        let start = self.open.last()?.start;
        self.diagnostics.file().text[start..].starts_with(['{', '[']).then_some(start)
    }

    /// Puts a finished value where it belongs.
    fn put(&mut self, mut node: Node) -> bool {
        let start = node.span.start;
        match self.open.last_mut().map(|open| &mut open.what) {
            None => self.root = Some(node),
            Some(Collection::List(items)) => items.push(node),
            Some(Collection::Map { entries, key, .. }) => match std::mem::replace(key, Key::Wanted) {
                Key::Of(key, key_span) => {
                    // Nothing was written: the key is where a person looks.
                    if matches!(&node.value, NodeValue::Scalar(scalar) if scalar.core() == Core::Absent) {
                        node.span = key_span.clone();
                    }
                    entries.push(Entry { key, key_span, value: node });
                }
                Key::End => *key = Key::Refused,
                Key::Refused | Key::Wanted => {}
            },
        }
        self.count(start)
    }

    fn count(&mut self, at: usize) -> bool {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let text = format!("the file holds more than {MAX_NODES} values");
            let mistake = self.diagnostics.error_at("too-many-values", &(at..at), text);
            self.diagnostics.add(mistake.help("move scripts and test data to files of their own"));
        }
        self.nodes <= MAX_NODES
    }

    fn duplicate(&mut self, key: &str, span: &Span) {
        if self.diagnostics.is_full() {
            return;
        }
        let first = match self.open.last().map(|open| &open.what) {
            Some(Collection::Map { entries, .. }) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        };
        let line = first.map(|entry| self.diagnostics.file().position(entry.key_span.start).line);
        let mistake =
            self.diagnostics.error_at("duplicate-key", span, "a key is written twice").label("the second time");
        self.diagnostics.add(match line {
            Some(line) => mistake.help(format!("the first one is on line {line}; keep one of them")),
            None => mistake.help("keep one of them"),
        });
    }

    fn refuse(&mut self, code: &'static str, span: &Span, message: &str, help: &str) {
        if !self.is_muted() {
            self.diagnostics.add(self.diagnostics.error_at(code, span, message).help(help));
        }
    }

    fn is_muted(&self) -> bool {
        self.open.iter().any(|open| open.braces)
    }

    /// Where the anchor or tag of the value at `span` stands: at its start or before it.
    fn before(&self, span: &Span, sign: char) -> Span {
        let text = &self.diagnostics.file().text;
        let from = if text[span.start..].starts_with(sign) { span.start + 1 } else { span.start };
        match text[..from].rfind(sign) {
            Some(at) => {
                let word = text[at..].find(char::is_whitespace).unwrap_or(text.len() - at);
                at..at + word
            }
            None => span.clone(),
        }
    }
}
