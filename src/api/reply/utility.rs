//! The bodies of a utility call: no verdict, so they say nothing about who somebody is.

use schemars::JsonSchema;
use serde::Serialize;

use super::seconds::whole_seconds;
use crate::document::Value;
use crate::flow::{UtilityEnd, UtilityReport};

/// What a utility call gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Extension")]
pub(crate) struct ExtensionBody<'a> {
    /// What the connector maps: data of the upstream; null when it maps nothing.
    #[schemars(with = "serde_json::Value")]
    pub(super) extension: &'a Value,
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
