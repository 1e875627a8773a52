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
mod inner;
mod json;
mod link;
mod marked;
mod multipart;
mod radius;
pub mod raw;
mod reader;
mod reply;
mod shape;
mod spelling;
mod target;
mod text;
mod url;
mod xml;

pub use body::BodyKind;
pub use field::FieldPlace;
pub use link::LinkSpec;
pub use radius::RadiusReply;
pub use reader::Use;
pub use reply::{ReplyBody, ReplyParts, ReplyPlan};
pub use shape::ShapePart;
pub use spelling::Spellings;
pub use url::origins_of;

use std::collections::BTreeSet;
use std::sync::Arc;

use ::url::Url;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Method};
use zeroize::Zeroizing;

use crate::context::{Context, Variable};
use crate::diagnostic::Diagnostics;
use crate::template::{Charset, Hole, Language, Line, Mistake, Place, RenderError};

use self::body::BodyPlan;
use self::extra::Extra;
use self::form_from::FormFromPlan;
use self::headers::{CookiePlan, HeaderPlan, ValuePlan};
use self::inner::InnerPlan;
use self::raw::Body;
use self::reader::{FileText, Pairs, Reader, pairs};
use self::target::Target;

/// The User-Agent, unless the file has one.
const DEFAULT_USER_AGENT: &str = concat!("doorward/", env!("CARGO_PKG_VERSION"));

/// What an answer may be: servers that negotiate should prefer JSON to a login page.
pub const ACCEPT_JSON: &str = "application/json, */*;q=0.5";

/// What a request is compiled with beside its own keys.
#[derive(Debug)]
pub struct CompileOptions<'a> {
    /// The settings that texts may name.
    pub language: &'a Language,
    /// `Accept`, unless it is among the headers.
    pub accept: &'static str,
    /// What the file says of the capture that the URL comes from.
    pub link: Option<LinkSpec>,
}

impl<'a> CompileOptions<'a> {
    /// For a request whose URL is written out and whose reply is JSON.
    pub fn new(language: &'a Language) -> Self {
        Self { language, accept: ACCEPT_JSON, link: None }
    }
}

/// A compiled request.
#[derive(Debug, Clone)]
pub struct RequestPlan {
    method: Method,
    url: Target,
    /// A form that is sent with GET.
    query_form: Option<FormFromPlan>,
    inner: Option<InnerPlan>,
    query: Vec<Line>,
    headers: Vec<HeaderPlan>,
    cookies: Vec<CookiePlan>,
    body: Option<BodyPlan>,
    charset: Charset,
    uses: Vec<Use>,
    /// The URL, when nothing in it varies: parsing it again for each login would be waste.
    fixed_url: Option<Url>,
    /// The path as it is written, holes and all.
    path_template: Option<Arc<str>>,
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
    /// Compiles what was written; `None` when it cannot be used, and then every mistake is noted.
    pub fn compile(raw: &raw::Request, options: CompileOptions<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let CompileOptions { language, accept, link } = options;
        let mut reader = Reader::new(language, diagnostics);
        let charset = compile_charset(raw, &mut reader);
        let inner = InnerPlan::compile(raw, &mut reader);
        let method = compile_method(raw, &mut reader);
        let url = Target::compile(&raw.url, link, charset, &mut reader);
        let query = form::compile(&pairs(&raw.query), Place::QueryValue, charset, &mut reader);
        let mut headers = headers::compile(&written_headers(raw), &mut reader);
        let cookies = headers::compile_cookies(&reader::singles(&raw.cookies), &mut reader);
        let (query_form, body) = compile_body(raw, &method, charset, &mut reader);
        refuse_content_type(&headers, raw, charset, body.as_ref(), &mut reader);
        let own_type = body.as_ref().map(|body| (CONTENT_TYPE, body.content_type.clone()));
        let defaults =
            [(USER_AGENT, HeaderValue::from_static(DEFAULT_USER_AGENT)), (ACCEPT, HeaderValue::from_static(accept))];
        for (name, value) in own_type.into_iter().chain(defaults) {
            if headers.iter().all(|plan| plan.name != name) {
                let written = spelling::title_case(name.as_str());
                headers.push(HeaderPlan { name, written, value: ValuePlan::Ready(value) });
            }
        }
        let Reader { uses, refused, .. } = reader;
        let url = url.filter(|_| refused == 0)?;
        let fixed_url = if query_form.is_none() { fixed_url(&url, &query, charset) } else { None };
        let spellings = Spellings::of(headers.iter().map(|plan| plan.written.as_str()));
        Some(Self {
            method,
            url,
            query_form,
            inner,
            query,
            headers,
            cookies,
            body,
            charset,
            uses,
            fixed_url,
            path_template: path_template(&raw.url),
            spellings,
        })
    }

    /// The path as the file writes it, holes and settings by name and without the query; `None` when it comes from a reply. It holds
    /// nothing of a user, and can be shown where the path that is sent cannot.
    pub fn path_template(&self) -> Option<Arc<str>> {
        self.path_template.clone()
    }

    /// Fills the holes. `context` has [`RequestPlan::inner_body`]. `node` is one of [`RequestPlan::origins`] when [`RequestPlan::wants_node`], else `None`.
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
        // `body.inner` is no value beside those that it is made of.
        let named = self.holes().flat_map(Hole::variables).filter(|variable| **variable != Variable::InnerBody);
        named.cloned().chain(form).chain(address).collect()
    }

    /// Every variable that stands in the URL.
    pub fn url_variables(&self) -> BTreeSet<Variable> {
        let written = self.url.lines().chain(&self.query).flat_map(Line::holes);
        let form = self.query_form.iter().flat_map(FormFromPlan::holes);
        written.chain(form).flat_map(|hole| self.read_by(hole)).cloned().collect()
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

/// The headers, and the type that a body names: one that is written as a header, too, is then a repeat and refused.
fn written_headers(raw: &raw::Request) -> Pairs<'_> {
    let mut headers = reader::singles(&raw.headers);
    if let Some(Body::Xml(body) | Body::Text(body)) = raw.body.as_ref().map(|body| &*body.content) {
        let name = FileText::word("Content-Type", &body.place.span);
        headers.extend(body.content_type.as_ref().map(|media_type| (name, media_type.into())));
    }
    headers
}

/// A Content-Type of the file's own is literal, and never that of a multipart body, whose boundary is not known yet.
fn refuse_content_type(
    headers: &[HeaderPlan],
    raw: &raw::Request,
    charset: Charset,
    body: Option<&BodyPlan>,
    reader: &mut Reader<'_>,
) {
    let Some(plan) = headers.iter().find(|plan| plan.name == CONTENT_TYPE) else { return };
    let written = written_headers(raw);
    let written = written.iter().find(|(name, _)| name.text.eq_ignore_ascii_case(CONTENT_TYPE.as_str()));
    // Its name may come from a setting.
    let (written, range) = written.map_or((raw.url.text().into(), 0..0), |(_, value)| (*value, value.range()));
    let refuse = |message: &str| Mistake::new("header", range, message);
    if let Some(hole) = plan.value.holes().next() {
        reader.refuse(written, reader::hole_in("Content-Type", hole.range.clone()));
    } else if plan.value.contradicts(charset) {
        reader.refuse(
            written,
            refuse("the charset of this Content-Type is not the request's").help("set `charset:` of the request"),
        );
    } else if body.is_some_and(BodyPlan::names_its_type) {
        reader.refuse(
            written,
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

/// What stands behind the authority, or behind the setting that is the origin.
fn path_template(url: &raw::Url) -> Option<Arc<str>> {
    let raw::Url::Template(text) = url else { return None };
    let rest = text.as_str().split_once("://").map_or(text.as_str(), |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |at| &rest[at..]);
    Some(path.split(['?', '#']).next().unwrap_or("/").into())
}

/// The URL without holes; one that cannot be rendered is left to [`RequestPlan::render`], which says why.
fn fixed_url(url: &Target, query: &[Line], charset: Charset) -> Option<Url> {
    let url = url.written().filter(|url| !url.has_nodes())?;
    let literal = url.lines().chain(query).all(|line| line.literal().is_some());
    literal.then(|| url.render(None, Extra { form: None, pairs: query }, &Context::default(), charset).ok()).flatten()
}

/// A form of an earlier page goes where the method says, as in a browser: with GET into the query.
fn compile_body(
    raw: &raw::Request,
    method: &Method,
    charset: Charset,
    reader: &mut Reader<'_>,
) -> (Option<FormFromPlan>, Option<BodyPlan>) {
    let written = raw.charset.is_some();
    match raw.body.as_ref().map(|body| &*body.content) {
        Some(Body::FormFrom(form)) if matches!(*method, Method::GET | Method::HEAD) => {
            (Some(FormFromPlan::compile(form, written.then_some(charset), reader)), None)
        }
        Some(body) => (None, Some(BodyPlan::compile(body, charset, written, reader))),
        None => (None, None),
    }
}

fn compile_charset(raw: &raw::Request, reader: &mut Reader<'_>) -> Charset {
    let Some(written) = raw.charset.as_ref().map(FileText::from) else { return Charset::UTF_8 };
    let label = reader.literal(written, "the charset");
    Charset::parse(&label).unwrap_or_else(|| {
        // As the file writes it: a setting may hold a secret of the environment.
        let mistake =
            Mistake::new("charset", written.range(), format!("`{}` is no charset for requests", written.text));
        reader.refuse(
            written,
            mistake.help("known are utf-8, gbk, gb18030, big5, euc-kr, windows-1252 and others of the WHATWG list"),
        );
        Charset::UTF_8
    })
}

fn compile_method(raw: &raw::Request, reader: &mut Reader<'_>) -> Method {
    let Some(method) = &raw.method else { return if raw.body.is_some() { Method::POST } else { Method::GET } };
    match method.value {
        raw::Method::Get => Method::GET,
        raw::Method::Post => Method::POST,
        raw::Method::Put => Method::PUT,
        raw::Method::Patch => Method::PATCH,
        raw::Method::Delete => Method::DELETE,
        raw::Method::Head => Method::HEAD,
        raw::Method::Options => {
            let written = FileText::word(method.value.as_str(), &method.span);
            let message = format!("`{}` is no method of a request", written.text);
            let mistake = Mistake::new("method", written.range(), message);
            reader.refuse(written, mistake.help("write GET, POST, PUT, PATCH, DELETE or HEAD, in capitals"));
            Method::POST
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
