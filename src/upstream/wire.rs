//! A rendered request as hyper's: target form, headers of this layer, body.
//!
//! What frames a message on the wire is decided here and by hyper, never by the code that rendered the request: two ideas of
//! where a message ends are how requests get smuggled.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{Method, Request, Uri};
use http_body_util::Full;
use url::{Position, Url};

use super::coding;
use super::fault::Fault;
use super::origin::Scheme;
use super::own::OwnConnection;
use super::pool::Body;
use crate::request::Spellings;
use crate::verdict::Cause;

/// A rendered request.
#[derive(Clone)]
pub struct Outgoing {
    /// GET, POST, ...
    pub method: Method,
    /// Absolute; its origin must be one of the client's.
    pub url: Url,
    /// Without `host`, framing and hop-by-hop headers: those are this layer's, and left out if given.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How the connector's file spells the names of its headers.
    pub spellings: Spellings,
    /// `None` and an empty body differ: the latter has `Content-Length: 0` with every method, the former with POST, PUT and
    /// PATCH.
    pub body: Option<Bytes>,
    /// The user's password, an answer, or anything computed from them is in it.
    pub carries_credential: bool,
    /// The path as a file writes it, for traces; `None` when no file does.
    pub path_template: Option<Arc<str>>,
    /// The connection that it goes over, where that is not one of the pool.
    pub own: Option<OwnConnection>,
}

impl fmt::Debug for Outgoing {
    /// Method and origin: everything else may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ‹{} headers, body›", self.method, self.url.origin().ascii_serialization(), self.headers.len())
    }
}

/// Some firewalls refuse a request without one.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("doorward/", env!("CARGO_PKG_VERSION")));
const ANY: HeaderValue = HeaderValue::from_static("*/*");
const CODINGS: HeaderValue = HeaderValue::from_static(coding::ACCEPTED);

/// The request target (RFC 9112 3.2).
#[derive(Clone, Copy)]
pub(super) enum Form<'a> {
    /// `/path?query`: HTTP/1.1 to an origin.
    Path,
    /// `http://host/path?query`: through a proxy, and the pseudo-headers of HTTP/2.
    Absolute(&'a HeaderValue),
}

/// The message, without `Host`.
pub(super) fn message(scheme: Scheme, request: &Outgoing, form: Form<'_>) -> Result<Request<Body>, Fault> {
    // The explanation names no part of the URL: a query may hold a secret.
    let unsendable = || Fault::new(Cause::Connect, "the URL of the request cannot be written into an HTTP request");
    let path = &request.url[Position::BeforePath..Position::AfterQuery];
    let uri = match form {
        Form::Path => Uri::try_from(path).map_err(|_| unsendable())?,
        Form::Absolute(authority) => Uri::builder()
            .scheme(scheme.as_str())
            .authority(authority.as_bytes())
            .path_and_query(path)
            .build()
            .map_err(|_| unsendable())?,
    };
    let body = request.body.clone().map_or_else(Body::default, Full::new);
    let mut message = Request::new(body);
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = uri;
    *message.headers_mut() = headers(request);
    Ok(message)
}

fn headers(request: &Outgoing) -> HeaderMap {
    // Four more: Host and the three defaults.
    let mut headers = HeaderMap::with_capacity(request.headers.len() + 4);
    for (name, value) in &request.headers {
        if !is_ours(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    for (name, value) in [(ACCEPT, ANY), (USER_AGENT, AGENT), (ACCEPT_ENCODING, CODINGS)] {
        headers.entry(name).or_insert(value);
    }
    if says_empty(request) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    headers
}

/// Whether `Content-Length: 0` is sent: for an empty body always, without a body where the method is expected to have one
/// (RFC 9110 8.6). hyper leaves it out, and some servers then answer 411.
fn says_empty(request: &Outgoing) -> bool {
    match &request.body {
        Some(body) => body.is_empty(),
        None => matches!(request.method, Method::POST | Method::PUT | Method::PATCH),
    }
}

fn is_ours(name: &HeaderName) -> bool {
    const OURS: [HeaderName; 6] = [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, TE, TRAILER, UPGRADE];
    OURS.contains(name) || name == "keep-alive" || name == "proxy-connection"
}
