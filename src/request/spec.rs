//! A request as it was written: texts with the caller's marks, no YAML and no connector.

use url::Url;

use crate::document::Number;
use crate::template::{Hole, Language, Line, Mistake, Place, Template};

/// The caller's own sign for a written text (an index, a byte offset); it comes back with each mistake.
pub type Mark = usize;

/// A text as it was written.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// The text.
    pub text: &'a str,
    /// The caller's sign for it.
    pub mark: Mark,
}

/// Names and values in order; a name may come twice where the syntax allows it.
pub type Pairs<'a> = Vec<(Written<'a>, Written<'a>)>;

/// The keys of `request`.
#[derive(Debug, Clone)]
pub struct RequestSpec<'a> {
    /// `GET`, `POST`, …
    pub method: Written<'a>,
    /// The URL; with `link` the name of the capture that it comes from.
    pub url: Written<'a>,
    /// The URL comes from an earlier reply.
    pub link: Option<LinkSpec>,
    /// Added to the URL's own query.
    pub query: Pairs<'a>,
    /// Header fields.
    pub headers: Pairs<'a>,
    /// Cookies of this request.
    pub cookies: Pairs<'a>,
    /// The body.
    pub body: Option<BodySpec<'a>>,
    /// The charset; UTF-8 without one.
    pub charset: Option<Written<'a>>,
    /// `Accept`, unless it is among the headers.
    pub accept: &'static str,
}

/// What an answer may be: servers that negotiate should prefer JSON to a login page.
pub const ACCEPT_JSON: &str = "application/json, */*;q=0.5";

impl<'a> RequestSpec<'a> {
    /// A request that has a method and a URL and nothing else.
    pub fn new(method: Written<'a>, url: Written<'a>) -> Self {
        let empty = Vec::new;
        let (query, headers, cookies) = (empty(), empty(), empty());
        Self { method, url, link: None, query, headers, cookies, body: None, charset: None, accept: ACCEPT_JSON }
    }
}

/// `url: { from }`
#[derive(Debug, Clone)]
pub struct LinkSpec {
    /// The step and its capture.
    pub step: String,
    /// The capture's name.
    pub capture: String,
    /// Whether it stands in a page, so that the page's `<base href>` counts.
    pub in_page: bool,
    /// The origins that the file writes, each with the path `/`.
    pub origins: Vec<Url>,
    /// Those of which a login uses one.
    pub nodes: Vec<Url>,
}

/// One of the body kinds.
#[derive(Debug, Clone)]
pub enum BodySpec<'a> {
    /// `json:` as a tree.
    Json(JsonSpec<'a>),
    /// `json:` as a text.
    JsonText(Written<'a>),
    /// `form:`
    Form(Pairs<'a>),
    /// `form_from:`
    FormFrom(FormFromSpec<'a>),
    /// `multipart:`
    Multipart(Vec<PartSpec<'a>>),
    /// `xml:`
    Xml(Written<'a>),
    /// `text:`
    Text(Written<'a>),
}

/// A form of an earlier page.
#[derive(Debug, Clone)]
pub struct FormFromSpec<'a> {
    /// The step whose reply held it.
    pub step: &'a str,
    /// Its selector, as the step's reply was asked for it.
    pub css: &'a str,
    /// Fields to set; a name that comes twice takes two places.
    pub set: Pairs<'a>,
}

/// A JSON tree as it was written.
#[derive(Debug, Clone)]
pub enum JsonSpec<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, its digits as written.
    Number(Number),
    /// A text, which may have holes.
    Text(Written<'a>),
    /// A list.
    Array(Vec<JsonSpec<'a>>),
    /// Members in order.
    Object(Vec<(Written<'a>, JsonSpec<'a>)>),
}

/// One part of a multipart body.
#[derive(Debug, Clone, Copy)]
pub struct PartSpec<'a> {
    /// The field's name.
    pub name: Written<'a>,
    /// Its content.
    pub value: Written<'a>,
    /// Makes it a file.
    pub filename: Option<Written<'a>>,
    /// The part's own Content-Type.
    pub content_type: Option<Written<'a>>,
}

/// A mistake and the text that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The mark of the written text.
    pub mark: Mark,
    /// What is wrong in it.
    pub mistake: Mistake,
}

/// A hole of a request, where it was written and where it stands: what a check of variables wants to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// The mark of the written text; the hole's range is in that text.
    pub mark: Mark,
    /// Its place; in one that takes null an optional value needs no default.
    pub place: Place,
    /// The hole.
    pub hole: Hole,
}

/// All mistakes of one request, collected while it is compiled.
pub(super) struct Reader<'a> {
    pub(super) language: &'a Language,
    pub(super) mistakes: Vec<Located>,
    pub(super) uses: Vec<Use>,
}

impl Reader<'_> {
    /// A template; after a mistake an empty one, so that the rest is looked at, too.
    pub(super) fn template(&mut self, written: Written<'_>) -> Template {
        match Template::parse(written.text, self.language) {
            Ok(template) => template,
            Err(mistakes) => {
                self.refuse_all(written.mark, mistakes);
                Template::default()
            }
        }
    }

    /// A text that may name settings but has no holes, because it is `what`.
    pub(super) fn literal(&mut self, written: Written<'_>, what: &str) -> String {
        let template = self.template(written);
        for hole in template.holes() {
            self.refuse(written.mark, hole_in(what, hole.range.clone()));
        }
        template.as_literal().map(std::borrow::Cow::into_owned).unwrap_or_default()
    }

    /// Notes the holes of a compiled line.
    pub(super) fn uses(&mut self, mark: Mark, line: &Line) {
        self.uses.extend(line.placed_holes().map(|(hole, place)| Use { mark, place, hole: hole.clone() }));
    }

    pub(super) fn refuse(&mut self, mark: Mark, mistake: Mistake) {
        self.mistakes.push(Located { mark, mistake });
    }

    pub(super) fn refuse_all(&mut self, mark: Mark, mistakes: Vec<Mistake>) {
        self.mistakes.extend(mistakes.into_iter().map(|mistake| Located { mark, mistake }));
    }
}

/// The mistake of a hole where data must not choose.
pub(super) fn hole_in(what: &str, range: std::ops::Range<usize>) -> Mistake {
    Mistake::new("hole-not-allowed", range, format!("a hole cannot stand in {what}"))
        .label("data must not choose what stands here")
}
