//! A reply that a file writes: headers and a body, compiled like those of a request, for consoles that ask through a door.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};

use crate::context::Context;
use crate::diagnostic::{Diagnostics, Span};
use crate::reading::{Dict, Parameter};
use crate::template::{Charset, Hole, Language, Line, Mistake, RenderError};

use super::body::BodyPlan;
use super::headers::{self, HeaderPlan, ValuePlan};
use super::radius::{self, RadiusReply};
use super::raw::Body;
use super::reader::{self, FileText, Reader, Use};

/// The body of a reply as it is written.
pub enum ReplyBody<'a> {
    /// JSON, a form, XML or a text.
    Plain(&'a Body),
    /// Attributes for FreeRADIUS.
    Radius(RadiusReply<'a>),
}

/// A compiled reply, without its status.
#[derive(Debug, Clone, Default)]
pub struct ReplyPlan {
    headers: Vec<HeaderPlan>,
    body: Option<BodyPlan>,
    /// Each text of it ends where a RADIUS attribute does.
    is_radius: bool,
    uses: Vec<Use>,
}

/// Headers and body as they go out.
#[derive(Debug, Clone, Default)]
pub struct ReplyParts {
    /// Content-Type is among them when there is a body.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Empty without a body.
    pub body: Bytes,
}

impl ReplyPlan {
    /// Compiles what was written; `None` when it cannot be used, and then every mistake is noted.
    pub fn compile(
        written: &Dict<Parameter>,
        body: Option<&ReplyBody<'_>>,
        whole: &Span,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let language = Language::default();
        let mut reader = Reader::new(&language, diagnostics);
        let mut headers = headers::compile(&reader::singles(written), &mut reader);
        let is_radius = matches!(body, Some(ReplyBody::Radius(_)));
        let body = body.map(|body| match body {
            ReplyBody::Plain(body) => BodyPlan::compile(body, Charset::UTF_8, false, &mut reader),
            ReplyBody::Radius(written) => radius::compile(written, whole, &mut reader),
        });
        for plan in headers.iter().filter(|plan| plan.name == CONTENT_TYPE) {
            if let Some(hole) = plan.value.holes().next() {
                let place = FileText::word("", whole);
                reader.refuse(place, reader::hole_in("Content-Type", hole.range.clone()));
            }
        }
        let own = body.as_ref().map(|body| body.content_type.clone());
        if let Some(value) = own.filter(|_| headers.iter().all(|plan| plan.name != CONTENT_TYPE)) {
            let written = "Content-Type".to_owned();
            headers.push(HeaderPlan { name: CONTENT_TYPE, written, value: ValuePlan::Ready(value) });
        }
        if body.as_ref().is_some_and(BodyPlan::names_its_type) {
            let place = FileText::word("", whole);
            reader.refuse(place, Mistake::new("door-body", 0..0, "a reply is json, form, xml or text"));
        }
        let Reader { uses, refused, .. } = reader;
        (refused == 0).then_some(Self { headers, body, is_radius, uses })
    }

    /// Every hole, with where it was written.
    pub fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// Fills the holes.
    pub fn render(&self, context: &Context) -> Result<ReplyParts, RenderError> {
        let mut parts = ReplyParts::default();
        for plan in &self.headers {
            parts.headers.push((plan.name.clone(), plan.value.render(context, Charset::UTF_8)?));
        }
        if let Some(body) = &self.body {
            let (bytes, _) = body.render(context, Charset::UTF_8)?;
            parts.body = if self.is_radius { radius::cut(bytes)? } else { bytes }.into();
        }
        Ok(parts)
    }

    /// The reply with a mark in the place of each hole, see [`Line::with_marks`]; `None` when the file writes a mark itself.
    pub fn with_marks(&self) -> Option<ReplyParts> {
        let mut parts = ReplyParts::default();
        for plan in &self.headers {
            let value = match &plan.value {
                ValuePlan::Ready(value) => value.clone(),
                ValuePlan::Line(line) => HeaderValue::from_bytes(&line.with_marks()?).ok()?,
            };
            parts.headers.push((plan.name.clone(), value));
        }
        if let Some(body) = &self.body {
            parts.body = body.with_marks()?.into();
        }
        Some(parts)
    }

    /// The holes by the part in which they stand: a header's name, a field of a form, `a.b[0]` of JSON; `text` for a whole text.
    pub fn holes_by_part(&self) -> impl Iterator<Item = (&str, &Hole)> {
        let headers = self.headers.iter().flat_map(|plan| plan.value.holes().map(|hole| (plan.written.as_str(), hole)));
        let leaves = self.body.iter().flat_map(|body| &body.leaves);
        headers.chain(leaves.flat_map(|(name, line): &(String, Line)| {
            line.holes().map(move |hole| (if name.is_empty() { "text" } else { name.as_str() }, hole))
        }))
    }
}
