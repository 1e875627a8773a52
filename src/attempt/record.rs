//! What is written of every verdict, whatever brought it about: a count, a line in the log, a line in the audit trail. A
//! utility call is no verdict: it has no audit line.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::login::SOON;
use crate::api::App;
use crate::api::callers::Caller;
use crate::audit::{self, Place};
use crate::flow::UtilityReport;
use crate::flow::report::{Report, StepEnd};
use crate::metrics::Shed;
use crate::verdict::{Cause, Unavailable, Verdict};

/// What an audit line says beside the report, and its place in the trail.
pub(crate) struct Marks {
    /// The address of the user's device.
    pub client_ip: Option<IpAddr>,
    /// Whether it was a send test.
    pub test: bool,
    /// The place that was taken before the run; `None` without a trail.
    pub place: Option<Place>,
}

/// Audits, counts and logs a verdict, and returns the one that may leave: the same, or unavailable where an accept would
/// leave without its line and the configuration says to refuse.
pub(crate) async fn record(app: &App, caller: &Caller, report: Report, marks: Marks) -> Report {
    let left_out = app.trail.as_ref().map(|_| left_out(app, caller, &report, &marks));
    let report = match (marks.place, &app.trail, left_out.flatten()) {
        (Some(place), Some(trail), Some(left_out)) => {
            let (at, client) = ((app.now)(), caller.client.name.as_str());
            let call = audit::Call { at, client, client_ip: marks.client_ip, test: marks.test, left_out };
            let line = audit::line(&report, &call, trail.names());
            audited(app, report, line, place).await
        }
        (Some(_), Some(_), None) => {
            app.metrics.audit_left_out();
            report
        }
        _ => report,
    };
    app.metrics.login(&report);
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
    report
}

/// How many lines were left out before this one; `None` when this one is, too.
fn left_out(app: &App, caller: &Caller, report: &Report, marks: &Marks) -> Option<u32> {
    if matches!(report.verdict, Verdict::Accept(_)) || !idle(report) {
        return Some(0);
    }
    app.lines.admit(&caller.client.name, &report.connector, marks.client_ip, Instant::now())
}

async fn audited(app: &App, report: Report, line: Vec<u8>, place: Place) -> Report {
    if !matches!(report.verdict, Verdict::Accept(_)) {
        place.write(line);
        return report;
    }
    if place.write_first(line).await {
        return report;
    }
    app.metrics.shed(Shed::Audit);
    let verdict = Verdict::Unavailable(Unavailable { cause: Cause::Overloaded, retry_after: Some(SOON) });
    let explain =
        "the login succeeded; its audit line could not be written, and audit.when_full says to refuse".to_owned();
    Report { verdict, explain, ..report }
}

/// Whether nothing was sent and nobody let in: such verdicts cost whoever causes them nothing.
fn idle(report: &Report) -> bool {
    let asked = report.steps.iter().any(|step| step.status.is_some() || step.end == StepEnd::Success);
    // An answer that was wrong is a guess, also where it was compared here.
    let waits = matches!(&report.verdict, Verdict::Challenge(challenge) if challenge.error.is_none());
    !asked && (report.steps.is_empty() || waits)
}

/// Counts and logs a utility call.
pub(crate) fn utility_call(app: &App, caller: &Caller, report: &UtilityReport) {
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
