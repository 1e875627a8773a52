//! A pause in the body of a verdict: what to ask the user, until when and how often.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::seconds::whole_seconds;
use crate::verdict::Challenge;

/// A pause on the wire.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChallengeBody<'a> {
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
    /// What comes back from there in the callback's query, each an answer by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    answers: Option<&'a [String]>,
    /// A picture to show: a `data:` URL, or one to load.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    /// Seconds until the id expires.
    expires_in: u64,
    /// How many answers are left.
    attempts_left: u32,
    /// Seconds until `resend` is possible; absent when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    resend_after: Option<u64>,
    /// Seconds until the next `poll` asks the upstream; absent when there is nothing to poll for.
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
    pub(crate) fn of(challenge: &'a Challenge) -> Self {
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
            answers: Some(challenge.returns.as_slice()).filter(|names| !names.is_empty()),
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

/// Seconds, rounded: what was five minutes when the state was kept is five minutes for the user.
fn nearest_second(duration: Duration) -> u64 {
    (duration + Duration::from_millis(500)).as_secs()
}
