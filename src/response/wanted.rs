//! What a step asks of an HTML page, and the answers.
//!
//! A page is parsed and searched in one go, while it is decoded, and not kept: a hostile page of a megabyte takes
//! seconds to read, so the caller of `decode` decides once where that time is spent. Afterwards nothing looks into a page.

use std::sync::Arc;

use encoding_rs::Encoding;

use super::html::Page;
use super::source::{Css, SourceValue};
use crate::context::Form;

/// What a step asks of a page, known when the connector loads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Each `css` source of the step once.
    pub css: Vec<Css>,
    /// The forms that later steps submit.
    pub forms: Vec<Css>,
    /// Whether a later step follows a link of this reply.
    pub links: bool,
}

/// The answers of one page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageParts {
    wanted: Arc<Wanted>,
    /// In the order of `wanted.css`.
    css: Vec<SourceValue<'static>>,
    /// In the order of `wanted.forms`.
    forms: Vec<Result<Form, String>>,
    /// `<base href>` as it is written, when links were asked for.
    base: Option<String>,
}

impl PageParts {
    pub(super) fn of(page: &Page, wanted: &Arc<Wanted>, charset: &'static Encoding) -> Self {
        let css = wanted.css.iter().map(|css| css.read(page)).collect();
        let forms = wanted.forms.iter().map(|css| page.form(css, charset).map_err(|why| why.to_string())).collect();
        let base = if wanted.links { page.base() } else { None };
        Self { wanted: Arc::clone(wanted), css, forms, base }
    }

    /// Bytes of memory, nearly.
    pub(super) fn bytes(&self) -> usize {
        let found = |found: &SourceValue<'static>| match found {
            SourceValue::Value(value) | SourceValue::Void(value, _) => value.bytes(),
            SourceValue::Absent | SourceValue::Unknown(_) => 0,
        };
        let form = |form: &Result<Form, String>| form.as_ref().map_or(64, Form::bytes);
        self.css.iter().map(found).sum::<usize>() + self.forms.iter().map(form).sum::<usize>()
    }

    /// What `css` came upon.
    pub(super) fn of_css(&self, css: &Css) -> SourceValue<'static> {
        let asked = self.wanted.css.iter().position(|wanted| wanted == css);
        asked
            .and_then(|index| self.css.get(index))
            .cloned()
            .unwrap_or_else(|| SourceValue::unknown("the page was not asked"))
    }

    /// The form that `css` names, or the end of a sentence about the page that says why there is none. `None` when the
    /// reply was no page.
    pub fn form(&self, css: &Css) -> Option<&Result<Form, String>> {
        self.forms.get(self.wanted.forms.iter().position(|wanted| wanted == css)?)
    }

    /// `<base href>` as it is written.
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }
}
