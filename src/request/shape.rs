//! What a request is made of, part by part, for a send test that shows by allow-list.
//!
//! The names and literals are the file's; every other value is known by the variables in it and by its length, and is
//! seen only through [`ShapePart::reveal`]. Built on demand: a login without a trace does not pay for it.

use url::Url;
use zeroize::Zeroizing;

use crate::context::{Context, Variable};
use crate::crypto::encoding::url_decode;
use crate::document::to_json;
use crate::secret::Secret;
use crate::template::{Charset, Datum, Line, RenderError};

use super::RequestPlan;
use super::body::BodyPlan;
use super::extra::Extra;
use super::form_from::{FormEntry, FormFromPlan};
use super::headers::ValuePlan;
use super::target::Target;

/// A value of a request.
#[derive(Clone)]
pub struct ShapePart {
    /// `path`, `query`, `header`, `cookie`, `inner` or `body`.
    pub place: &'static str,
    /// Its name there: a header's name, a field of a form, `user.name` in JSON, `Envelope.Body.@id` in XML; the number of a
    /// path segment; empty for a text.
    pub name: String,
    /// The variables in it; none for a literal.
    pub variables: Vec<Variable>,
    value: Zeroizing<Vec<u8>>,
}

impl ShapePart {
    /// The text as it goes out, when the file alone decides it.
    pub fn literal(&self) -> Option<&str> {
        self.variables.is_empty().then(|| str::from_utf8(&self.value).ok()).flatten()
    }

    /// Its size as it goes out, in bytes.
    pub fn size(&self) -> usize {
        self.value.len()
    }

    /// The bytes as they go out. Say at the call site why they may be seen there.
    pub fn reveal(&self) -> &[u8] {
        &self.value
    }
}

/// Names, variables and sizes; the value only of a literal.
impl std::fmt::Debug for ShapePart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShapePart")
            .field("place", &self.place)
            .field("name", &self.name)
            .field("variables", &self.variables)
            .field("literal", &self.literal())
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

impl RequestPlan {
    /// The parts of the request that [`RequestPlan::render`] gives for the same context and node.
    pub fn shape(&self, context: &Context, node: Option<&Url>) -> Result<Vec<ShapePart>, RenderError> {
        let mut parts = Vec::new();
        let given = RenderInputs { plan: self, context, charset: self.charset };
        let pair = |pair: &Line| part("query", String::new(), pair, given).map(named);
        match &self.url {
            Target::FileText(url) => {
                for (index, segment) in url.segments().iter().enumerate() {
                    parts.push(part(
                        "path",
                        (index + 1).to_string(),
                        segment,
                        RenderInputs { charset: Charset::UTF_8, ..given },
                    )?);
                }
                for written in url.query() {
                    parts.push(pair(written)?);
                }
            }
            // Path and query are the reply's own.
            Target::Link(link) => {
                let url = link.render(node, Extra::default(), context, self.charset)?;
                let value =
                    Zeroizing::new(url[url::Position::BeforePath..].trim_start_matches('/').as_bytes().to_vec());
                let variables = vec![link.variable().clone()];
                parts.push(ShapePart { place: "path", name: "url".to_owned(), variables, value });
            }
        }
        parts.extend(
            self.query_form.as_ref().map(|form| entries("query", form, context)).transpose()?.unwrap_or_default(),
        );
        for written in &self.query {
            parts.push(pair(written)?);
        }
        for header in &self.headers {
            parts.push(value("header", header.written.clone(), &header.value, given)?);
        }
        for cookie in &self.cookies {
            parts.push(value("cookie", cookie.name.clone(), &cookie.value, given)?);
        }
        for (name, leaf) in self.inner.iter().flat_map(|inner| &inner.body.leaves) {
            parts.push(part("inner", name.clone(), leaf, RenderInputs { charset: Charset::UTF_8, ..given })?);
        }
        if let Some(form) = self.body.as_ref().and_then(BodyPlan::form_from) {
            parts.extend(entries("body", form, context)?);
        }
        if let Some(body) = &self.body {
            for (name, leaf) in &body.leaves {
                let leaf = part("body", name.clone(), leaf, given)?;
                parts.push(if body.is_form() { named(leaf) } else { leaf });
            }
        }
        Ok(parts)
    }
}

impl RequestPlan {
    /// What the holes of the request that [`RequestPlan::render`] gives for the same context hold after their filters, of
    /// those that read a variable for which `secret` is true: a value that was computed from a credential is one, and no
    /// guess of its spelling finds it. What has no filter is the variable's own value.
    pub fn carried(&self, context: &Context, secret: &dyn Fn(&Variable) -> bool) -> Vec<Secret> {
        let made = self.holes().filter(|hole| !hole.filters.is_empty() || matches!(hole.variable, Variable::Login(_)));
        let texts = made.filter(|hole| self.read_by(hole).any(secret)).filter_map(|hole| {
            match hole.evaluate(context).ok()? {
                Datum::Text(text) => Some(text.into_owned()),
                Datum::Value(value) => Some(value.scalar_text().map_or_else(|| to_json(&value), str::to_owned)),
                Datum::Bytes(bytes) => String::from_utf8(bytes).ok(),
            }
        });
        texts.map(Secret::new).collect()
    }
}

/// The fields of a form of an earlier page, those of the page with the form itself for a variable.
fn entries(place: &'static str, form: &FormFromPlan, context: &Context) -> Result<Vec<ShapePart>, RenderError> {
    let part = |entry: FormEntry<'_>| ShapePart {
        place,
        name: entry.name.into_owned(),
        variables: entry.variables,
        value: entry.value,
    };
    Ok(form.entries(context)?.list.into_iter().map(part).collect())
}

/// What a part is rendered with.
#[derive(Clone, Copy)]
struct RenderInputs<'a> {
    plan: &'a RequestPlan,
    context: &'a Context,
    charset: Charset,
}

fn part(place: &'static str, name: String, line: &Line, given: RenderInputs<'_>) -> Result<ShapePart, RenderError> {
    let mut value = Zeroizing::new(Vec::new());
    line.render(given.context, given.charset, &mut value)?;
    let variables = line.holes().flat_map(|hole| given.plan.read_by(hole)).cloned().collect();
    Ok(ShapePart { place, name, variables, value })
}

fn value(
    place: &'static str,
    name: String,
    plan: &ValuePlan,
    given: RenderInputs<'_>,
) -> Result<ShapePart, RenderError> {
    match plan {
        ValuePlan::Line(line) => part(place, name, line, given),
        ValuePlan::Ready(value) => {
            let value = Zeroizing::new(value.as_bytes().to_vec());
            Ok(ShapePart { place, name, variables: Vec::new(), value })
        }
    }
}

/// Takes `name=` off the value, and for the name if there is none yet; an equals sign in a name is percent-encoded.
fn named(mut part: ShapePart) -> ShapePart {
    if let Some(at) = part.value.iter().position(|byte| *byte == b'=') {
        if part.name.is_empty() {
            let name = String::from_utf8_lossy(&part.value[..at]);
            part.name = url_decode(&name).map_or_else(|_| name.into(), |bytes| String::from_utf8_lossy(&bytes).into());
        }
        part.value.drain(..=at);
    }
    part
}
