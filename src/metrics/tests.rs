//! What a scrape shows after some logins.

use std::time::Duration;

use super::*;
use crate::flow::report::{StepEnd, StepReport};
use crate::verdict::{Cause, Reason, Reject, Unavailable, Verdict};

fn report(verdict: Verdict, status: Option<u16>) -> Report {
    Report {
        connector: "demo".to_owned(),
        revision: "r".to_owned(),
        request_id: "id".to_owned(),
        account: "canary-user".to_owned(),
        username: "canary-user".to_owned(),
        verdict,
        explain: "canary-explain".to_owned(),
        steps: vec![StepReport {
            name: "login".to_owned(),
            factor: true,
            end: StepEnd::Ended,
            status,
            unjudged_status: false,
            began: tokio::time::Instant::now(),
            took: Duration::from_millis(30),
            trace: None,
        }],
        credential_sends: 1,
        took: Duration::from_millis(40),
    }
}

#[test]
fn logins_are_counted_by_closed_lists_only() {
    let metrics = Metrics::new();
    metrics.login(&report(Verdict::Reject(Reject::because(Reason::InvalidCredentials)), Some(401)));
    metrics.login(&report(Verdict::Reject(Reject::because(Reason::InvalidCredentials)), Some(403)));
    metrics.login(&report(Verdict::Unavailable(Unavailable::from(Cause::Timeout)), None));
    metrics.shed(Shed::Logins);
    metrics.refused("user");
    let text = metrics.text();
    for line in [
        "doorward_logins_total{connector=\"demo\",verdict=\"reject\",detail=\"invalid_credentials\"} 2",
        "doorward_logins_total{connector=\"demo\",verdict=\"unavailable\",detail=\"timeout\"} 1",
        "doorward_login_duration_seconds_count{connector=\"demo\"} 3",
        "doorward_step_duration_seconds_count{connector=\"demo\",step=\"login\"} 2",
        "doorward_upstream_replies_total{connector=\"demo\",step=\"login\",status=\"4xx\"} 2",
        "doorward_credential_sends_total{connector=\"demo\"} 3",
        "doorward_shed_total{cause=\"logins\"} 1",
        "doorward_guard_refusals_total{by=\"user\"} 1",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("canary"));
    assert!(text.ends_with("# EOF\n"));
}
