//! A login as it is explained afterwards: what its audit line says of it, without the user.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::flow::report::Report;
use crate::verdict::Verdict;

/// One verdict. A login with a challenge has several under one request id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoginRecord {
    /// When the verdict was reached (RFC 3339).
    pub time: String,
    /// The connector's id; empty where a challenge was unknown.
    pub connector: String,
    /// Hash of connector, scripts and settings that ran.
    pub revision: String,
    /// `accept`, `reject`, `challenge`, `unavailable` or `misconfigured`.
    pub verdict: String,
    /// Of a reject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of an unavailable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// One masked line: which step, what was seen, why that means this verdict.
    pub explain: String,
    /// The steps that were reached.
    pub steps: Vec<StepRecord>,
    /// Requests that carried the user's credential.
    pub credential_sends: u32,
    /// From the call to the verdict.
    pub ms: u64,
    /// It was a send test.
    #[serde(default)]
    pub test: bool,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepRecord {
    /// Its name in the connector.
    pub name: String,
    /// `success`, `more`, `skipped`, `asked`, `pending` or `ended`.
    pub end: String,
    /// The HTTP status of the reply.
    pub status: Option<u16>,
    /// How long it took.
    pub ms: u64,
}

impl LoginRecord {
    /// What `report` came to at `at`.
    pub fn of(report: &Report, at: Timestamp, test: bool) -> Self {
        let (reason, cause) = match &report.verdict {
            Verdict::Reject(reject) => (Some(reject.reason.as_str().to_owned()), None),
            Verdict::Unavailable(unavailable) => (None, Some(unavailable.cause.as_str().to_owned())),
            Verdict::Accept(_) | Verdict::Challenge(_) | Verdict::Misconfigured(_) => (None, None),
        };
        let steps = report.steps.iter().map(|step| StepRecord {
            name: step.name.clone(),
            end: step.end.as_str().to_owned(),
            status: step.status,
            ms: milliseconds(step.took),
        });
        Self {
            time: format!("{at:.3}"),
            connector: report.connector.clone(),
            revision: report.revision.clone(),
            verdict: report.verdict.name().to_owned(),
            reason,
            cause,
            explain: report.explain.clone(),
            steps: steps.collect(),
            credential_sends: report.credential_sends,
            ms: milliseconds(report.took),
            test,
        }
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        let texts = self.connector.len() + self.revision.len() + self.explain.len();
        let steps: usize =
            self.steps.iter().map(|step| size_of::<StepRecord>() + step.name.len() + step.end.len()).sum();
        size_of::<Self>() + 64 + texts + steps
    }
}

fn milliseconds(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
