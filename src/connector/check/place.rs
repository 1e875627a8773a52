//! From mistakes in a text to places in the file.

use crate::diagnostic::{Diagnostic, Mistakes, Span};
use crate::template;

use crate::connector::raw::{Spanned, Text};
use crate::request::{Located, Mark, Written};

/// Notes a mistake that was found inside `text`.
pub(super) fn in_text(text: &Text, mistake: template::Mistake, mistakes: &mut Mistakes) {
    at(&text.span_of(mistake.offset.clone()), mistake, mistakes);
}

/// Notes a mistake at a place.
pub(super) fn at(span: &Span, mistake: template::Mistake, mistakes: &mut Mistakes) {
    let diagnostic = mistakes.error_at(mistake.code, span, mistake.message);
    mistakes.add(Diagnostic { label: mistake.label, help: mistake.help, ..diagnostic });
}

/// The written texts of one request, so that a mistake finds its way back to the file.
#[derive(Default)]
pub(super) struct Marks<'a> {
    places: Vec<Marked<'a>>,
}

enum Marked<'a> {
    Text(&'a Text),
    Key(&'a Span),
}

impl<'a> Marks<'a> {
    /// A value.
    pub(super) fn text(&mut self, text: &'a Text) -> Written<'a> {
        Written { text: &text.text, mark: self.keep(Marked::Text(text)) }
    }

    /// A key.
    pub(super) fn key(&mut self, key: &'a Spanned<String>) -> Written<'a> {
        Written { text: &key.value, mark: self.keep(Marked::Key(&key.span)) }
    }

    /// Something that the file says in other words, such as a method that was left out.
    pub(super) fn word(&mut self, text: &'a str, span: &'a Span) -> Written<'a> {
        Written { text, mark: self.keep(Marked::Key(span)) }
    }

    fn keep(&mut self, marked: Marked<'a>) -> Mark {
        self.places.push(marked);
        self.places.len() - 1
    }

    /// Notes all mistakes of a request.
    pub(super) fn note(&self, located: Vec<Located>, mistakes: &mut Mistakes) {
        for Located { mark, mistake } in located {
            match &self.places[mark] {
                Marked::Text(text) => in_text(text, mistake, mistakes),
                Marked::Key(span) => at(span, mistake, mistakes),
            }
        }
    }
}
