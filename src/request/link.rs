//! `url: { from }`: a URL that an earlier reply gave, resolved as a browser does, and followed only to an origin that the
//! file writes.
//!
//! The reply chooses path and query, never where a login goes: what it leads to is compared as scheme, host and port
//! after the WHATWG parser has read it, so that no spelling (`//host`, `https:host`, `\\host`, `a@host`) says one thing
//! to this check and another to the client.

use url::Url;

use crate::context::{Context, PageFacts, StepValue, Variable};
use crate::document::Value;
use crate::template::{Hole, Place, RenderError};

use super::extra::Extra;
use super::reader::{FileText, Reader};
use super::url::MAX_URL;
use crate::template::Charset;

/// A longer host is not shown: explanations are lines.
const SHOWN_ORIGIN: usize = 100;

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

/// A compiled link.
#[derive(Debug, Clone)]
pub(super) struct LinkPlan {
    variable: Variable,
    step: String,
    in_page: bool,
    /// Where it may lead, nodes included.
    origins: Vec<Url>,
    /// Of these only the login's own.
    nodes: Vec<Url>,
}

impl LinkPlan {
    pub(super) fn compile(spec: LinkSpec, written: FileText<'_>, reader: &mut Reader<'_>) -> Self {
        let LinkSpec { step, capture, in_page, origins, nodes } = spec;
        let variable = Variable::Step { step: step.clone(), value: StepValue::Capture(capture) };
        let hole = Hole { variable: variable.clone(), filters: Vec::new(), range: written.range() };
        reader.add_use(written, Place::Plain, hole);
        Self { variable, step, in_page, origins, nodes }
    }

    pub(super) fn variable(&self) -> &Variable {
        &self.variable
    }

    /// What the link is relative to, as a variable.
    pub(super) fn address(&self) -> Variable {
        Variable::Step { step: self.step.clone(), value: StepValue::Address }
    }

    pub(super) fn origins(&self) -> &[Url] {
        &self.origins
    }

    pub(super) fn has_nodes(&self) -> bool {
        !self.nodes.is_empty()
    }

    /// The URL; the form of `extra` takes the place of its own query, the pairs stand behind it.
    pub(super) fn render(
        &self,
        node: Option<&Url>,
        extra: Extra<'_>,
        context: &Context,
        charset: Charset,
    ) -> Result<Url, RenderError> {
        let Extra { form, pairs: more } = extra;
        let mut url = self.resolve(context)?;
        self.permit(&url, node)?;
        let mut query = form.unwrap_or_else(|| url.query().unwrap_or("").as_bytes().to_vec());
        for pair in more {
            if !query.is_empty() {
                query.push(b'&');
            }
            pair.render(context, charset, &mut query)?;
        }
        let query = str::from_utf8(&query).map_err(|_| self.refuse("has a query that is no text"))?;
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        if url.as_str().len() > MAX_URL {
            return Err(self.refuse(&format!("leads to a URL of more than {} KiB", MAX_URL / 1024)));
        }
        Ok(url)
    }

    /// As a browser does: relative to the page's base, or to the URL that was asked; an empty one is that URL.
    fn resolve(&self, context: &Context) -> Result<Url, RenderError> {
        let given = context.get(&self.variable)?;
        let given = match &*given {
            Value::Text(text) if text.len() > MAX_URL => {
                return Err(self.refuse(&format!("is longer than {} KiB", MAX_URL / 1024)));
            }
            Value::Text(text) => text.as_str(),
            // A form without an action goes to its own page.
            Value::Null => "",
            other => return Err(self.refuse(&format!("is no URL: its value is of type {}", other.kind()))),
        };
        let empty = PageFacts::default();
        let page = context.steps.get(&self.step).map_or(&empty, |facts| &facts.page);
        let asked = page.url.as_deref().and_then(|url| Url::parse(url).ok());
        let asked = asked.ok_or_else(|| self.refuse("comes from a step that was not sent"))?;
        let base = page.base.as_deref().filter(|_| self.in_page && !given.is_empty());
        let base = base.and_then(|base| Url::parse(base).ok()).unwrap_or_else(|| asked.clone());
        let mut url = base.join(given).map_err(|_| self.refuse("is no URL"))?;
        url.set_fragment(None);
        if asked.scheme() == "https" && url.scheme() == "http" {
            return Err(self.refuse("leads from https to http"));
        }
        Ok(url)
    }

    fn permit(&self, url: &Url, node: Option<&Url>) -> Result<(), RenderError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(self.refuse("is no http or https URL"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(self.refuse("has a user name in front of its host"));
        }
        let among = |origins: &[Url]| origins.iter().any(|origin| same_origin(origin, url));
        let why = match (among(&self.origins), among(&self.nodes)) {
            (true, true) if node.is_some_and(|node| same_origin(node, url)) => return Ok(()),
            (true, true) => "which is another node than this login's",
            (true, false) => return Ok(()),
            (false, _) => "which the file does not write",
        };
        let origin = url.origin().ascii_serialization();
        let shown = if origin.len() > SHOWN_ORIGIN { "an origin" } else { origin.as_str() };
        Err(self.refuse(&format!("leads to {shown}, {why}")))
    }

    fn refuse(&self, why: &str) -> RenderError {
        RenderError::FromReply { what: format!("nothing was sent: {} {why}", self.variable) }
    }
}

fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

#[cfg(test)]
mod tests;
