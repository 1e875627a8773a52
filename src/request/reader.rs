//! Compiles the written texts of one request: every mistake goes to its place in the file, every hole is noted.

use std::borrow::Cow;
use std::ops::Range;

use crate::context::Variable;
use crate::diagnostic::{Diagnostics, Span};
use crate::reading::{Dict, OneOrMany, Parameter, Spanned, Text};
use crate::template::{Hole, Language, Line, Mistake, Place, Template};

/// A text of the file and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileText<'a> {
    pub(super) text: &'a str,
    stands: Stands<'a>,
}

/// A value has a place for each of its parts; a name, or a word that the file does not write, only one.
#[derive(Debug, Clone, Copy)]
enum Stands<'a> {
    InParts(&'a Text),
    Whole(&'a Span),
}

impl<'a> From<&'a Text> for FileText<'a> {
    fn from(text: &'a Text) -> Self {
        Self { text: &text.text, stands: Stands::InParts(text) }
    }
}

impl<'a> From<&'a Spanned<String>> for FileText<'a> {
    fn from(name: &'a Spanned<String>) -> Self {
        Self::word(&name.value, &name.span)
    }
}

impl<'a> FileText<'a> {
    /// What the file says at `span` in other words.
    pub(super) fn word(text: &'a str, span: &'a Span) -> Self {
        Self { text, stands: Stands::Whole(span) }
    }

    /// All of it.
    pub(super) fn range(self) -> Range<usize> {
        0..self.text.len()
    }

    fn span_of(self, range: Range<usize>) -> Span {
        match self.stands {
            Stands::InParts(text) => text.span_of(range),
            Stands::Whole(span) => span.clone(),
        }
    }

    /// Where `variable` stands in the hole `range`.
    fn span_in(self, variable: &Variable, range: &Range<usize>) -> Span {
        let name = variable.to_string();
        let found = self.text.get(range.clone()).and_then(|hole| hole.find(&name)).map(|at| range.start + at);
        self.span_of(found.map_or(range.clone(), |at| at..at + name.len()))
    }
}

/// Names and values in order; a name may come twice where the syntax allows it.
pub(super) type Pairs<'a> = Vec<(FileText<'a>, FileText<'a>)>;

/// Names that have one value each.
pub(super) fn singles(dict: &Dict<Parameter>) -> Pairs<'_> {
    dict.iter().map(|(name, value)| (name.into(), (&value.0).into())).collect()
}

/// A name with several values comes several times.
pub(super) fn pairs(dict: &Dict<OneOrMany<Parameter>>) -> Pairs<'_> {
    dict.iter().flat_map(|(name, values)| values.iter().map(move |value| (name.into(), (&value.0).into()))).collect()
}

/// A hole of a request, where it stands in the request, and where its variables stand in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// Its place; in one that takes null an optional value needs no default.
    pub place: Place,
    /// The hole.
    pub hole: Hole,
    spans: Vec<Span>,
}

impl Use {
    /// Every variable of the hole, and where the file names it.
    pub fn variables(&self) -> impl Iterator<Item = (&Variable, &Span)> {
        self.hole.variables().zip(&self.spans)
    }
}

/// What is found in the texts of one request while it is compiled.
pub(super) struct Reader<'a> {
    language: &'a Language,
    diagnostics: &'a mut Diagnostics,
    pub(super) uses: Vec<Use>,
    /// How many mistakes there are.
    pub(super) refused: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(language: &'a Language, diagnostics: &'a mut Diagnostics) -> Self {
        Self { language, diagnostics, uses: Vec::new(), refused: 0 }
    }

    /// A template; after a mistake an empty one, so that the rest is looked at, too.
    pub(super) fn template(&mut self, written: FileText<'_>) -> Template {
        match Template::parse(written.text, self.language) {
            Ok(template) => template,
            Err(mistakes) => {
                self.refuse_all(written, mistakes);
                Template::default()
            }
        }
    }

    /// A text that may name settings but has no holes, because it is `what`.
    pub(super) fn literal(&mut self, written: FileText<'_>, what: &str) -> String {
        let template = self.template(written);
        for hole in template.holes() {
            self.refuse(written, hole_in(what, hole.range.clone()));
        }
        template.as_literal().map(Cow::into_owned).unwrap_or_default()
    }

    /// Notes the holes of a compiled line.
    pub(super) fn uses(&mut self, written: FileText<'_>, line: &Line) {
        for (hole, place) in line.placed_holes() {
            self.add_use(written, place, hole.clone());
        }
    }

    pub(super) fn add_use(&mut self, written: FileText<'_>, place: Place, hole: Hole) {
        let spans = hole.variables().map(|variable| written.span_in(variable, &hole.range)).collect();
        self.uses.push(Use { place, hole, spans });
    }

    pub(super) fn refuse(&mut self, written: FileText<'_>, mistake: Mistake) {
        let span = written.span_of(mistake.offset.clone());
        self.diagnostics.add(mistake.at(&span, self.diagnostics));
        self.refused += 1;
    }

    pub(super) fn refuse_all(&mut self, written: FileText<'_>, mistakes: Vec<Mistake>) {
        for mistake in mistakes {
            self.refuse(written, mistake);
        }
    }
}

/// The mistake of a hole where data must not choose.
pub(super) fn hole_in(what: &str, range: Range<usize>) -> Mistake {
    Mistake::new("hole-not-allowed", range, format!("a hole cannot stand in {what}"))
        .label("data must not choose what stands here")
}
