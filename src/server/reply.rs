//! Verdicts as HTTP: the one place that picks statuses and writes bodies (DESIGN.md section 5).
//!
//! Only accept is 2xx, so that a caller that reads nothing but the status fails closed. Pure: a [`Report`] in, a
//! response out. What goes out in clear is what connectors name in `map`; nothing else of a report is read here.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::document::{Value, to_json};
use crate::flow::report::Report;
use crate::flow::{UtilityEnd, UtilityReport};
use crate::verdict::{Challenge, DeliveredCookie, Mapped, Verdict};

/// The header that every verdict carries and no fault of the call does.
pub const VERDICT_HEADER: HeaderName = HeaderName::from_static("doorward-verdict");

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

/// The response to a login.
pub fn respond(report: &Report) -> Response {
    dressed(report, &body(report))
}

/// The response to a send test: status and headers of its verdict; `shown` is what `trace` lets through.
pub(super) fn respond_with_trace(report: &Report, shown: serde_json::Value) -> Response {
    let mut body = serde_json::Map::new();
    if let serde_json::Value::Object(mut shown) = shown {
        if let Some(serde_json::Value::Object(verdict)) = shown.remove("verdict") {
            body = verdict;
        }
        body.extend(shown);
    }
    dressed(report, &body)
}

fn dressed(report: &Report, body: &impl Serialize) -> Response {
    // Every key is a string and nothing here does I/O: serialising cannot fail. Should it, the empty body beside the
    // status and header is still the right verdict.
    let mut response = Response::new(Body::from(serde_json::to_vec(body).unwrap_or_default()));
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

/// The body of a verdict, for the API and for `--json` of the command line.
pub fn body(report: &Report) -> VerdictBody<'_> {
    let rest = match &report.verdict {
        Verdict::Accept(accept) => {
            let attributes = Attributes(&accept.mapped.attributes);
            let cookies = accept.delivery.cookies.iter().map(CookieBody::of).collect();
            Rest::Accept { subject: &accept.subject, mapped: Shown::of(&accept.mapped), attributes, cookies }
        }
        Verdict::Reject(reject) => Rest::Reject {
            reason: reject.reason.as_str(),
            mapped: Shown::of(&reject.mapped),
            retry_after: reject.retry_after.map(whole_seconds),
        },
        Verdict::Challenge(challenge) => Rest::Challenge { challenge: ChallengeBody::of(challenge) },
        Verdict::Unavailable(unavailable) => Rest::Unavailable {
            cause: unavailable.cause.as_str(),
            retry_after: unavailable.retry_after.map(whole_seconds),
        },
        Verdict::Misconfigured(misconfigured) => Rest::Misconfigured { what: &misconfigured.what },
    };
    VerdictBody {
        verdict: report.verdict.name(),
        connector: &report.connector,
        revision: &report.revision,
        request_id: &report.request_id,
        username: &report.username,
        rest,
    }
}

/// 200 of a utility call. No verdict: it has no such header, and says nothing about who somebody is.
pub(super) fn extension(extension: &Value) -> Response {
    let body = serde_json::to_vec(&ExtensionBody { extension }).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What a utility call gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Extension")]
pub(super) struct ExtensionBody<'a> {
    /// What the connector maps: data of the upstream; null when it maps nothing.
    #[schemars(with = "serde_json::Value")]
    extension: &'a Value,
}

/// How a utility call ended, for `--json` of the command line; the API answers with `extension` or a problem.
pub fn utility_body(report: &UtilityReport) -> serde_json::Value {
    let mut body = serde_json::json!({
        "outcome": report.end.name(),
        "connector": report.connector,
        "revision": report.revision,
        "request_id": report.request_id,
    });
    match &report.end {
        // Strings and numbers of our own: this cannot fail.
        UtilityEnd::Extension(extension) => {
            body["extension"] = serde_json::to_value(extension).unwrap_or_default();
        }
        UtilityEnd::Refused(refused) => {
            body["reason"] = refused.reason.as_str().into();
            body["error_code"] = refused.error_code.as_deref().into();
            body["error_message"] = refused.error_message.as_deref().into();
        }
        UtilityEnd::Limited { retry_after } => body["retry_after"] = whole_seconds(*retry_after).into(),
        UtilityEnd::Unavailable(unavailable) => body["cause"] = unavailable.cause.as_str().into(),
        UtilityEnd::Misconfigured(misconfigured) => body["what"] = misconfigured.what.as_str().into(),
    }
    body
}

fn retry_after(verdict: &Verdict) -> Option<Duration> {
    match verdict {
        Verdict::Reject(reject) => reject.retry_after,
        Verdict::Unavailable(unavailable) => unavailable.retry_after,
        Verdict::Accept(_) | Verdict::Challenge(_) | Verdict::Misconfigured(_) => None,
    }
}

/// Seconds, rounded up: who waits that long is not early (RFC 9110 section 10.2.3 knows whole seconds only).
pub(super) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// Seconds, rounded: what was five minutes when the state was kept is five minutes for the user.
fn nearest_second(duration: Duration) -> u64 {
    (duration + Duration::from_millis(500)).as_secs()
}

/// A verdict on the wire.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Verdict")]
pub struct VerdictBody<'a> {
    /// `accept`, `reject`, `challenge`, `unavailable` or `misconfigured`; also in the header `Doorward-Verdict`.
    verdict: &'a str,
    /// The connector's id.
    connector: &'a str,
    /// Hash of connector, scripts and settings.
    revision: &'a str,
    /// The id that the caller sent, or one drawn here.
    request_id: &'a str,
    /// The user name as it was sent.
    username: &'a str,
    #[serde(flatten)]
    rest: Rest<'a>,
}

/// A verdict with its stages.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Traced<'a> {
    #[serde(flatten)]
    verdict: VerdictBody<'a>,
    /// One masked line for an administrator.
    explain: &'a str,
    /// Every stage of every step.
    trace: serde_json::Value,
    /// Cookies that the connector names and that are not delivered: `{ name, because }` each.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_delivered: Option<serde_json::Value>,
}

/// What each verdict adds.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum Rest<'a> {
    /// 200.
    Accept {
        /// The account that the upstream authenticated.
        subject: &'a str,
        #[serde(flatten)]
        mapped: Shown<'a>,
        /// Named attributes of the user.
        #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
        attributes: Attributes<'a>,
        /// Cookies to hand to the user's browser, one for each name and domain.
        cookies: Vec<CookieBody<'a>>,
    },
    /// 403.
    Reject {
        /// Why, from a closed list.
        reason: &'a str,
        #[serde(flatten)]
        mapped: Shown<'a>,
        /// Seconds until another attempt makes sense.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
    /// 401.
    Challenge {
        /// What to ask the user.
        challenge: ChallengeBody<'a>,
    },
    /// 503.
    Unavailable {
        /// Where the trouble lies, from a closed list.
        cause: &'a str,
        /// Seconds until another attempt makes sense.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
    /// 500.
    Misconfigured {
        /// What is set up wrong; no secrets, no data.
        what: &'a str,
    },
}

/// What the connector maps; null for what the upstream did not say.
#[derive(Debug, Serialize, JsonSchema)]
struct Shown<'a> {
    /// The upstream's own code.
    error_code: Option<&'a str>,
    /// The upstream's own message.
    error_message: Option<&'a str>,
    /// Data of the upstream for the app.
    #[schemars(with = "serde_json::Value")]
    extension: Option<&'a Value>,
    /// `extension` as one string: itself if it is one, else compact JSON.
    extension_text: Option<Cow<'a, str>>,
}

impl<'a> Shown<'a> {
    fn of(mapped: &'a Mapped) -> Self {
        let extension_text = mapped.extension.as_ref().map(|extension| match extension {
            Value::Text(text) => Cow::Borrowed(text.as_str()),
            other => Cow::Owned(to_json(other)),
        });
        Self {
            error_code: mapped.error_code.as_deref(),
            error_message: mapped.error_message.as_deref(),
            extension: mapped.extension.as_ref(),
            extension_text,
        }
    }
}

/// Name and value pairs as one object.
#[derive(Debug)]
struct Attributes<'a>(&'a [(String, Value)]);

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A cookie on the wire.
#[derive(Debug, Serialize, JsonSchema)]
struct CookieBody<'a> {
    /// Its name in the browser.
    name: &'a str,
    /// Its value, a credential of the user.
    value: &'a str,
    /// Lower case, ASCII, without a leading dot.
    domain: &'a str,
    /// `/`.
    path: &'static str,
    /// Over TLS only.
    secure: bool,
    /// Not for scripts.
    http_only: bool,
    /// `strict`, `lax` or `none`.
    same_site: &'static str,
    /// Seconds since 1970; null for a cookie of the browser's session.
    expires: Option<i64>,
    /// All of this as the value of a `Set-Cookie` header.
    set_cookie: &'a str,
}

impl<'a> CookieBody<'a> {
    fn of(cookie: &'a DeliveredCookie) -> Self {
        Self {
            name: &cookie.name,
            // The caller gets in clear what the connector delivers; a send test masks it.
            value: cookie.value.expose(),
            domain: &cookie.domain,
            path: "/",
            secure: cookie.secure,
            http_only: cookie.http_only,
            same_site: cookie.same_site.as_str(),
            expires: cookie.expires,
            set_cookie: cookie.set_cookie.expose(),
        }
    }
}

/// A pause on the wire.
#[derive(Debug, Serialize, JsonSchema)]
struct ChallengeBody<'a> {
    /// The one-use id under which the answer is expected, at `POST /v1/challenges`.
    id: &'a str,
    /// `sms`, `totp`, `token_https`, `captcha`, `push`, `redirect`, `renew_password` or `custom`.
    #[serde(rename = "type")]
    kind: &'a str,
    /// What to tell the user.
    message: Option<&'a str>,
    /// What the user fills in; each is an answer.
    fields: Vec<FieldBody<'a>>,
    /// Where the user's browser goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    /// A picture to show: a `data:` URL, or one to load.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    /// Seconds that the id lives.
    expires_in: u64,
    /// How many answers are left.
    attempts_left: u32,
    /// Seconds until `resend` is possible; absent when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    resend_after: Option<u64>,
    /// Seconds to wait before each `poll`; absent when there is nothing to poll for.
    #[serde(skip_serializing_if = "Option::is_none")]
    poll_after: Option<u64>,
    /// Why the last answer, or the last resend, did not do.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
}

/// One thing that the user fills in.
#[derive(Debug, Serialize, JsonSchema)]
struct FieldBody<'a> {
    /// The name of the answer.
    name: &'a str,
    /// What the user sees beside it.
    label: Option<&'a str>,
    /// Whether what is typed may be seen.
    echo: bool,
    /// A regular expression (RE2) that the whole answer must match; it is checked again here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<&'a str>,
}

/// Why an answer did not do.
#[derive(Debug, Serialize, JsonSchema)]
struct ErrorBody<'a> {
    /// A reason of a reject.
    reason: &'a str,
    /// The upstream's own code.
    error_code: Option<&'a str>,
    /// The upstream's own message, or the connector's.
    error_message: Option<&'a str>,
}

impl<'a> ChallengeBody<'a> {
    fn of(challenge: &'a Challenge) -> Self {
        let fields = challenge.fields.iter().map(|field| FieldBody {
            name: &field.name,
            label: field.label.as_deref(),
            echo: field.echo,
            pattern: field.pattern.as_deref(),
        });
        Self {
            id: &challenge.id,
            kind: &challenge.kind,
            message: challenge.message.as_deref(),
            fields: fields.collect(),
            url: challenge.url.as_deref(),
            image: challenge.image.as_deref(),
            expires_in: nearest_second(challenge.expires_in),
            attempts_left: challenge.attempts_left,
            resend_after: challenge.resend_after.map(whole_seconds),
            poll_after: challenge.poll_after.map(whole_seconds),
            error: challenge.error.as_ref().map(|error| ErrorBody {
                reason: error.reason.as_str(),
                error_code: error.error_code.as_deref(),
                error_message: error.error_message.as_deref(),
            }),
        }
    }
}
