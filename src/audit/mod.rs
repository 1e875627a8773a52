//! The audit trail: one JSON line a login, a pure function of its report.
//!
//! docs/logging.md documents the fields. A line holds no password, no answer and nothing that an upstream said except
//! the masked `explain`.

mod login_record;
mod search;
mod trail;

use std::net::IpAddr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde::Serialize;
use sha2::Sha256;

pub use login_record::{LoginRecord, StepRecord};
pub use search::{SearchBounds, search};
pub use trail::{Full, Reservation, Trail};

use crate::account::bounded;
use crate::config::UserName;
use crate::flow::report::Report;
use crate::verdict::Verdict;

/// What a line says beyond the report.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// When the verdict was reached.
    pub at: Timestamp,
    /// The client's name in the configuration.
    pub client: &'a str,
    /// The id of the door that the login came through; `None` at the API.
    pub door: Option<&'a str>,
    /// The address of the user's device, if the client sent it.
    pub client_ip: Option<IpAddr>,
    /// Whether a send test asked.
    pub test: bool,
    /// How many lines about this caller were left out before this one.
    pub left_out: u32,
}

/// A line; the order of its members is the order on disk.
#[derive(Debug, Serialize)]
struct Line<'a> {
    time: String,
    request_id: &'a str,
    client: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    door: Option<&'a str>,
    connector: &'a str,
    revision: &'a str,
    verdict: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    explain: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username_hmac: Option<String>,
    client_ip: Option<IpAddr>,
    steps: Vec<Step<'a>>,
    credential_sends: u32,
    ms: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Step<'a> {
    name: &'a str,
    end: &'a str,
    status: Option<u16>,
    ms: u64,
}

/// The line of one login, with its line feed.
pub fn line(report: &Report, call: &Call<'_>, names: &UserName) -> Vec<u8> {
    let (reason, cause) = match &report.verdict {
        Verdict::Reject(reject) => (Some(reject.reason.as_str()), None),
        Verdict::Unavailable(unavailable) => (None, Some(unavailable.cause.as_str())),
        Verdict::Accept(_) | Verdict::Challenge(_) | Verdict::Misconfigured(_) => (None, None),
    };
    // Whatever made the report: no line is longer than its bounds.
    let account = bounded(&report.account);
    let (username, username_hmac) = match names {
        UserName::Clear => (Some(&*account), None),
        UserName::Hmac(key) => (None, Some(keyed(key.expose().as_bytes(), account.as_bytes()))),
    };
    let milliseconds = |took: std::time::Duration| u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let line = Line {
        time: format!("{:.3}", call.at),
        request_id: &report.request_id,
        client: call.client,
        door: call.door,
        connector: &report.connector,
        revision: &report.revision,
        verdict: report.verdict.name(),
        reason,
        cause,
        explain: &report.explain,
        username,
        username_hmac,
        client_ip: call.client_ip,
        steps: report
            .steps
            .iter()
            .map(|step| Step {
                name: &step.name,
                end: step.end.as_str(),
                status: step.status,
                ms: milliseconds(step.took),
            })
            .collect(),
        credential_sends: report.credential_sends,
        ms: milliseconds(report.took),
        test: call.test,
        left_out: Some(call.left_out).filter(|left_out| *left_out > 0),
    };
    // Strings and numbers only: serialising cannot fail.
    let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// HMAC-SHA256 (RFC 2104), lower-case hex.
fn keyed(key: &[u8], text: &[u8]) -> String {
    // Every key length is a valid one for HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(text);
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests;
