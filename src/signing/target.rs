//! Where a signature goes: a header, or a field of query or body that is added to the bytes of the request.

use http::header::{HeaderName, HeaderValue};

use super::{Addition, Compile};
use crate::reading::Text;
use crate::reading::record::one_of;
use crate::request::{BodyKind, FieldPlace, Prepared};
use crate::secret::Secret;
use crate::template::{Place, RenderError};

one_of! {
    /// Where a signature goes.
    pub enum Target as "the key `into`" {
        /// A header.
        header: Header(Text),
        /// A parameter of the query.
        query: Query(Text),
        /// A field of the form body.
        form: Form(Text),
        /// A key at the top of the JSON body.
        json: Json(Text),
        /// A child of the root of the XML body.
        xml: Xml(Text),
    }
}

/// A compiled `into`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetPlan {
    /// A header.
    Header(HeaderName),
    /// A field.
    Field(FieldPlace, String),
}

impl Target {
    /// Checks that the request has such a place, and nothing there of that name.
    pub fn compile(&self, compile: &mut Compile<'_>) -> Option<TargetPlan> {
        let (text, field) = match self {
            Self::Header(text) => (text, None),
            Self::Query(text) => (text, Some(FieldPlace::Query)),
            Self::Form(text) => (text, Some(FieldPlace::Form)),
            Self::Json(text) => (text, Some(FieldPlace::Json)),
            Self::Xml(text) => (text, Some(FieldPlace::Xml)),
        };
        let name = compile.literal(text, Place::Plain)?;
        let Some(place) = field else { return header(compile, text, &name) };
        if name.is_empty() || (place == FieldPlace::Xml && !is_element(&name)) {
            compile.error(
                "auth-target",
                &text.span,
                format!("`{name}` cannot be the name of this field"),
                "use letters",
            );
            return None;
        }
        let wanted = match place {
            FieldPlace::Query => None,
            FieldPlace::Form => Some((BodyKind::Form, "form")),
            FieldPlace::Json => Some((BodyKind::Json, "json")),
            FieldPlace::Xml => Some((BodyKind::Xml, "xml")),
        };
        let request = compile.request?;
        if let Some((kind, word)) = wanted
            && request.body_kind() != Some(kind)
        {
            let message = format!("the request has no body of the kind `{word}`");
            compile.error("auth-target", &text.span, message, "let the signature go where the request's fields stand");
            return None;
        }
        if request.has_field(place, &name) {
            let message = format!("the request has a field `{name}` there already");
            compile.error("auth-target", &text.span, message, "the server would choose between two; keep one of them");
            return None;
        }
        Some(TargetPlan::Field(place, name))
    }
}

fn header(compile: &mut Compile<'_>, text: &Text, name: &str) -> Option<TargetPlan> {
    let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
        let message = format!("`{name}` is no header name");
        compile.error("header", &text.span, message, "use letters, digits and `-`");
        return None;
    };
    if compile.request.is_some_and(|request| request.has_header(&header)) {
        let message = format!("the request has the header `{name}` already");
        compile.error("auth-target", &text.span, message, "the server would choose between two; keep one of them");
        return None;
    }
    Some(TargetPlan::Header(header))
}

impl TargetPlan {
    /// Adds `value` to the request.
    pub fn put(&self, request: &mut Prepared, value: &str) -> Result<Addition, RenderError> {
        match self {
            Self::Header(name) => add_header(request, name.clone(), value),
            Self::Field(place, name) => {
                request.add_field(*place, name, value)?;
                Ok(Addition { place: place.word(), name: name.clone(), value: Secret::new(value) })
            }
        }
    }
}

/// Adds a header whose value is a credential.
pub fn add_header(request: &mut Prepared, name: HeaderName, value: &str) -> Result<Addition, RenderError> {
    if value.is_ascii() { add_header_bytes(request, name, value.as_bytes()) } else { Err(unfit()) }
}

/// Adds a header whose value is a credential that may have bytes above ASCII.
pub fn add_header_bytes(request: &mut Prepared, name: HeaderName, value: &[u8]) -> Result<Addition, RenderError> {
    let mut header = HeaderValue::from_bytes(value).map_err(|_| unfit())?;
    header.set_sensitive(true);
    let added =
        Addition { place: "header", name: name.to_string(), value: Secret::new(String::from_utf8_lossy(value)) };
    request.headers.push((name, header));
    Ok(added)
}

fn unfit() -> RenderError {
    RenderError::Unfit { what: "the credentials of `auth` do not fit into a header".to_owned() }
}

fn is_element(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
