//! What every request must show and every reply carries, whatever path it has.
//!
//! A page elsewhere in the browser can send requests here, and by DNS rebinding even under a name of its own. So the host is
//! compared with the listener's own names, and a call must come from the studio's own page.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};

use super::problems::{FOREIGN_HOST, FOREIGN_ORIGIN};
use super::state::Studio;
use crate::api::problem::Problem;

/// Nothing is loaded from elsewhere, nothing inline runs, no text becomes markup, no page may frame this one.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                   base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                   trusted-types 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CSP),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The layer around all paths.
pub(super) async fn guard(State(studio): State<Arc<Studio>>, request: Request<Body>, next: Next) -> Response {
    let admitted = admit(&request, &studio.hosts);
    let mut response = match admitted {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    dress(response.headers_mut());
    response
}

/// The headers of every reply.
pub(super) fn dress(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn admit(request: &Request<Body>, hosts: &[String]) -> Result<(), Problem> {
    let host = host(request).filter(|host| hosts.iter().any(|known| known == host));
    let Some(host) = host else { return Err(Problem::of(FOREIGN_HOST)) };
    if !request.uri().path().starts_with("/v1/") {
        return Ok(());
    }
    if is_own(request.headers(), &host, request.method()) { Ok(()) } else { Err(Problem::of(FOREIGN_ORIGIN)) }
}

fn host(request: &Request<Body>) -> Option<String> {
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    authority.or_else(|| only(request.headers(), &header::HOST).ok().flatten())
}

/// Whether a call comes from the studio's page. A GET from it says so in `Sec-Fetch-Site` alone, everything else also in
/// `Origin`; a call that says neither is no browser's, and may read with a session's token but change nothing.
fn is_own(headers: &HeaderMap, host: &str, method: &Method) -> bool {
    let (Ok(site), Ok(origin)) =
        (only(headers, &HeaderName::from_static("sec-fetch-site")), only(headers, &header::ORIGIN))
    else {
        return false;
    };
    let own_site = site.as_ref().is_none_or(|site| site == "same-origin");
    let own_origin = origin.as_ref().is_none_or(|origin| *origin == format!("http://{host}"));
    let said = site.is_some() || origin.is_some() || matches!(*method, Method::GET | Method::HEAD);
    own_site && own_origin && said
}

/// The value of a header that may come once; an error when it comes twice or is not text.
fn only(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, ()> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(());
    }
    value.to_str().map(|text| Some(text.to_owned())).map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_page_is_admitted() {
        let hosts = ["127.0.0.1:4000".to_owned(), "localhost:4000".to_owned()];
        let admitted = |method: &str, path: &str, headers: &[(&str, &str)]| {
            let mut request = Request::builder().method(method).uri(path);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            admit(&request.body(Body::empty()).unwrap(), &hosts).is_ok()
        };
        let (own, site, origin) =
            (("host", "127.0.0.1:4000"), ("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:4000"));
        for (method, headers, expected) in [
            ("GET", &[own][..], true),
            ("GET", &[own, site], true),
            ("POST", &[own], false),
            ("POST", &[own, site], true),
            ("POST", &[own, origin], true),
            ("POST", &[own, site, origin], true),
            ("POST", &[own, ("origin", "http://localhost:4000")], false),
            ("POST", &[("host", "localhost:4000"), ("origin", "http://localhost:4000")], true),
            ("POST", &[own, ("origin", "null")], false),
            ("POST", &[own, origin, ("sec-fetch-site", "cross-site")], false),
            ("POST", &[own, ("sec-fetch-site", "same-site")], false),
            ("GET", &[own, ("sec-fetch-site", "cross-site")], false),
            ("GET", &[own, ("origin", "https://evil.example")], false),
            ("POST", &[own, origin, ("origin", "https://evil.example")], false),
            ("GET", &[("host", "evil.example:4000"), site], false),
            ("GET", &[("host", "127.0.0.1")], false),
            ("GET", &[own, ("host", "evil.example")], false),
            ("GET", &[], false),
        ] {
            assert_eq!(admitted(method, "/v1/studio/connectors", headers), expected, "{method} {headers:?}");
        }
        assert!(admitted("GET", "/", &[own, ("sec-fetch-site", "cross-site")]), "a link to the page may be anywhere");
        assert!(!admitted("GET", "/", &[("host", "evil.example")]));
    }
}
