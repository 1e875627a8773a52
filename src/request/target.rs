//! Where a request goes: a URL of the file, or one that an earlier reply gave.

use url::Url;

use crate::context::Context;
use crate::template::{Charset, Line, RenderError};

use super::extra::Extra;
use super::link::{LinkPlan, LinkSpec};
use super::raw;
use super::reader::Reader;
use super::url::UrlPlan;

/// A compiled `url`.
#[derive(Debug, Clone)]
pub(super) enum Target {
    FileText(UrlPlan),
    Link(LinkPlan),
}

impl Target {
    /// `link` is what the file knows of the capture that the URL comes from.
    pub(super) fn compile(
        raw: &raw::Url,
        link: Option<LinkSpec>,
        charset: Charset,
        reader: &mut Reader<'_>,
    ) -> Option<Self> {
        match raw {
            raw::Url::Template(url) => UrlPlan::compile(url.into(), charset, reader).map(Self::FileText),
            raw::Url::From(capture) => link.map(|link| Self::Link(LinkPlan::compile(link, capture.into(), reader))),
        }
    }

    pub(super) fn render(
        &self,
        node: Option<&Url>,
        extra: Extra<'_>,
        context: &Context,
        charset: Charset,
    ) -> Result<Url, RenderError> {
        match self {
            Self::FileText(url) => url.render(node, extra, context, charset),
            Self::Link(link) => link.render(node, extra, context, charset),
        }
    }

    pub(super) fn origins(&self) -> &[Url] {
        match self {
            Self::FileText(url) => url.origins(),
            Self::Link(link) => link.origins(),
        }
    }

    /// Whether the login's node must be named when rendering.
    pub(super) fn wants_node(&self) -> bool {
        match self {
            Self::FileText(url) => url.has_nodes(),
            Self::Link(link) => link.has_nodes(),
        }
    }

    /// The URL as the file writes it.
    pub(super) fn written(&self) -> Option<&UrlPlan> {
        match self {
            Self::FileText(url) => Some(url),
            Self::Link(_) => None,
        }
    }

    /// A URL that an earlier reply gave.
    pub(super) fn link(&self) -> Option<&LinkPlan> {
        match self {
            Self::FileText(_) => None,
            Self::Link(link) => Some(link),
        }
    }

    /// The lines of a written URL.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.written().into_iter().flat_map(UrlPlan::lines)
    }
}
