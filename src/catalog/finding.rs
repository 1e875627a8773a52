//! A diagnostic of a reload, as the API tells it to a client that may use the connector.

use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnostic::{Diagnostic, Severity, Style, render};

/// What was found in a connector's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// The connector's id.
    pub connector: String,
    /// `error`: the file does not load; `warning`: it does.
    severity: &'static str,
    /// A stable name, `unknown-key`.
    code: &'static str,
    /// What is wrong.
    message: String,
    /// As `doorward check` prints it: the line of the file, the place, the cause, what to do.
    text: String,
}

impl Finding {
    pub(super) fn of(connector: &str, diagnostic: &Diagnostic) -> Self {
        Self {
            connector: connector.to_owned(),
            severity: match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: diagnostic.code,
            message: diagnostic.message.clone(),
            text: render(std::slice::from_ref(diagnostic), Style::Plain),
        }
    }
}
