//! Header fields and cookies that replies have whatever they say: what a rule must not take for a proof, and what the probe's
//! replies carry.

use http::HeaderName;
use http::header::{HeaderMap, HeaderValue, LOCATION, SET_COOKIE};

use crate::response::set_cookie::MAX_SET_COOKIES;

/// Fields of servers, proxies, caches and frameworks, with a value as they write it. Sorted.
const HEADERS: [(&str, &str); 62] = [
    ("accept-ranges", "bytes"),
    ("access-control-allow-credentials", "true"),
    ("access-control-allow-headers", "*"),
    ("access-control-allow-methods", "GET, POST, OPTIONS"),
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "*"),
    ("access-control-max-age", "3600"),
    ("age", "12"),
    ("allow", "GET, POST"),
    ("alt-svc", "h3=\":443\"; ma=86400"),
    ("cache-control", "no-cache, no-store, must-revalidate"),
    ("connection", "keep-alive"),
    ("content-disposition", "inline"),
    ("content-encoding", "identity"),
    ("content-language", "zh-CN"),
    ("content-length", "1234"),
    ("content-location", "/login"),
    ("content-security-policy", "default-src 'self'"),
    ("content-type", "text/html; charset=utf-8"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("etag", "\"5e1-7351\""),
    ("expires", "Thu, 01 Jan 1970 00:00:00 GMT"),
    ("feature-policy", "geolocation 'none'"),
    ("keep-alive", "timeout=5, max=100"),
    ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("link", "</style.css>; rel=preload"),
    ("nel", "{\"report_to\":\"default\",\"max_age\":86400}"),
    ("p3p", "CP=\"CAO PSA OUR\""),
    ("permissions-policy", "geolocation=()"),
    ("pragma", "no-cache"),
    ("proxy-connection", "keep-alive"),
    ("referrer-policy", "same-origin"),
    ("report-to", "{\"group\":\"default\",\"max_age\":86400}"),
    ("retry-after", "30"),
    ("server", "nginx"),
    ("server-timing", "app;dur=12"),
    ("strict-transport-security", "max-age=31536000"),
    ("timing-allow-origin", "*"),
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("transfer-encoding", "chunked"),
    ("upgrade", "h2c"),
    ("vary", "Accept-Encoding"),
    ("via", "1.1 proxy"),
    ("warning", "199 - \"proxy\""),
    ("www-authenticate", "Basic realm=\"login\""),
    ("x-application-context", "application:8080"),
    ("x-aspnet-version", "4.0.30319"),
    ("x-cache", "MISS"),
    ("x-content-type-options", "nosniff"),
    ("x-correlation-id", "4bf92f3577b34da6"),
    ("x-download-options", "noopen"),
    ("x-frame-options", "SAMEORIGIN"),
    ("x-permitted-cross-domain-policies", "none"),
    ("x-powered-by", "Express"),
    ("x-request-id", "4bf92f3577b34da6"),
    ("x-response-time", "12ms"),
    ("x-runtime", "0.012"),
    ("x-trace-id", "4bf92f3577b34da6"),
    ("x-ua-compatible", "IE=edge"),
    ("x-xss-protection", "1; mode=block"),
];

/// How fields begin that proxies, clouds and frameworks add to every reply.
const PREFIXES: [&str; 23] = [
    "access-control-",
    "ali-",
    "cf-",
    "cross-origin-",
    "eagleid",
    "ratelimit-",
    "refresh",
    "x-amz",
    "x-aspnet",
    "x-azure-",
    "x-b3-",
    "x-cache",
    "x-cdn",
    "x-csrf",
    "x-drupal-",
    "x-envoy-",
    "x-generator",
    "x-kong-",
    "x-ms-",
    "x-ratelimit-",
    "x-served-by",
    "x-varnish",
    "x-xsrf",
];

/// Sessions that servers open for everybody, tokens against forged forms, marks of load balancers.
const COOKIES: [&str; 21] = [
    "JSESSIONID",
    "PHPSESSID",
    "ASP.NET_SessionId",
    "ASPSESSIONID",
    "SESSION",
    "SESSIONID",
    "session",
    "sessionid",
    "session_id",
    "sid",
    "SID",
    "connect.sid",
    "laravel_session",
    "_session_id",
    "csrftoken",
    "_csrf",
    "XSRF-TOKEN",
    "route",
    "SERVERID",
    "lang",
    "locale",
];

/// Where the redirect of a refused login leads.
const LOGIN_PAGE: &str = "/login?error=E-7351&service=https%3A%2F%2F4a.example.com%2F";

/// Whether any reply may have a header field of this name.
pub fn is_usual(name: &HeaderName) -> bool {
    HEADERS.iter().any(|(usual, _)| name == usual) || PREFIXES.iter().any(|usual| name.as_str().starts_with(usual))
}

/// Adds to `headers` what they lack of the usual fields; a redirect gets a `Location`.
pub fn add_headers(headers: &mut HeaderMap, redirect: bool) {
    let location = redirect.then_some((LOCATION.as_str(), LOGIN_PAGE));
    for (name, value) in HEADERS.into_iter().chain(location) {
        let name = HeaderName::from_static(name);
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Adds the cookies that everybody gets, and those in `named`: another page may set a cookie of any name.
pub fn add_cookies<'a>(headers: &mut HeaderMap, named: impl Iterator<Item = &'a str>) {
    // A reply that sets too many is not read at all.
    let named = named.filter(|name| !COOKIES.contains(name)).take(MAX_SET_COOKIES - COOKIES.len());
    for name in COOKIES.into_iter().chain(named) {
        if let Ok(field) = HeaderValue::from_str(&format!("{name}=E7351E7351E7351E7351; Path=/; HttpOnly")) {
            headers.append(SET_COOKIE, field);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_and_once() {
        let mut names: Vec<&str> = HEADERS.iter().map(|(name, _)| *name).collect();
        assert!(names.is_sorted(), "so that a second one is seen");
        names.dedup();
        assert_eq!(names.len(), HEADERS.len());
        let mut headers = HeaderMap::new();
        add_headers(&mut headers, true);
        assert_eq!(headers.len(), HEADERS.len() + 1);
        for usual in ["date", "x-b3-traceid", "x-envoy-upstream-service-time", "cf-ray", "x-csrf-token", "refresh"] {
            assert!(is_usual(&HeaderName::from_static(usual)), "{usual}");
        }
        for rare in ["x-auth-token", "x-login-result", "location", "ticket"] {
            assert!(!is_usual(&HeaderName::from_static(rare)), "{rare}");
        }
    }
}
