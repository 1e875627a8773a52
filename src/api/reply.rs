//! Verdicts as HTTP: the one place that picks statuses and writes bodies (docs/contract.md section 5).
//!
//! Only accept is 2xx, so that a caller that reads nothing but the status fails closed. Pure: a [`Report`] in, a
//! response out. What goes out in clear is what connectors name in `map`; nothing else of a report is read here.

mod challenge;
mod seconds;
mod session;
mod utility;
mod verdict;

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::attempt::UnreadReplies;
use crate::document::Value;
use crate::flow::report::Report;
use crate::session::IssuedSession;
use crate::verdict::Verdict;

pub(super) use self::challenge::ChallengeBody;
pub(super) use self::seconds::whole_seconds;
pub(super) use self::session::SessionBody;
pub(super) use self::utility::ExtensionBody;
pub use self::utility::utility_body;
pub(super) use self::verdict::Traced;
use self::verdict::body_with;
pub use self::verdict::{VerdictBody, body};

/// The header that every verdict carries and no fault of the call does.
pub const VERDICT_HEADER: HeaderName = HeaderName::from_static("doorward-verdict");

/// Bytes of a body, so that it seldom grows.
const TYPICAL_BODY: usize = 512;

/// The status of a verdict.
pub fn status(verdict: &Verdict) -> StatusCode {
    match verdict {
        Verdict::Accept(_) => StatusCode::OK,
        Verdict::Reject(_) => StatusCode::FORBIDDEN,
        Verdict::Challenge(_) => StatusCode::UNAUTHORIZED,
        Verdict::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Verdict::Misconfigured(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The response to a login; `session` is what its accept opened.
pub(super) fn respond(report: &Report, session: Option<&IssuedSession>, unread: &UnreadReplies) -> Response {
    build_response(report, &body_with(report, session), unread)
}

/// The response to a send test: status and headers of its verdict; `shown` is what `trace` lets through.
pub(super) fn respond_with_trace(report: &Report, shown: serde_json::Value, unread: &UnreadReplies) -> Response {
    let mut body = serde_json::Map::new();
    if let serde_json::Value::Object(mut shown) = shown {
        if let Some(serde_json::Value::Object(verdict)) = shown.remove("verdict") {
            body = verdict;
        }
        body.extend(shown);
    }
    build_response(report, &body, unread)
}

fn build_response(report: &Report, body: &impl Serialize, unread: &UnreadReplies) -> Response {
    // Every key is a string and nothing here does I/O: serialising cannot fail. Should it, the empty body beside the
    // status and header is still the right verdict.
    let mut bytes = Vec::with_capacity(TYPICAL_BODY);
    let _ = serde_json::to_writer(&mut bytes, body);
    let mut response = Response::new(Body::from(unread.counted(bytes)));
    *response.status_mut() = status(&report.verdict);
    let headers = response.headers_mut();
    headers.insert(VERDICT_HEADER, HeaderValue::from_static(report.verdict.name()));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(after) = retry_after(&report.verdict) {
        headers.insert(header::RETRY_AFTER, whole_seconds(after).into());
    }
    response
}

/// 200 of a utility call. No verdict: it has no such header, and says nothing about who somebody is.
pub(super) fn extension(extension: &Value, unread: &UnreadReplies) -> Response {
    let body = serde_json::to_vec(&ExtensionBody { extension }).unwrap_or_default();
    let mut response = Response::new(Body::from(unread.counted(body)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn retry_after(verdict: &Verdict) -> Option<Duration> {
    match verdict {
        Verdict::Reject(reject) => reject.retry_after,
        Verdict::Unavailable(unavailable) => unavailable.retry_after,
        Verdict::Accept(_) | Verdict::Challenge(_) | Verdict::Misconfigured(_) => None,
    }
}
