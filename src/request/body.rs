//! Bodies: what each kind compiles to, and the Content-Type that goes with it.

use http::HeaderValue;

use crate::context::{Context, Enctype};
use crate::reading::TreeValue;
use crate::template::{Charset, Line, Place, RenderError};

use super::form_from::FormFromPlan;
use super::json::{Builder, Leaf};
use super::multipart::MultipartPlan;
use super::raw::Body;
use super::reader::{Reader, pairs};
use super::text::TextPlan;
use super::{form, multipart, xml};

/// What kind of body a request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// JSON.
    Json,
    /// application/x-www-form-urlencoded, its fields written in the file.
    Form,
    /// A form of an earlier page.
    FormFrom,
    /// multipart/form-data
    Multipart,
    /// XML.
    Xml,
    /// Any text.
    Text,
}

const MULTIPART: &str = "multipart/form-data";
const URL_ENCODED: &str = "application/x-www-form-urlencoded";

/// A compiled body.
#[derive(Debug, Clone)]
pub(super) struct BodyPlan {
    content: Content,
    kind: BodyKind,
    /// For multipart this is the beginning, the boundary follows.
    pub(super) content_type: HeaderValue,
    /// Its leaves by name, for the shape.
    pub(super) leaves: Vec<Leaf>,
}

#[derive(Debug, Clone)]
enum Content {
    Line(Line),
    Text(TextPlan),
    Multipart(MultipartPlan),
    FormFrom(FormFromPlan),
}

impl BodyPlan {
    /// `charset` is that of the request, `written` when the file says so.
    pub(super) fn compile(raw: &Body, charset: Charset, written: bool, reader: &mut Reader<'_>) -> Self {
        let kind = kind_of(raw);
        let (content, leaves, media_type) = match raw {
            Body::Json(tree) => {
                let mut builder = Builder::new(charset, reader);
                match &tree.value {
                    TreeValue::Text(text) => builder.text(text.into()),
                    _ => builder.tree(tree, ""),
                }
                (Content::Line(builder.line), builder.leaves, "application/json")
            }
            Body::Form(fields) => {
                let pairs = pairs(fields);
                let lines = form::compile(&pairs, Place::FormValue, charset, reader);
                let leaves = pairs.iter().map(|(name, _)| name.text.to_owned()).zip(lines.iter().cloned()).collect();
                (Content::Line(form::join(&lines)), leaves, URL_ENCODED)
            }
            Body::FormFrom(form) => {
                let plan = FormFromPlan::compile(form, written.then_some(charset), reader);
                (Content::FormFrom(plan), Vec::new(), URL_ENCODED)
            }
            Body::Text(body) => {
                let plan = TextPlan::compile((&body.value).into(), charset, reader);
                let leaves = plan.lines().map(|line| (String::new(), line.clone())).collect();
                (Content::Text(plan), leaves, "text/plain")
            }
            Body::Xml(body) => {
                let (line, leaves) = xml::compile((&body.value).into(), charset, reader);
                (Content::Line(line), leaves, "application/xml")
            }
            Body::Multipart(parts) => {
                let plan = MultipartPlan::compile(parts, reader);
                let leaves = plan.lines().map(|(name, line)| (name.to_owned(), line.clone())).collect();
                (Content::Multipart(plan), leaves, MULTIPART)
            }
        };
        // Text without a charset is ASCII to some servers (RFC 2046 section 4.1.2); the others are UTF-8 by themselves.
        let named = media_type != MULTIPART && (!charset.is_utf8() || media_type == "text/plain");
        let parameter =
            if named { format!("; charset={}", charset.name().to_ascii_lowercase()) } else { String::new() };
        let content_type = HeaderValue::try_from(format!("{media_type}{parameter}"))
            .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
        Self { content, kind, content_type, leaves }
    }

    /// JSON that other code wrote.
    pub(super) fn of_json(builder: Builder<'_, '_>) -> Self {
        let content_type = HeaderValue::from_static("application/json");
        Self { content: Content::Line(builder.line), kind: BodyKind::Json, content_type, leaves: builder.leaves }
    }

    /// The bytes, and the Content-Type when it is known only now (a multipart boundary).
    pub(super) fn render(
        &self,
        context: &Context,
        charset: Charset,
    ) -> Result<(Vec<u8>, Option<HeaderValue>), RenderError> {
        match &self.content {
            Content::Line(line) => {
                let mut out = Vec::with_capacity(line.size_hint());
                line.render(context, charset, &mut out)?;
                Ok((out, None))
            }
            Content::Text(plan) => {
                let mut out = Vec::new();
                plan.render(context, charset, &mut out)?;
                Ok((out, None))
            }
            Content::Multipart(plan) => with_boundary(plan.render(context)?),
            Content::FormFrom(plan) => {
                let entries = plan.entries(context)?;
                match entries.enctype {
                    Enctype::UrlEncoded => Ok((entries.url_encoded(), None)),
                    Enctype::Multipart => with_boundary(multipart::assemble(&entries.parts(), context)?),
                    Enctype::Plain => Err(plan.unfit("is sent as text/plain, in which the end of a field is unknown")),
                }
            }
        }
    }

    /// The bytes with a mark in the place of each hole; `None` when the file writes a mark itself, or a body has parts.
    pub(super) fn with_marks(&self) -> Option<Vec<u8>> {
        match &self.content {
            Content::Line(line) => line.with_marks(),
            Content::Text(plan) => {
                plan.lines().map(Line::with_marks).collect::<Option<Vec<_>>>().map(|lines| lines.concat())
            }
            Content::Multipart(_) | Content::FormFrom(_) => None,
        }
    }

    /// The form of an earlier page that this body is.
    pub(super) fn form_from(&self) -> Option<&FormFromPlan> {
        match &self.content {
            Content::FormFrom(plan) => Some(plan),
            _ => None,
        }
    }

    pub(super) fn is_form(&self) -> bool {
        self.kind == BodyKind::Form
    }

    pub(super) fn kind(&self) -> BodyKind {
        self.kind
    }

    /// Whether its Content-Type is known only when it is rendered.
    pub(super) fn names_its_type(&self) -> bool {
        matches!(self.content, Content::Multipart(_) | Content::FormFrom(_))
    }
}

fn kind_of(raw: &Body) -> BodyKind {
    match raw {
        Body::Json(_) => BodyKind::Json,
        Body::Form(_) => BodyKind::Form,
        Body::FormFrom(_) => BodyKind::FormFrom,
        Body::Multipart(_) => BodyKind::Multipart,
        Body::Xml(_) => BodyKind::Xml,
        Body::Text(_) => BodyKind::Text,
    }
}

fn with_boundary((out, boundary): (Vec<u8>, String)) -> Result<(Vec<u8>, Option<HeaderValue>), RenderError> {
    let unfit = |_| RenderError::Unfit { what: "the boundary is no header value".into() };
    let value = HeaderValue::try_from(format!("{MULTIPART}; boundary={boundary}")).map_err(unfit)?;
    Ok((out, Some(value)))
}
