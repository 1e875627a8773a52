//! What every request must show and every reply carries, whatever path it has.
//!
//! A POST counts only from a page of this very origin: `Sec-Fetch-Site: same-origin`, or where a browser does not send that, an
//! `Origin` that equals the configured address. Cookies prove nothing there: other pages can have them sent.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};

use super::front::Front;
use super::page::{self, Picture};

const HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // no-referrer would make the Origin of our own forms null.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Nothing is loaded from elsewhere but a picture that an upstream names; nothing runs; no page may frame this one.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; img-src 'self' data:";

/// The layer around all paths.
pub(super) async fn guard(State(front): State<Arc<Front>>, request: Request<Body>, next: Next) -> Response {
    let admitted = request.method() != Method::POST || is_own(request.headers(), &front);
    let mut response = if admitted { next.run(request).await } else { page::foreign(&front, request.headers()) };
    dress(&mut response);
    response
}

/// The headers of every reply.
pub(super) fn dress(response: &mut Response) {
    let picture = response.extensions_mut().remove::<Picture>();
    let policy = match picture.as_ref().map(|Picture(origin)| HeaderValue::try_from(format!("{POLICY} {origin}"))) {
        Some(Ok(policy)) => policy,
        _ => HeaderValue::from_static(POLICY),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn is_own(headers: &HeaderMap, front: &Front) -> bool {
    let only = |name: HeaderName| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Some(value.as_bytes()),
            _ => None,
        }
    };
    match only(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == b"same-origin",
        None if headers.contains_key("sec-fetch-site") => false,
        None => {
            let own = front.url().origin().ascii_serialization();
            only(header::ORIGIN).is_some_and(|origin| origin == own.as_bytes())
        }
    }
}
