//! The URL of a request: literal up to the path, holes only in path segments and query values.
//!
//! Scheme, host, port and the number of path segments are those of the file, whatever the values are: this is
//! checked on the rendered URL with the parser that the client uses (WHATWG), not only hoped for.

mod read;

use url::Url;

use crate::context::Context;
use crate::template::{Charset, Fault, Language, Line, Mistake, Place, RenderError, Template};

use super::extra::Extra;
use super::reader::{FileText, Reader};

/// No common server reads a longer request line (nginx 8 KiB, IIS 16 KiB).
pub(super) const MAX_URL: usize = 16 << 10;

/// A compiled URL.
#[derive(Debug, Clone)]
pub(super) struct UrlPlan {
    /// The origins, each with the path `/`; more than one only with nodes.
    origins: Vec<Url>,
    /// Whether a node must be named when rendering.
    has_nodes: bool,
    /// The path's segments.
    segments: Vec<Line>,
    /// What stands behind `?` in the URL as written, pair by pair.
    query: Vec<Line>,
}

/// The origins that a written URL begins with, and whether they are nodes; `None` when it is none.
pub fn origins_of(text: &str, language: &Language) -> Option<(Vec<Url>, bool)> {
    let template = Template::parse(text, language).ok()?;
    let plan = UrlPlan::read(&template, Charset::UTF_8, &mut Vec::new())?;
    Some((plan.origins, plan.has_nodes))
}

impl UrlPlan {
    pub(super) fn compile(written: FileText<'_>, charset: Charset, reader: &mut Reader<'_>) -> Option<Self> {
        let before = reader.refused;
        let template = reader.template(written);
        if template.pieces().is_empty() {
            if reader.refused == before {
                reader.refuse(written, Mistake::new("url", 0..0, "the URL is empty"));
            }
            return None;
        }
        let mut mistakes = Vec::new();
        let plan = Self::read(&template, charset, &mut mistakes);
        let sound = mistakes.is_empty();
        for line in plan.iter().flat_map(Self::lines) {
            reader.uses(written, line);
        }
        reader.refuse_all(written, mistakes);
        plan.filter(|_| sound)
    }

    pub(super) fn origins(&self) -> &[Url] {
        &self.origins
    }

    pub(super) fn has_nodes(&self) -> bool {
        self.has_nodes
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> + Clone {
        self.segments.iter().chain(&self.query)
    }

    pub(super) fn segments(&self) -> &[Line] {
        &self.segments
    }

    pub(super) fn query(&self) -> &[Line] {
        &self.query
    }

    /// Renders with `extra` behind the URL's own query.
    /// `node` is one of [`UrlPlan::origins`] when the URL begins with nodes.
    pub(super) fn render(
        &self,
        node: Option<&Url>,
        extra: Extra<'_>,
        context: &Context,
        charset: Charset,
    ) -> Result<Url, RenderError> {
        let Extra { form, pairs: more } = extra;
        let origin = self.origin_for(node)?;
        let base = origin.as_str().trim_end_matches('/');
        let size = self.lines().chain(more).map(|line| line.size_hint() + 1).sum::<usize>() + base.len();
        let mut text = Vec::with_capacity(size);
        text.extend_from_slice(base.as_bytes());
        for segment in &self.segments {
            text.push(b'/');
            segment.render(context, Charset::UTF_8, &mut text)?;
        }
        let mut separator = b'?';
        for pair in &self.query {
            text.push(std::mem::replace(&mut separator, b'&'));
            pair.render(context, charset, &mut text)?;
        }
        if let Some(entries) = form.as_ref().filter(|entries| !entries.is_empty()) {
            text.push(std::mem::replace(&mut separator, b'&'));
            text.extend_from_slice(entries);
        }
        for pair in more {
            text.push(std::mem::replace(&mut separator, b'&'));
            pair.render(context, charset, &mut text)?;
        }
        if text.len() > MAX_URL {
            if form.is_some() {
                let what = format!("the form makes a URL of more than {} KiB", MAX_URL / 1024);
                return Err(RenderError::FromReply { what });
            }
            let mut holed = self.lines().chain(more).filter(|line| line.holes().next().is_some());
            let user = holed.clone().find(|line| line.holes().any(|hole| hole.variable.is_user_data()));
            if let Some(line) = user.or_else(|| holed.next()) {
                return Err(line.blame_any(&Fault::content("makes the URL too long"), Place::QueryValue));
            }
        }
        let unfit = || RenderError::Unfit { what: "the rendered URL is not the one that the file describes".into() };
        let url = str::from_utf8(&text).ok().and_then(|text| Url::parse(text).ok()).ok_or_else(unfit)?;
        if self.is_faithful(&url, origin) { Ok(url) } else { Err(unfit()) }
    }

    fn origin_for<'a>(&'a self, node: Option<&'a Url>) -> Result<&'a Url, RenderError> {
        match (node, self.has_nodes) {
            (None, false) => self.origins.first(),
            (Some(node), true) => self.origins.iter().find(|origin| *origin == node),
            _ => None,
        }
        .ok_or_else(|| RenderError::Unfit { what: "the URL's node is none of those in the file".into() })
    }

    fn is_faithful(&self, url: &Url, origin: &Url) -> bool {
        let segments = url.path_segments().map_or(0, Iterator::count);
        url.scheme() == origin.scheme()
            && url.host() == origin.host()
            && url.port() == origin.port()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
            && segments == self.segments.len()
    }
}
