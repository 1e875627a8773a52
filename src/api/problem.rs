//! Faults of the call itself, as RFC 9457 `application/problem+json`.
//!
//! A problem is never a verdict: it has no `Doorward-Verdict` header. Of the calls that bring verdicts its statuses are 400,
//! 401, 404, 405, 408, 409, 413, 415, 422 and 429 (and 500 for a panic), none of which a verdict uses except 401, which here
//! always carries `WWW-Authenticate`. A utility has no verdict: what it cannot give is a problem, 422, 429, 500 or 503.
//! No text here quotes a value of the request.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use super::reply::whole_seconds;
use crate::attempt::{RETRY_AFTER, TooManyCalls};
use crate::config::Scope;

/// What is the same for every occurrence of a problem. An endpoint declares its own beside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProblemKind {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
}

impl ProblemKind {
    pub(crate) const fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self { status, code, title }
    }

    pub(crate) fn code(self) -> &'static str {
        self.code
    }

    pub(crate) fn title(self) -> &'static str {
        self.title
    }
}

const MALFORMED: ProblemKind = ProblemKind::new(StatusCode::BAD_REQUEST, "malformed_body", "The body is not JSON");
const INVALID: ProblemKind =
    ProblemKind::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", "The body is not what this call takes");
const UNAUTHORIZED: ProblemKind = ProblemKind::new(
    StatusCode::UNAUTHORIZED,
    "invalid_token",
    "The call carries no bearer token or client certificate of a known client",
);
const OUT_OF_SCOPE: ProblemKind =
    ProblemKind::new(StatusCode::UNAUTHORIZED, "insufficient_scope", "The client lacks the scope for this call");
const TOO_MANY: ProblemKind =
    ProblemKind::new(StatusCode::TOO_MANY_REQUESTS, "too_many_calls", "The client has too many calls open");
/// A panic outside a login.
pub(crate) const BROKEN: ProblemKind =
    ProblemKind::new(StatusCode::INTERNAL_SERVER_ERROR, "broken", "The call failed inside the daemon; see its log");
/// Of the path, for this caller.
pub(crate) const UNKNOWN_CONNECTOR: ProblemKind =
    ProblemKind::new(StatusCode::NOT_FOUND, "unknown_connector", "There is no such connector for this client");

/// One fault of a call.
#[derive(Debug)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    body: ProblemBody,
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// One mistake in a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Mistake {
    /// RFC 6901 pointer to the member.
    pub pointer: String,
    /// What is wrong with it and what to do.
    pub detail: String,
}

impl Mistake {
    /// At the member that these keys lead to.
    pub(crate) fn at(keys: &[&str], detail: impl Into<String>) -> Self {
        // RFC 6901 section 3.
        let pointer = keys.iter().flat_map(|key| ["/".to_owned(), key.replace('~', "~0").replace('/', "~1")]).collect();
        Self { pointer, detail: detail.into() }
    }
}

/// The body (RFC 9457 section 3.1), `type` left at its default `about:blank`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct ProblemBody {
    /// The HTTP status again.
    status: u16,
    /// A stable name for programs.
    code: &'static str,
    /// What is wrong, for people; the same for every occurrence.
    title: &'static str,
    /// What is wrong this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Every mistake of the body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    errors: Vec<Mistake>,
    /// Why a utility refused its inputs, from the closed list of a reject's reasons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The upstream's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The upstream's own message, for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The cause of the trouble of a utility's upstream, from the closed list of an unavailable's causes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
    /// The stages of a rendering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<serde_json::Value>,
    /// What `doorward test` prints above the steps of a rendering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<serde_json::Value>,
    /// All that it prints, row by row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<serde_json::Value>,
}

impl Problem {
    pub(crate) fn of(kind: ProblemKind) -> Self {
        let ProblemKind { status, code, title } = kind;
        let body = ProblemBody {
            status: status.as_u16(),
            code,
            title,
            detail: None,
            errors: Vec::new(),
            reason: None,
            error_code: None,
            error_message: None,
            cause: None,
            trace: None,
            summary: None,
            rows: None,
        };
        Self(Box::new(Parts { body, status, headers: Vec::new() }))
    }

    /// The body is not JSON.
    pub(crate) fn malformed(detail: String) -> Self {
        Self::of(MALFORMED).detail(detail)
    }

    /// The body is JSON, but not one that this endpoint takes.
    pub(crate) fn invalid(mistakes: Vec<Mistake>) -> Self {
        let mut problem = Self::of(INVALID);
        problem.0.body.errors = mistakes;
        problem
    }

    /// No token or certificate, or none that is known.
    pub(crate) fn unauthorized() -> Self {
        Self::of(UNAUTHORIZED)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""))
    }

    /// Known, but without this scope. RFC 6750 section 3.1 suggests 403, which here is the verdict reject.
    pub(crate) fn out_of_scope(scope: Scope) -> Self {
        Self::of(OUT_OF_SCOPE)
            .detail(format!("give the client the scope `{}`", scope.as_str()))
            .header(header::WWW_AUTHENTICATE, lacking(scope))
    }

    pub(crate) fn detail(mut self, detail: String) -> Self {
        self.0.body.detail = Some(detail);
        self
    }

    pub(crate) fn retry_after(self, after: Duration) -> Self {
        self.header(header::RETRY_AFTER, whole_seconds(after).into())
    }

    /// With members of the body that only some endpoints have.
    pub(crate) fn with(mut self, set: impl FnOnce(&mut ProblemBody)) -> Self {
        set(&mut self.0.body);
        self
    }

    fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    #[cfg(test)]
    pub(crate) fn mistakes(&self) -> &[Mistake] {
        &self.0.body.errors
    }

    /// The stable name, for metrics and logs.
    pub(crate) fn code(&self) -> &'static str {
        self.0.body.code
    }
}

impl From<TooManyCalls> for Problem {
    fn from(TooManyCalls: TooManyCalls) -> Self {
        Self::of(TOO_MANY).retry_after(RETRY_AFTER)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts { body, status, headers } = *self.0;
        // Strings and integers only: serialising cannot fail.
        let mut response = Response::new(Body::from(serde_json::to_vec(&body).unwrap_or_default()));
        *response.status_mut() = status;
        let all = response.headers_mut();
        all.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        all.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        all.extend(headers);
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
        Scope::Sessions => "Bearer error=\"insufficient_scope\", scope=\"sessions\"",
        Scope::Door => "Bearer error=\"insufficient_scope\", scope=\"door\"",
    })
}
