//! Faults of the call itself, as RFC 9457 `application/problem+json`.
//!
//! A problem is never a verdict: it has no `Doorward-Verdict` header, and its statuses are 400, 401, 404, 405, 408,
//! 409, 413, 415, 422 and 429, none of which a verdict uses except 401, which here always carries `WWW-Authenticate`.
//! No text here quotes a value of the request.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::config::Scope;

/// One fault of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// The body is not JSON.
    Malformed(String),
    /// The body is JSON, but not one that this endpoint takes.
    Invalid(Vec<Mistake>),
    /// No token or certificate, or none that is known.
    Unauthorized,
    /// Known, but without this scope. RFC 6750 section 3.1 suggests 403, which here is the verdict reject.
    OutOfScope(Scope),
    /// No such connector for this caller.
    UnknownConnector,
    /// No such page.
    UnknownPath,
    /// The page does not take this method.
    WrongMethod,
    /// The body did not arrive in time.
    Slow,
    /// The body is over the limit, in bytes.
    TooLarge(usize),
    /// The body does not say that it is JSON.
    NotJson,
    /// This caller has too many calls open.
    TooMany(Duration),
    /// A send test that sent nothing, as it was asked to: no verdict, and nothing that reads as success.
    Rehearsed(serde_json::Value),
    /// The daemon panicked outside a login.
    Broken,
}

/// One mistake in a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(super) struct Mistake {
    /// RFC 6901 pointer to the member.
    pub pointer: String,
    /// What is wrong with it and what to do.
    pub detail: String,
}

/// The body (RFC 9457 section 3.1), `type` left at its default `about:blank`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct Wire<'a> {
    /// The HTTP status again.
    status: u16,
    /// A stable name for programs.
    code: &'a str,
    /// What is wrong, for people; the same for every occurrence.
    title: &'a str,
    /// What is wrong this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// Every mistake of the body.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(default)]
    errors: &'a [Mistake],
    /// The stages of a rendering.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a serde_json::Value>,
}

impl Problem {
    fn line(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed_body", "The body is not JSON"),
            Self::Invalid(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", "The body is not what this call takes")
            }
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "The call carries no bearer token or client certificate of a known client",
            ),
            Self::OutOfScope(_) => {
                (StatusCode::UNAUTHORIZED, "insufficient_scope", "The client lacks the scope for this call")
            }
            Self::UnknownConnector => {
                (StatusCode::NOT_FOUND, "unknown_connector", "There is no such connector for this client")
            }
            Self::UnknownPath => (StatusCode::NOT_FOUND, "unknown_path", "There is no such page"),
            Self::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "The page does not take this method"),
            Self::Slow => (StatusCode::REQUEST_TIMEOUT, "slow_body", "The body did not arrive in time"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is over the limit"),
            Self::NotJson => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", "The call takes Content-Type: application/json")
            }
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_calls", "The client has too many calls open"),
            Self::Rehearsed(_) => (StatusCode::CONFLICT, "rendered", "The request was rendered and not sent"),
            Self::Broken => {
                (StatusCode::INTERNAL_SERVER_ERROR, "broken", "The call failed inside the daemon; see its log")
            }
        }
    }

    /// The stable name, for metrics and logs.
    pub fn code(&self) -> &'static str {
        self.line().1
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, title) = self.line();
        let (detail, errors) = match &self {
            Self::Malformed(detail) => (Some(detail.clone()), &[][..]),
            Self::Invalid(mistakes) => (None, mistakes.as_slice()),
            Self::OutOfScope(scope) => (Some(format!("give the client the scope `{}`", scope.as_str())), &[][..]),
            Self::Rehearsed(shown) => (shown["explain"].as_str().map(str::to_owned), &[][..]),
            Self::TooLarge(limit) => (Some(format!("at most {limit} bytes")), &[][..]),
            _ => (None, &[][..]),
        };
        let trace = match &self {
            Self::Rehearsed(shown) => shown.get("trace"),
            _ => None,
        };
        let wire = Wire { status: status.as_u16(), code, title, detail: detail.as_deref(), errors, trace };
        // Strings and integers only: serialising cannot fail.
        let mut response = Response::new(Body::from(serde_json::to_vec(&wire).unwrap_or_default()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
            }
            Self::OutOfScope(scope) => {
                headers.insert(header::WWW_AUTHENTICATE, lacking(scope));
            }
            Self::TooMany(after) => {
                headers.insert(header::RETRY_AFTER, super::reply::whole_seconds(after).into());
            }
            _ => {}
        }
        response
    }
}

/// The `WWW-Authenticate` of a call that lacks a scope (RFC 6750 section 3).
fn lacking(scope: Scope) -> HeaderValue {
    HeaderValue::from_static(match scope {
        Scope::Authenticate => "Bearer error=\"insufficient_scope\", scope=\"authenticate\"",
        Scope::Test => "Bearer error=\"insufficient_scope\", scope=\"test\"",
        Scope::Read => "Bearer error=\"insufficient_scope\", scope=\"read\"",
        Scope::Reload => "Bearer error=\"insufficient_scope\", scope=\"reload\"",
    })
}
