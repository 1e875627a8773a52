//! Changes of a YAML text that leave every other byte as it is: comments, order, quotes, blank lines, line ends.
//!
//! A place is found by the parser's own spans and something is inserted there. Every change is tried before it is given: the text
//! is parsed again and must be the old tree with the new part in it, or the change is refused.

mod emit;
mod place;
mod same;
mod take;

pub use emit::{flow, key, plain, quoted};

use std::path::PathBuf;
use std::sync::Arc;

use crate::diagnostic::{Diagnostics, SourceFile, Span};
use crate::yaml::{self, Node, NodeValue};
use place::{Indent, end_of, end_of_node, is_flow};

/// Puts `text` in place of the bytes of `span`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEdit {
    pub span: Span,
    pub text: String,
}

/// Why a text is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text has mistakes of YAML.
    #[error("the text is not YAML yet; mend its mistakes first")]
    NotYaml,
    /// There is no such place in it.
    #[error("the text has no such place")]
    NoPlace,
    /// There is something of this name already.
    #[error("there is something of this name already")]
    Taken,
    /// The change would not come out as it was meant.
    #[error("the text is written in a way that this change does not know; write it by hand")]
    Unsure,
}

/// A text that can be changed.
pub struct EditableText<'a> {
    text: &'a str,
    root: Node,
}

impl<'a> EditableText<'a> {
    pub fn read(text: &'a str) -> Result<Self, EditError> {
        let root = parsed(text).ok_or(EditError::NotYaml)?;
        Ok(Self { text, root })
    }

    /// The whole tree.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Adds `key: value` to a map. `value` is written on one line.
    pub fn add_key(&self, map: &Node, key: &str, value: &str) -> Result<TextEdit, EditError> {
        let NodeValue::Map(entries) = &map.value else { return Err(EditError::NoPlace) };
        if entries.iter().any(|entry| entry.key == key) {
            return Err(EditError::Taken);
        }
        let written = format!("{}: {value}", emit::key(key));
        let edit = match entries.as_slice() {
            [] => TextEdit { span: map.span.start..end_of_node(self.text, map), text: format!("{{ {written} }}") },
            [.., last] if is_flow(self.text, map) => self.at(end_of(self.text, last), format!(", {written}")),
            [first, .., last] | [first @ last] => {
                let indent = Indent::of(self.text, first.key_span.start);
                self.line_after(end_of(self.text, last), &format!("{}{written}", indent.spaces()))
            }
        };
        self.tried(edit, |before, after| same::with_key(before, after, map, key))
    }

    /// Adds an item at the end of a list.
    pub fn add_item(&self, list: &Node, item: &str) -> Result<TextEdit, EditError> {
        let NodeValue::List(items) = &list.value else { return Err(EditError::NoPlace) };
        let edit = match items.as_slice() {
            [] => TextEdit { span: list.span.start..end_of_node(self.text, list), text: format!("[ {item} ]") },
            [.., last] if is_flow(self.text, list) => self.at(end_of_node(self.text, last), format!(", {item}")),
            [first, ..] => {
                let indent = Indent::of_dash(self.text, first.span.start).ok_or(EditError::Unsure)?;
                let end = items.last().map_or(first.span.end, |last| end_of_node(self.text, last));
                self.line_after(end, &format!("{}- {item}", indent.spaces()))
            }
        };
        self.tried(edit, |before, after| same::with_item(before, after, list))
    }

    /// Adds an item of several lines at the end of a list that is written in lines.
    pub fn add_item_lines(&self, list: &Node, lines: &[String]) -> Result<TextEdit, EditError> {
        let NodeValue::List(items) = &list.value else { return Err(EditError::NoPlace) };
        let (Some(first), Some(last), false) = (items.first(), items.last(), is_flow(self.text, list)) else {
            return Err(EditError::Unsure);
        };
        let indent = Indent::of_dash(self.text, first.span.start).ok_or(EditError::Unsure)?;
        let edit = self.line_after(place::end_of_node(self.text, last), &item_lines(&indent.spaces(), lines));
        self.tried(edit, |before, after| same::with_item(before, after, list))
    }

    /// Adds `key` with a list of one item of several lines to a map that is written in lines.
    pub fn add_list_lines(&self, map: &Node, key: &str, lines: &[String]) -> Result<TextEdit, EditError> {
        let NodeValue::Map(entries) = &map.value else { return Err(EditError::NoPlace) };
        let (Some(first), Some(last), false) = (entries.first(), entries.last(), is_flow(self.text, map)) else {
            return Err(EditError::Unsure);
        };
        let indent = Indent::of(self.text, first.key_span.start).spaces();
        let items = item_lines(&format!("{indent}  "), lines);
        let edit = self.line_after(end_of(self.text, last), &format!("{indent}{}:\n{items}", emit::key(key)));
        self.tried(edit, |before, after| same::with_key(before, after, map, key))
    }

    /// Puts `before` and `after` around a value that stands on one line.
    pub fn wrap(&self, node: &Node, before: &str, after: &str) -> Result<Vec<TextEdit>, EditError> {
        let written = self.written(node);
        if written.contains('\n') || !is_flow(self.text, node) {
            return Err(EditError::Unsure);
        }
        let (start, end) = (node.span.start, end_of_node(self.text, node));
        let edit = TextEdit { span: start..end, text: format!("{before}{written}{after}") };
        let whole = applied(self.text, &edit);
        let root = parsed(&whole).ok_or(EditError::Unsure)?;
        if !same::elsewhere(&self.root, &root, node) {
            return Err(EditError::Unsure);
        }
        Ok(vec![
            TextEdit { span: start..start, text: before.to_owned() },
            TextEdit { span: end..end, text: after.to_owned() },
        ])
    }

    /// Puts a value on one line in place of another.
    pub fn replace(&self, node: &Node, value: &str) -> Result<TextEdit, EditError> {
        let edit = TextEdit { span: node.span.start..end_of_node(self.text, node), text: value.to_owned() };
        self.tried(edit, |before, after| same::elsewhere(before, after, node))
    }

    /// What stands there.
    pub fn written(&self, node: &Node) -> &str {
        &self.text[node.span.start..end_of_node(self.text, node)]
    }

    fn at(&self, offset: usize, text: String) -> TextEdit {
        debug_assert!(offset <= self.text.len());
        TextEdit { span: offset..offset, text }
    }

    /// A line of its own behind the line on which `offset` lies, in the file's own line ends.
    fn line_after(&self, offset: usize, line: &str) -> TextEdit {
        let content = self.text[..offset].trim_end().len();
        let end = self.text[content..].find('\n').map_or(self.text.len(), |at| content + at);
        let has_return = self.text[..end].ends_with('\r');
        let (end, newline) = if has_return { (end - 1, "\r\n") } else { (end, "\n") };
        self.at(end, format!("{newline}{}", line.replace('\n', newline)))
    }

    fn tried(&self, edit: TextEdit, meant: impl Fn(&Node, &Node) -> bool) -> Result<TextEdit, EditError> {
        let root = parsed(&applied(self.text, &edit)).ok_or(EditError::Unsure)?;
        if meant(&self.root, &root) { Ok(edit) } else { Err(EditError::Unsure) }
    }
}

/// The text after one change.
pub fn applied(text: &str, edit: &TextEdit) -> String {
    format!("{}{}{}", &text[..edit.span.start], edit.text, &text[edit.span.end..])
}

/// The text after several changes that do not overlap.
pub fn applied_all(text: &str, edits: &[TextEdit]) -> String {
    let mut last_first: Vec<&TextEdit> = edits.iter().collect();
    last_first.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
    last_first.into_iter().fold(text.to_owned(), |text, edit| applied(&text, edit))
}

/// A member of a map.
pub fn member<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let NodeValue::Map(entries) = &node.value else { return None };
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
}

fn item_lines(indent: &str, lines: &[String]) -> String {
    let line = |(at, line): (usize, &String)| format!("{indent}{} {line}", if at == 0 { "-" } else { " " });
    lines.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

fn parsed(text: &str) -> Option<Node> {
    let file = Arc::new(SourceFile { path: PathBuf::new(), text: text.to_owned() });
    let mut diagnostics = Diagnostics::new(file);
    yaml::parse(&mut diagnostics).filter(|_| !diagnostics.has_errors())
}

#[cfg(test)]
mod tests;
