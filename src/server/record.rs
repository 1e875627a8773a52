//! What is written of every verdict, whatever brought it about: a count, a line in the log, a line in the audit trail.

use std::net::IpAddr;

use super::App;
use super::callers::Caller;
use crate::audit::{self, Place};
use crate::flow::report::Report;

/// What an audit line says beside the report, and its place in the trail.
pub(super) struct Marks {
    /// The address of the user's device.
    pub client_ip: Option<IpAddr>,
    /// Whether it was a send test.
    pub test: bool,
    /// The place that was taken before the run; `None` without a trail.
    pub place: Option<Place>,
}

/// Counts, logs and audits a verdict.
pub(super) fn record(app: &App, caller: &Caller, report: &Report, marks: Marks) {
    app.metrics.login(report);
    tracing::info!(
        request_id = report.request_id,
        client = caller.client.name,
        connector = report.connector,
        revision = report.revision,
        verdict = report.verdict.name(),
        detail = report.verdict.detail(),
        explain = report.explain,
        credential_sends = report.credential_sends,
        ms = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
        "login"
    );
    if let (Some(place), Some(trail)) = (marks.place, &app.trail) {
        let call =
            audit::Call { at: (app.now)(), client: &caller.client.name, client_ip: marks.client_ip, test: marks.test };
        place.write(audit::line(report, &call, trail.names()));
    }
}
