//! Requests: what was written becomes a plan once at load; a plan and a context become an outgoing request.
//!
//! Data decides values only. Scheme, host, port, path depth, header names, JSON keys, XML elements, form and multipart
//! parts are those of the file. It knows no connector, sends nothing and signs nothing.

mod body;
mod extra;
mod field;
mod form;
mod form_from;
mod headers;
mod json;
mod link;
mod marked;
mod multipart;
mod shape;
mod spec;
mod spelling;
mod target;
mod text;
mod url;
mod xml;

pub use field::{BodyKind, FieldPlace};
pub use shape::ShapePart;
pub use spec::{
    ACCEPT_JSON, BodySpec, FormFromSpec, JsonSpec, LinkSpec, Located, Mark, Pairs, PartSpec, RequestSpec, Use, Written,
};
pub use spelling::Spellings;
pub use url::origins_of;

use std::collections::BTreeSet;

use ::url::Url;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Method};
use zeroize::Zeroizing;

use crate::context::{Context, Variable};
use crate::template::{Charset, Hole, Language, Line, Mistake, Place, RenderError};

use self::body::BodyPlan;
use self::extra::Extra;
use self::form_from::FormFromPlan;
use self::headers::{CookiePlan, HeaderPlan, ValuePlan};
use self::spec::Reader;
use self::target::Target;

/// Who calls, unless the file says otherwise.
const DEFAULT_USER_AGENT: &str = concat!("doorward/", env!("CARGO_PKG_VERSION"));

/// A compiled request.
#[derive(Debug, Clone)]
pub struct RequestPlan {
    method: Method,
    url: Target,
    /// A form that is sent with GET.
    query_form: Option<FormFromPlan>,
    query: Vec<Line>,
    headers: Vec<HeaderPlan>,
    cookies: Vec<CookiePlan>,
    body: Option<BodyPlan>,
    charset: Charset,
    uses: Vec<Use>,
    /// The URL, when nothing in it varies: parsing it again for each login would be waste.
    fixed_url: Option<Url>,
    spellings: Spellings,
}

/// A request that is ready to be signed and sent.
#[derive(Clone)]
pub struct Prepared {
    /// The method.
    pub method: Method,
    /// The URL.
    pub url: Url,
    /// Header fields in order, without Host, Cookie and framing.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The connector's own cookies, by name; see [`cookie_header`].
    pub cookies: Vec<(String, HeaderValue)>,
    /// How the file spells the names of its headers.
    pub spellings: Spellings,
    /// The body; wiped when the last reference is dropped.
    pub body: Option<Bytes>,
}

/// Names and sizes only: the values carry credentials.
impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, _)| name).collect();
        f.debug_struct("Prepared")
            .field("method", &self.method)
            .field("origin", &self.url.origin().ascii_serialization())
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("cookies", &cookies)
            .field("body", &self.body.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

impl RequestPlan {
    /// Compiles what was written; all mistakes at once.
    pub fn compile(spec: &RequestSpec<'_>, language: &Language) -> Result<Self, Vec<Located>> {
        let mut reader = Reader { language, mistakes: Vec::new(), uses: Vec::new() };
        let charset = compile_charset(spec, &mut reader);
        let method = compile_method(spec, &mut reader);
        let url = Target::compile(spec, charset, &mut reader);
        let query = form::compile(&spec.query, Place::QueryValue, charset, &mut reader);
        let mut headers = headers::compile(&spec.headers, &mut reader);
        let cookies = headers::compile_cookies(&spec.cookies, &mut reader);
        let (query_form, body) = compile_body(spec, &method, charset, &mut reader);
        refuse_content_type(&headers, spec, charset, body.as_ref(), &mut reader);
        let own_type = body.as_ref().map(|body| (CONTENT_TYPE, body.content_type.clone()));
        let defaults = [
            (USER_AGENT, HeaderValue::from_static(DEFAULT_USER_AGENT)),
            (ACCEPT, HeaderValue::from_static(spec.accept)),
        ];
        for (name, value) in own_type.into_iter().chain(defaults) {
            if headers.iter().all(|plan| plan.name != name) {
                let written = spelling::title_case(name.as_str());
                headers.push(HeaderPlan { name, written, value: ValuePlan::Ready(value) });
            }
        }
        let uses = std::mem::take(&mut reader.uses);
        let Some(url) = url.filter(|_| reader.mistakes.is_empty()) else { return Err(reader.mistakes) };
        let fixed_url = if query_form.is_none() { fixed_url(&url, &query, charset) } else { None };
        let spellings = Spellings::of(headers.iter().map(|plan| plan.written.as_str()));
        Ok(Self { method, url, query_form, query, headers, cookies, body, charset, uses, fixed_url, spellings })
    }

    /// Fills the holes. `node` is one of [`RequestPlan::origins`] when [`RequestPlan::wants_node`], else `None`.
    pub fn render(&self, context: &Context, node: Option<&Url>) -> Result<Prepared, RenderError> {
        let url = if let Some(url) = &self.fixed_url {
            url.clone()
        } else {
            let form = self.query_form.as_ref().map(|form| form.entries(context)).transpose()?;
            let extra = Extra { form: form.map(|entries| entries.url_encoded()), pairs: &self.query };
            self.url.render(node, extra, context, self.charset)?
        };
        let mut headers = Vec::with_capacity(self.headers.len());
        for plan in &self.headers {
            headers.push((plan.name.clone(), plan.value.render(context, self.charset)?));
        }
        let mut cookies = Vec::with_capacity(self.cookies.len());
        for plan in &self.cookies {
            cookies.push((plan.name.clone(), plan.value.render(context, self.charset)?));
        }
        let mut body = None;
        if let Some(plan) = &self.body {
            let (bytes, content_type) = plan.render(context, self.charset)?;
            body = Some(Bytes::from_owner(Zeroizing::new(bytes)));
            if let Some(value) = content_type {
                headers.iter_mut().filter(|(name, _)| name == CONTENT_TYPE).for_each(|header| header.1 = value.clone());
            }
        }
        let (method, spellings) = (self.method.clone(), self.spellings.clone());
        Ok(Prepared { method, url, headers, cookies, spellings, body })
    }

    /// Every variable that the request reads, the form of an earlier page and what a link is relative to among them.
    pub fn variables(&self) -> BTreeSet<Variable> {
        let form = self.query_form.as_ref().or(self.body.as_ref().and_then(BodyPlan::form_from));
        let form = form.map(FormFromPlan::variable);
        let address = self.url.link().map(link::LinkPlan::address);
        self.holes().flat_map(Hole::variables).cloned().chain(form).chain(address).collect()
    }

    /// Every variable that stands in the URL.
    pub fn url_variables(&self) -> BTreeSet<Variable> {
        let written = self.url.lines().chain(&self.query).flat_map(Line::holes);
        let form = self.query_form.iter().flat_map(FormFromPlan::holes);
        written.chain(form).flat_map(Hole::variables).cloned().collect()
    }

    /// Whether a form of an earlier page is sent in the query.
    pub fn has_query_form(&self) -> bool {
        self.query_form.is_some()
    }

    /// Every hole of the request.
    pub fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.uses.iter().map(|used| &used.hole)
    }

    /// Every hole of the request, with where it was written and where it stands.
    pub fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// The origins that it may be sent to, with the path `/`; more than one only with nodes.
    pub fn origins(&self) -> &[Url] {
        self.url.origins()
    }

    /// Whether the URL begins with a setting that lists nodes, so that the same request may go to another one.
    pub fn has_nodes(&self) -> bool {
        self.url.written().is_some_and(url::UrlPlan::has_nodes)
    }

    /// Whether rendering depends on the login's node: also a link is followed to this node only. It is not moved to
    /// another one, which does not know the page that it stood on.
    pub fn wants_node(&self) -> bool {
        self.url.wants_node()
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The charset of query, form, text, xml and json.
    pub fn charset(&self) -> Charset {
        self.charset
    }
}

/// A Content-Type of the file's own is literal, and never that of a multipart body, whose boundary is not known yet.
fn refuse_content_type(
    headers: &[HeaderPlan],
    spec: &RequestSpec<'_>,
    charset: Charset,
    body: Option<&BodyPlan>,
    reader: &mut Reader<'_>,
) {
    let Some(plan) = headers.iter().find(|plan| plan.name == CONTENT_TYPE) else { return };
    let written = spec.headers.iter().find(|(name, _)| name.text.eq_ignore_ascii_case(CONTENT_TYPE.as_str()));
    let (mark, length) = written.map_or((spec.url.mark, 0), |(_, value)| (value.mark, value.text.len()));
    let refuse = |message: &str| Mistake::new("header", 0..length, message);
    if let Some(hole) = plan.value.holes().next() {
        reader.refuse(mark, spec::hole_in("Content-Type", hole.range.clone()));
    } else if plan.value.contradicts(charset) {
        reader.refuse(
            mark,
            refuse("the charset of this Content-Type is not the request's").help("set `charset:` of the request"),
        );
    } else if body.is_some_and(BodyPlan::names_its_type) {
        reader.refuse(
            mark,
            refuse("Content-Type of this body cannot be set: it may name a boundary, which is not known yet"),
        );
    }
}

/// The value of one `Cookie` header (RFC 6265 section 4.2.1); `None` without cookies.
pub fn cookie_header<'a>(cookies: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Option<HeaderValue> {
    let mut bytes: Vec<u8> = Vec::new();
    for (name, value) in cookies {
        if !bytes.is_empty() {
            bytes.extend_from_slice(b"; ");
        }
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(b'=');
        bytes.extend_from_slice(value);
    }
    let mut value = HeaderValue::try_from(bytes).ok().filter(|value| !value.is_empty())?;
    value.set_sensitive(true);
    Some(value)
}

/// The URL without holes; one that cannot be rendered is left to [`RequestPlan::render`], which says why.
fn fixed_url(url: &Target, query: &[Line], charset: Charset) -> Option<Url> {
    let url = url.written().filter(|url| !url.has_nodes())?;
    let literal = url.lines().chain(query).all(|line| line.literal().is_some());
    literal.then(|| url.render(None, Extra { form: None, pairs: query }, &Context::default(), charset).ok()).flatten()
}

/// A form of an earlier page goes where the method says, as in a browser: with GET into the query.
fn compile_body(
    spec: &RequestSpec<'_>,
    method: &Method,
    charset: Charset,
    reader: &mut Reader<'_>,
) -> (Option<FormFromPlan>, Option<BodyPlan>) {
    let written = spec.charset.is_some();
    match &spec.body {
        Some(BodySpec::FormFrom(form)) if matches!(*method, Method::GET | Method::HEAD) => {
            (Some(FormFromPlan::compile(form, written.then_some(charset), reader)), None)
        }
        Some(body) => (None, Some(BodyPlan::compile(body, charset, written, reader))),
        None => (None, None),
    }
}

fn compile_charset(spec: &RequestSpec<'_>, reader: &mut Reader<'_>) -> Charset {
    let Some(written) = spec.charset else { return Charset::UTF_8 };
    let label = reader.literal(written, "the charset");
    Charset::parse(&label).unwrap_or_else(|| {
        // As the file writes it: a setting may hold a secret of the environment.
        let mistake =
            Mistake::new("charset", 0..written.text.len(), format!("`{}` is no charset for requests", written.text));
        reader.refuse(
            written.mark,
            mistake.help("known are utf-8, gbk, gb18030, big5, euc-kr, windows-1252 and others of the WHATWG list"),
        );
        Charset::UTF_8
    })
}

fn compile_method(spec: &RequestSpec<'_>, reader: &mut Reader<'_>) -> Method {
    const KNOWN: [Method; 6] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD];
    let text = reader.literal(spec.method, "the method");
    KNOWN.iter().find(|method| method.as_str() == text).cloned().unwrap_or_else(|| {
        let written = &spec.method.text;
        let mistake = Mistake::new("method", 0..written.len(), format!("`{written}` is no method of a request"));
        reader.refuse(spec.method.mark, mistake.help("write GET, POST, PUT, PATCH, DELETE or HEAD, in capitals"));
        Method::POST
    })
}

#[cfg(test)]
mod tests;
