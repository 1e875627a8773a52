//! The text of a page as a reader sees it.
//!
//! Scripts and styles are left out, blanks are one space, and elements that start a line of their own part words:
//! `<p>a</p><p>b</p>` is `a b`, `<b>1</b>23` is `123`.

use ego_tree::NodeRef;
use ego_tree::iter::Edge;
use scraper::Node;

/// Elements whose content is not text of the page.
const SILENT: [&str; 4] = ["script", "style", "template", "noscript"];

/// Elements that stand inside a word or a line (WHATWG HTML section 3.2.5.2.5, those that hold text).
const INLINE: [&str; 31] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins",
    "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "wbr",
];

/// The text below `node`. `page`: without the title, which a page has apart.
pub(super) fn of(node: NodeRef<'_, Node>, page: bool) -> String {
    let mut line = Line::default();
    let mut silent: Option<ego_tree::NodeId> = None;
    for edge in node.traverse() {
        match edge {
            Edge::Open(inner) => match inner.value() {
                Node::Text(text) if silent.is_none() => line.push(text),
                Node::Element(element) => {
                    let name = element.name();
                    let hidden = SILENT.contains(&name) || (page && name == "title");
                    if hidden && silent.is_none() && inner.id() != node.id() {
                        silent = Some(inner.id());
                    }
                    line.break_at(name);
                }
                _ => {}
            },
            Edge::Close(inner) => {
                if silent == Some(inner.id()) {
                    silent = None;
                }
                if let Node::Element(element) = inner.value() {
                    line.break_at(element.name());
                }
            }
        }
    }
    line.text
}

/// Text whose blanks are one space and that neither starts nor ends with one.
#[derive(Default)]
struct Line {
    text: String,
    blank: bool,
}

impl Line {
    fn push(&mut self, text: &str) {
        for c in text.chars() {
            if matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}' | '\u{a0}') {
                self.blank = true;
            } else {
                if self.blank && !self.text.is_empty() {
                    self.text.push(' ');
                }
                self.blank = false;
                self.text.push(c);
            }
        }
    }

    fn break_at(&mut self, element: &str) {
        self.blank |= !INLINE.contains(&element);
    }
}
