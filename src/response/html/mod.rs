//! HTML as browsers read it, for `{ title, text }`, for `css` sources and for the forms of login pages.
//!
//! html5ever never fails on bad markup, so the only pages without a document are those beyond the caps of `guard`.
//! A page is parsed, asked and dropped in one go; what keeps a reply keeps its text and the answers.

mod form;
mod guard;
mod text;

use scraper::{ElementRef, Html};

use crate::document::Value;

/// How much of a title is shown: it goes into one line of `explain`.
const SHOWN_TITLE: usize = 100;

/// A parsed page.
#[derive(Debug)]
pub(super) struct Page {
    html: Html,
    owners: guard::Owners,
}

impl Page {
    /// Parses; the error quotes nothing.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        #[cfg(test)]
        PARSED_HERE.set(PARSED_HERE.get() + 1);
        guard::parse(text).map(|(html, owners)| Self { html, owners })
    }

    /// `{ title, text }`; the title of a page without one is null.
    pub(super) fn document(&self) -> Value {
        let title = self.title().map_or(Value::Null, Value::from);
        let text = Value::from(text::of(self.html.tree.root(), true));
        Value::from_iter([("title".to_owned(), title), ("text".to_owned(), text)])
    }

    /// The title, cut to a line.
    pub(super) fn shown_title(&self) -> Option<String> {
        let title = self.title()?;
        let plain = title.chars().filter(|c| !c.is_control());
        Some(plain.take(SHOWN_TITLE).collect()).filter(|title: &String| !title.is_empty())
    }

    /// All elements of the document that `selector` matches, in no order that matters.
    pub(super) fn select<'p>(&'p self, selector: &'p scraper::Selector) -> impl Iterator<Item = ElementRef<'p>> {
        self.html.select(selector).filter(|element| self.holds(element))
    }

    /// Whether an element is part of the document: the tree also keeps what parsing took out again, and what lies in
    /// templates, which a browser neither shows nor submits.
    fn holds(&self, element: &ElementRef<'_>) -> bool {
        let mut top = **element;
        while let Some(parent) = top.parent() {
            if parent.value().is_fragment() {
                return false;
            }
            top = parent;
        }
        top.id() == self.html.tree.root().id()
    }

    fn title(&self) -> Option<String> {
        let mut elements = self.html.tree.nodes().filter_map(ElementRef::wrap);
        // A picture's own title (svg) is none of the page.
        let title = elements.find(|element| element.value().name() == "title" && element.value().name.ns == HTML)?;
        Some(text::of(*title, false))
    }
}

#[cfg(test)]
thread_local! {
    /// How many pages this thread has parsed.
    pub(crate) static PARSED_HERE: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

const HTML: html5ever::Namespace = html5ever::ns!(html);

/// What a reader sees of an element.
pub(super) fn text_of(element: ElementRef<'_>) -> String {
    text::of(*element, false)
}

#[cfg(test)]
mod tests;
