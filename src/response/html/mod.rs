//! HTML as browsers read it, for `{ title, text }`, for `css` sources and for the forms of login pages.
//!
//! html5ever never fails on bad markup, so the only pages without a document are those beyond the caps of `guard`.
//! A page is not sent between threads; what keeps it keeps its text.

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
}

impl Page {
    /// Parses; the error quotes nothing.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        guard::parse(text).map(|html| Self { html })
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

    /// All elements that `selector` matches, in no order that matters.
    pub(super) fn select<'p>(&'p self, selector: &'p scraper::Selector) -> impl Iterator<Item = ElementRef<'p>> {
        self.html.select(selector)
    }

    fn title(&self) -> Option<String> {
        let mut elements = self.html.tree.nodes().filter_map(ElementRef::wrap);
        // A picture's own title (svg) is none of the page.
        let title = elements.find(|element| element.value().name() == "title" && element.value().name.ns == HTML)?;
        Some(text::of(*title, false))
    }
}

const HTML: html5ever::Namespace = html5ever::ns!(html);

/// What a reader sees of an element.
pub(super) fn text_of(element: ElementRef<'_>) -> String {
    text::of(*element, false)
}

#[cfg(test)]
mod tests;
