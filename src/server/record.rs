//! What is written of every verdict, whatever brought it about: a count, a line in the log, a line in the audit trail. A
//! utility call is no verdict: it has no audit line.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::App;
use super::callers::Caller;
use crate::audit::{self, Place};
use crate::flow::UtilityReport;
use crate::flow::report::{Report, StepEnd};
use crate::verdict::Verdict;

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
        ms = whole_ms(report.took),
        "login"
    );
    if let (Some(place), Some(trail)) = (marks.place, &app.trail) {
        let client = caller.client.name.as_str();
        let left_out = if idle(report) {
            let Some(left_out) = app.lines.admit(client, &report.connector, marks.client_ip, Instant::now()) else {
                app.metrics.audit_left_out();
                return;
            };
            left_out
        } else {
            0
        };
        let call = audit::Call { at: (app.now)(), client, client_ip: marks.client_ip, test: marks.test, left_out };
        place.write(audit::line(report, &call, trail.names()));
    }
}

/// Whether nothing was sent and nobody let in: such verdicts cost whoever causes them nothing.
fn idle(report: &Report) -> bool {
    let asked = report.steps.iter().any(|step| step.status.is_some() || step.end == StepEnd::Success);
    // An answer that was wrong is a guess, also where it was compared here.
    let waits = matches!(&report.verdict, Verdict::Challenge(challenge) if challenge.error.is_none());
    !asked && (report.steps.is_empty() || waits)
}

/// Counts and logs a utility call.
pub(super) fn utility_call(app: &App, caller: &Caller, report: &UtilityReport) {
    app.metrics.utility(report);
    tracing::info!(
        request_id = report.request_id,
        client = caller.client.name,
        connector = report.connector,
        revision = report.revision,
        outcome = report.end.name(),
        detail = report.end.detail(),
        explain = report.explain,
        ms = whole_ms(report.took),
        "utility call"
    );
}

fn whole_ms(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
