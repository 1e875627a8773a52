//! The body of a verdict: what its report lets out, member by member.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::challenge::ChallengeBody;
use super::seconds::whole_seconds;
use super::session::SessionBody;
use crate::document::{Value, to_json};
use crate::flow::report::Report;
use crate::session::IssuedSession;
use crate::trace::{Row, Summary};
use crate::verdict::{DeliveredCookie, Mapped, Verdict};

/// The body of a verdict, for the API and for `--json` of the command line.
pub fn body(report: &Report) -> VerdictBody<'_> {
    body_with(report, None)
}

/// The same with the session that an accept opened.
pub(super) fn body_with<'a>(report: &'a Report, session: Option<&'a IssuedSession>) -> VerdictBody<'a> {
    let rest = match &report.verdict {
        Verdict::Accept(accept) => {
            let attributes = Attributes(&accept.mapped.attributes);
            let cookies = accept.delivery.cookies.iter().map(CookieBody::of).collect();
            let (subject, mapped) = (accept.subject.as_str(), MappedReply::of(&accept.mapped));
            Rest::Accept { subject, mapped, attributes, cookies, session: session.map(SessionBody::of) }
        }
        Verdict::Reject(reject) => Rest::Reject {
            reason: reject.reason.as_str(),
            mapped: MappedReply::of(&reject.mapped),
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
pub(crate) struct Traced<'a> {
    #[serde(flatten)]
    verdict: VerdictBody<'a>,
    /// One masked line for an administrator.
    explain: &'a str,
    /// Every stage of every step.
    trace: serde_json::Value,
    /// Cookies that the connector names and that are not delivered: `{ name, because }` each.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_delivered: Option<serde_json::Value>,
    /// What it came to, above the steps.
    summary: Summary,
    /// All that `doorward test` prints, row by row.
    rows: Vec<Row>,
    /// What the user must see to answer a challenge, and its id for `POST /v1/challenges/test`; only when the call is `interactive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    open_challenge: Option<ChallengeBody<'a>>,
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
        mapped: MappedReply<'a>,
        /// Named attributes of the user.
        #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
        attributes: Attributes<'a>,
        /// Cookies to set in the user's browser, one for each name and domain.
        cookies: Vec<CookieBody<'a>>,
        /// The session that it opened, when one was wanted.
        #[serde(skip_serializing_if = "Option::is_none")]
        session: Option<SessionBody<'a>>,
    },
    /// 403.
    Reject {
        /// Why, from a closed list.
        reason: &'a str,
        #[serde(flatten)]
        mapped: MappedReply<'a>,
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
        /// The cause of the trouble, from a closed list.
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
struct MappedReply<'a> {
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

impl<'a> MappedReply<'a> {
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
