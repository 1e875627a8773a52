//! Faults of the call itself, as RFC 9457 `application/problem+json`.
//!
//! A problem is never a verdict: it has no `Doorward-Verdict` header. Of the calls that bring verdicts its statuses are 400,
//! 401, 404, 405, 408, 409, 413, 415, 422 and 429 (and 500 for a panic), none of which a verdict uses except 401, which here
//! always carries `WWW-Authenticate`. A utility has no verdict: what it cannot give is a problem, 422, 429, 500 or 503.
//! No text here quotes a value of the request.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::attempt::{RETRY_AFTER, TooManyCalls};
use crate::config::Scope;
use crate::flow::Refused;
use crate::verdict::Unavailable;

/// One fault of a call.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The body is not JSON.
    Malformed(String),
    /// The body is JSON, but not one that this endpoint takes.
    Invalid(Vec<Mistake>),
    /// An HTTP/1.1 request without a Host, or one with several or with one that is none.
    Host,
    /// How the body is framed can be read in two ways.
    Framing,
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
    /// A utility's inputs are not good, says the upstream or the connector.
    Refused(Refused),
    /// The send quota is used up.
    TooManyCodes(Duration),
    /// Utilities are called too often.
    TooOften(Duration),
    /// A utility's upstream could not be asked, or could not be understood.
    Unavailable(Unavailable),
    /// A utility is set up wrong; the text holds no data.
    Misconfigured(String),
    /// A send test that sent nothing, as it was asked to: no verdict, and nothing that reads as success.
    Rehearsed(serde_json::Value),
    /// The daemon panicked outside a login.
    Broken,
}

/// One mistake in a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct Mistake {
    /// RFC 6901 pointer to the member.
    pub pointer: String,
    /// What is wrong with it and what to do.
    pub detail: String,
}

/// The body (RFC 9457 section 3.1), `type` left at its default `about:blank`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct Wire<'a> {
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
    /// Why a utility refused its inputs, from the closed list of a reject's reasons.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// The upstream's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    /// The upstream's own message, for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    /// Where the trouble of a utility's upstream lies, from the closed list of an unavailable's causes.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    /// The stages of a rendering.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a serde_json::Value>,
}

impl From<TooManyCalls> for Problem {
    fn from(TooManyCalls: TooManyCalls) -> Self {
        Self::TooMany(RETRY_AFTER)
    }
}

impl Problem {
    fn line(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed_body", "The body is not JSON"),
            Self::Invalid(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", "The body is not what this call takes")
            }
            Self::Host => {
                (StatusCode::BAD_REQUEST, "bad_host", "The request does not name one host in Host (RFC 9112, 3.2)")
            }
            Self::Framing => (
                StatusCode::BAD_REQUEST,
                "bad_framing",
                "Transfer-Encoding is something else than one `chunked` (RFC 9112, 6.1)",
            ),
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
            Self::Refused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "refused", "The inputs are refused"),
            Self::TooManyCodes(_) => {
                (StatusCode::TOO_MANY_REQUESTS, "too_many_codes", "No further code may be sent now")
            }
            Self::TooOften(_) => (StatusCode::TOO_MANY_REQUESTS, "too_often", "Utilities are called too often"),
            Self::Unavailable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The upstream could not be asked or understood")
            }
            Self::Misconfigured(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "misconfigured", "The connector is set up wrong")
            }
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
            Self::Misconfigured(what) => (Some(what.clone()), &[][..]),
            Self::TooLarge(limit) => (Some(format!("at most {limit} bytes")), &[][..]),
            _ => (None, &[][..]),
        };
        let trace = match &self {
            Self::Rehearsed(shown) => shown.get("trace"),
            _ => None,
        };
        let refused = match &self {
            Self::Refused(refused) => Some(refused),
            _ => None,
        };
        let wire = Wire {
            status: status.as_u16(),
            code,
            title,
            detail: detail.as_deref(),
            errors,
            reason: refused.map(|refused| refused.reason.as_str()),
            error_code: refused.and_then(|refused| refused.error_code.as_deref()),
            error_message: refused.and_then(|refused| refused.error_message.as_deref()),
            cause: match &self {
                Self::Unavailable(unavailable) => Some(unavailable.cause.as_str()),
                _ => None,
            },
            trace,
        };
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
            Self::TooMany(after)
            | Self::TooManyCodes(after)
            | Self::TooOften(after)
            | Self::Unavailable(Unavailable { retry_after: Some(after), .. }) => {
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
