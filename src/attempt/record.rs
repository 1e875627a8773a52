//! What is written of every verdict: a metric, a line in the log, a line in the audit trail. A utility call brings no verdict
//! and has no audit line.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::App;
use super::callers::Caller;
use super::outcome::RETRY_AFTER;
use crate::audit::{self, LoginRecord, Reservation};
use crate::flow::UtilityReport;
use crate::flow::report::{Report, StepEnd};
use crate::metrics::Shed;
use crate::otel::{EndedLogin, LoginSpan};
use crate::verdict::{Cause, Unavailable, Verdict};

/// What an audit line says beside the report.
pub(super) struct AuditContext {
    /// The address of the user's device.
    pub client_ip: Option<IpAddr>,
    /// The door that the login came through.
    pub door: Option<String>,
    /// Whether it was a send test.
    pub test: bool,
    /// Taken before the run; `None` without a trail.
    pub reservation: Option<Reservation>,
    /// Where logins are traced.
    pub span: Option<Arc<LoginSpan>>,
}

/// Audits, counts and logs a verdict, and returns the one that may be sent: the same, or unavailable where the line of an accept
/// cannot be written and the configuration says to refuse.
pub(super) async fn record(app: &App, caller: &Caller, report: Report, context: AuditContext) -> Report {
    let (trail, test) = (app.trail(), context.test);
    let (span, door) = (context.span.clone(), context.door.clone());
    let left_out = trail.as_ref().map(|_| left_out(app, caller, &report, &context));
    let report = match (context.reservation, &trail, left_out.flatten()) {
        (Some(reservation), Some(trail), Some(left_out)) => {
            let (at, client) = ((app.now)(), caller.client.name.as_str());
            let door = context.door.as_deref();
            let call = audit::Call { at, client, door, client_ip: context.client_ip, test: context.test, left_out };
            let line = audit::line(&report, &call, &trail.names());
            audited(app, report, line, reservation).await
        }
        (Some(_), Some(_), None) => {
            app.metrics.audit_left_out();
            report
        }
        _ => report,
    };
    app.metrics.login(&report);
    if let (Some(tracer), Some(span)) = (&app.tracer, &span) {
        let client = caller.client.name.as_str();
        let now = SystemTime::from((app.now)());
        tracer.end(span, &EndedLogin { report: &report, client, door: door.as_deref(), test, now });
    }
    app.recent.add(&report.request_id, LoginRecord::of(&report, (app.now)(), test), Instant::now());
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
fn left_out(app: &App, caller: &Caller, report: &Report, context: &AuditContext) -> Option<u32> {
    if matches!(report.verdict, Verdict::Accept(_)) || !sent_nothing(report) {
        return Some(0);
    }
    app.lines.admit(&caller.client.name, &report.connector, context.client_ip, Instant::now())
}

async fn audited(app: &App, report: Report, line: Vec<u8>, reservation: Reservation) -> Report {
    if !matches!(report.verdict, Verdict::Accept(_)) {
        reservation.write(line);
        return report;
    }
    if reservation.write_durably(line).await {
        return report;
    }
    app.metrics.shed(Shed::Audit);
    let verdict = Verdict::Unavailable(Unavailable { cause: Cause::Overloaded, retry_after: Some(RETRY_AFTER) });
    let explain =
        "the login succeeded; its audit line could not be written, and audit.when_full says to refuse".to_owned();
    Report { verdict, explain, ..report }
}

/// Whether nothing was sent and nothing granted. Lines about such verdicts are limited, because a client causes them cheaply.
fn sent_nothing(report: &Report) -> bool {
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
