//! What a step asks of an HTML page, and the answers.
//!
//! A page is parsed and searched in one go, while it is decoded, and not kept: a hostile page of a megabyte takes
//! seconds to read, so whoever decodes decides once where that time is spent. Afterwards nothing looks into a page.

use std::sync::Arc;

use super::html::Page;
use super::source::{Css, Found};

/// What a step asks of a page, known when the connector loads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Each `css` source of the step once.
    pub css: Vec<Css>,
}

/// The answers of one page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageParts {
    wanted: Arc<Wanted>,
    /// In the order of `wanted.css`.
    css: Vec<Found<'static>>,
}

impl PageParts {
    pub(super) fn of(page: &Page, wanted: &Arc<Wanted>) -> Self {
        let css = wanted.css.iter().map(|css| css.read(page)).collect();
        Self { wanted: Arc::clone(wanted), css }
    }

    /// What `css` came upon.
    pub(super) fn of_css(&self, css: &Css) -> Found<'static> {
        let asked = self.wanted.css.iter().position(|wanted| wanted == css);
        asked.and_then(|index| self.css.get(index)).cloned().unwrap_or_else(|| Found::unknown("the page was not asked"))
    }
}
