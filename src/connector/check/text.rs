//! Texts of a connector: from mistakes in one to places in the file, and templates with the names in them checked.

use super::Check;
use super::names::Scope;
use crate::connector::raw::{Dict, OneOrMany, Parameter, Spanned, Text};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::request::{Located, Mark, Pairs, Written};
use crate::template::{self, Place, Template};

/// Notes a mistake that was found inside `text`.
pub(super) fn in_text(text: &Text, mistake: template::Mistake, mistakes: &mut Diagnostics) {
    at(&text.span_of(mistake.offset.clone()), mistake, mistakes);
}

/// Notes a mistake at a place.
pub(super) fn at(span: &Span, mistake: template::Mistake, mistakes: &mut Diagnostics) {
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

    /// Names and their values; a name with several values comes several times.
    pub(super) fn pairs(&mut self, dict: &'a Dict<OneOrMany<Parameter>>) -> Pairs<'a> {
        let mut pairs = Vec::new();
        for (name, values) in dict.iter() {
            for value in values.iter() {
                pairs.push((self.key(name), self.text(value)));
            }
        }
        pairs
    }

    fn keep(&mut self, marked: Marked<'a>) -> Mark {
        self.places.push(marked);
        self.places.len() - 1
    }

    /// Notes all mistakes of a request.
    pub(super) fn note(&self, located: Vec<Located>, mistakes: &mut Diagnostics) {
        for Located { mark, mistake } in located {
            match &self.places[mark] {
                Marked::Text(text) => in_text(text, mistake, mistakes),
                Marked::Key(span) => at(span, mistake, mistakes),
            }
        }
    }
}

/// A template outside a request, its names checked.
pub(super) fn template(
    check: &Check<'_>,
    text: &Text,
    place: Place,
    scope: Scope<'_>,
    mistakes: &mut Diagnostics,
) -> Option<Template> {
    match Template::parse(&text.text, &check.language) {
        Ok(template) => {
            for mistake in template.check(place) {
                in_text(text, mistake, mistakes);
            }
            for hole in template.holes() {
                for variable in hole.variables() {
                    let span = text.span_of(hole.range.clone());
                    scope.check(variable, &span, mistakes);
                    if scope.is_optional(variable) && !hole.has_default() && place != Place::Plain {
                        let message = format!("`{variable}` is optional, so it may be missing here");
                        let mistake = mistakes.error_at("optional-without-default", &span, message);
                        mistakes.add(mistake.help("say what stands for it with the filter default"));
                    }
                }
            }
            Some(template)
        }
        Err(found) => {
            for mistake in found {
                in_text(text, mistake, mistakes);
            }
            None
        }
    }
}
