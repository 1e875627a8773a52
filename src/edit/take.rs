//! Setting, renaming and taking away what is there.

use super::place::{end_of, end_of_node, is_flow};
use super::{EditError, EditableText, TextEdit, emit, same};
use crate::yaml::{Entry, Node, NodeValue, Style};

impl EditableText<'_> {
    /// Puts a value in place of the one of `key`. Where the key has none yet, it is written behind its colon.
    pub fn set(&self, map: &Node, key: &str, value: &str) -> Result<TextEdit, EditError> {
        let entry = entry(map, key)?;
        if is_absent(entry) {
            let colon = self.text[entry.key_span.end..].find(':').ok_or(EditError::Unsure)? + entry.key_span.end + 1;
            let edit = TextEdit { span: colon..colon, text: format!(" {value}") };
            return self.tried(edit, |before, after| same::elsewhere(before, after, &entry.value));
        }
        match &entry.value.value {
            // Its span begins behind the `|`.
            NodeValue::Scalar(scalar) if scalar.style == Style::Block => Err(EditError::Unsure),
            NodeValue::Map(_) | NodeValue::List(_) if !is_flow(self.text, &entry.value) => Err(EditError::Unsure),
            _ => self.replace(&entry.value, value),
        }
    }

    /// Puts a value on one line in place of one that is written in lines, or in brackets. Comments inside go with it.
    pub fn replace_lines(&self, node: &Node, value: &str) -> Result<TextEdit, EditError> {
        if is_flow(self.text, node) {
            return self.replace(node, value);
        }
        let first = match &node.value {
            NodeValue::List(items) => items.first().map(|item| &item.span),
            NodeValue::Map(entries) => entries.first().map(|entry| &entry.key_span),
            NodeValue::Scalar(_) | NodeValue::Broken => None,
        };
        let first = first.ok_or(EditError::Unsure)?;
        let line = self.text[..first.start].rfind('\n').map_or(0, |newline| newline + 1);
        let colon = self.text[..line].trim_end().len();
        if !self.text[..colon].ends_with(':') {
            return Err(EditError::Unsure);
        }
        let edit = TextEdit { span: colon..end_of_node(self.text, node), text: format!(" {value}") };
        self.tried(edit, |before, after| same::elsewhere(before, after, node))
    }

    /// A scalar's new text, in the style of the old one where that can hold it.
    pub fn like(&self, node: &Node, text: &str) -> String {
        let written = self.written(node);
        let is_literal = |text: &str| {
            let value = serde_json::from_str::<serde_json::Value>(text).ok();
            value.is_some_and(|value| value.is_number() || value.is_boolean())
        };
        match () {
            () if written.starts_with(['"', '\'']) => emit::quoted(text),
            // A number stays one.
            () if is_literal(written) && is_literal(text) => text.to_owned(),
            () => emit::plain(text),
        }
    }

    /// Gives a key another name.
    pub fn rename(&self, map: &Node, key: &str, name: &str) -> Result<TextEdit, EditError> {
        let found = entry(map, key)?;
        if entry(map, name).is_ok() {
            return Err(EditError::Taken);
        }
        let edit = TextEdit { span: found.key_span.clone(), text: emit::key(name) };
        self.tried(edit, |before, after| same::renamed(before, after, map, (key, name)))
    }

    /// Takes a key and its value away. Comments that are not on its lines stay.
    pub fn remove_key(&self, map: &Node, key: &str) -> Result<TextEdit, EditError> {
        let NodeValue::Map(entries) = &map.value else { return Err(EditError::NoPlace) };
        let at = entries.iter().position(|entry| entry.key == key).ok_or(EditError::NoPlace)?;
        let parts: Vec<Part> =
            entries.iter().map(|entry| Part { start: entry.key_span.start, end: end_of(self.text, entry) }).collect();
        let edit = self.without(map, &parts, at, "{}")?;
        self.tried(edit, |before, after| same::without(before, after, map, at))
    }

    /// Takes an item of a list away.
    pub fn remove_item(&self, list: &Node, at: usize) -> Result<TextEdit, EditError> {
        let NodeValue::List(items) = &list.value else { return Err(EditError::NoPlace) };
        if at >= items.len() {
            return Err(EditError::NoPlace);
        }
        let flow = is_flow(self.text, list);
        let part = |item: &Node| {
            let dash = || self.text[..item.span.start].trim_end_matches(' ').strip_suffix('-').map(str::len);
            let start = if flow { Some(item.span.start) } else { dash() };
            start.map(|start| Part { start, end: end_of_node(self.text, item) })
        };
        let parts: Vec<Part> = items.iter().map(part).collect::<Option<_>>().ok_or(EditError::Unsure)?;
        let edit = self.without(list, &parts, at, "[]")?;
        self.tried(edit, |before, after| same::without(before, after, list, at))
    }

    fn without(&self, node: &Node, parts: &[Part], at: usize, empty: &str) -> Result<TextEdit, EditError> {
        let Part { start, end } = parts[at];
        let cut = |span: std::ops::Range<usize>| {
            // A comment between two lines may be the next one's.
            let lost = &self.text[span.clone()];
            if lost.contains('\n') && lost.contains('#') {
                Err(EditError::Unsure)
            } else {
                Ok(TextEdit { span, text: String::new() })
            }
        };
        if is_flow(self.text, node) {
            return match (at.checked_sub(1).map(|before| parts[before].end), parts.get(at + 1)) {
                (None, None) => {
                    Ok(TextEdit { span: node.span.start..end_of_node(self.text, node), text: empty.to_owned() })
                }
                (_, Some(next)) => cut(start..next.start),
                (Some(before), None) => cut(before..end),
            };
        }
        let line = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let own_line = self.text[line..start].trim_start_matches('\u{feff}').bytes().all(|byte| byte == b' ');
        match parts.get(at + 1) {
            _ if parts.len() == 1 => Ok(TextEdit { span: start..end, text: empty.to_owned() }),
            // Behind a dash: the next one comes up to it.
            Some(next) if !own_line => cut(start..next.start),
            None if !own_line => Err(EditError::Unsure),
            _ => {
                let after = self.text[end..].find('\n').map_or(self.text.len(), |newline| end + newline + 1);
                Ok(TextEdit { span: line..after, text: String::new() })
            }
        }
    }
}

/// From where to where an entry or item stands.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    end: usize,
}

fn entry<'n>(map: &'n Node, key: &str) -> Result<&'n Entry, EditError> {
    let NodeValue::Map(entries) = &map.value else { return Err(EditError::NoPlace) };
    entries.iter().find(|entry| entry.key == key).ok_or(EditError::NoPlace)
}

/// `key:` and nothing: the parser gives such a value the place of its key.
fn is_absent(entry: &Entry) -> bool {
    matches!(&entry.value.value, NodeValue::Scalar(scalar) if scalar.text.is_empty() && scalar.style == Style::Plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::{applied, member};

    fn changed(text: &str, change: impl Fn(&EditableText<'_>) -> Result<TextEdit, EditError>) -> String {
        match change(&EditableText::read(text).unwrap()) {
            Ok(edit) => applied(text, &edit),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn a_key_is_taken_away_with_its_line_or_its_comma() {
        for (before, key, after) in [
            ("m:\n  a: 1 # one\n  b: 2\nn: 1\n", "a", "m:\n  b: 2\nn: 1\n"),
            ("m:\n  a: 1\n  # about b\n  b: 2\n", "a", "m:\n  # about b\n  b: 2\n"),
            ("m:\n  a:\n    x: 1\n    y: 2\n\n  b: 2\n", "a", "m:\n\n  b: 2\n"),
            ("m:\n  a: |\n    text\n  b: 2\n", "a", "m:\n  b: 2\n"),
            ("m: { a: 1, b: 2 } # why\n", "a", "m: { b: 2 } # why\n"),
            ("m: { b: 2, a: 1 } # why\n", "a", "m: { b: 2 } # why\n"),
            ("m: { a: 1 }\n", "a", "m: {}\n"),
            ("m:\n  a: 1\n", "a", "m:\n  {}\n"),
            ("m:\r\n  a: 1\r\n  b: 2\r\n", "a", "m:\r\n  b: 2\r\n"),
            ("m: {\n  a: 1, # one\n  b: 2\n}\n", "a", "Unsure"),
            ("m: { b: 2 }\n", "a", "NoPlace"),
        ] {
            let removed = changed(before, |text| text.remove_key(member(text.root(), "m").unwrap(), key));
            assert_eq!(removed, after, "{before}");
        }
        let in_item = changed("l:\n  - a: 1\n    b: 2\n", |text| {
            let NodeValue::List(items) = &member(text.root(), "l").unwrap().value else { panic!() };
            text.remove_key(&items[0], "a")
        });
        assert_eq!(in_item, "l:\n  - b: 2\n");
    }

    #[test]
    fn an_item_is_taken_away() {
        for (before, at, after) in [
            ("l: [ a, b, c ] # why\n", 1, "l: [ a, c ] # why\n"),
            ("l: [ a, b ]\n", 1, "l: [ a ]\n"),
            ("l: [ a ]\n", 0, "l: []\n"),
            ("l:\n  - { a: 1 } # one\n  # two\n  - { b: 2 }\nm: 1\n", 0, "l:\n  # two\n  - { b: 2 }\nm: 1\n"),
            ("l:\n  - a: 1\n    b: 2\n  - c\n", 0, "l:\n  - c\n"),
            ("l:\n- a\n- b\n", 1, "l:\n- a\n"),
        ] {
            assert_eq!(
                changed(before, |text| text.remove_item(member(text.root(), "l").unwrap(), at)),
                after,
                "{before}"
            );
        }
    }

    #[test]
    fn a_value_is_set_and_a_key_is_renamed() {
        for (before, key, after) in [
            ("m: { a: 1, b: 2 } # why\n", "a", "m: { a: NEW, b: 2 } # why\n"),
            ("m:\n  a: \"x\" # one\n  b: 2\n", "a", "m:\n  a: NEW # one\n  b: 2\n"),
            ("m:\n  a: # one\n  b: 2\n", "a", "m:\n  a: NEW # one\n  b: 2\n"),
            ("m:\n  a:\n  b: 2\n", "a", "m:\n  a: NEW\n  b: 2\n"),
            ("m:\n  a: [ 1,\n    2 ]\n", "a", "m:\n  a: NEW\n"),
            ("m:\n  a: |\n    text\n", "a", "Unsure"),
            ("m:\n  a:\n    x: 1\n", "a", "Unsure"),
        ] {
            assert_eq!(
                changed(before, |text| text.set(member(text.root(), "m").unwrap(), key, "NEW")),
                after,
                "{before}"
            );
        }
        let renamed =
            |text: &str, name: &str| changed(text, |it| it.rename(member(it.root(), "m").unwrap(), "a", name));
        assert_eq!(renamed("m: { \"a\": 1, b: 2 }\n", "X-B c"), "m: { \"X-B c\": 1, b: 2 }\n");
        assert_eq!(renamed("m:\n  a: 1 # one\n", "c"), "m:\n  c: 1 # one\n");
        assert_eq!(renamed("m: { a: 1, b: 2 }\n", "b"), "Taken");
    }
}
