//! Whether an attempt was a wrong guess, for the guard's count.

use crate::flow::report::{Report, StepEnd};
use crate::guard::Outcome;
use crate::verdict::{Cause, Challenge, Reason, Reject, Verdict};

/// What the guard counts. Every reject of an upstream counts alike, whatever it says about the name, so that nobody can
/// learn from the guard which names exist. Input that was refused before anything was sent tells nothing and counts
/// nothing.
pub(super) fn outcome(report: &Report) -> Outcome {
    match &report.verdict {
        Verdict::Accept(_) => Outcome::Succeeded,
        // The send quota's no, which is ours: it says nothing about the password. (A row of a connector has no time.)
        Verdict::Reject(Reject { reason: Reason::TooManyAttempts, retry_after: Some(_), .. }) => Outcome::Neutral,
        Verdict::Reject(reject) if report.credential_sends > 0 || reject.reason != Reason::InvalidInput => {
            Outcome::Failed
        }
        // A gateway's or a database's trouble, in whatever words. A redirect back to the login page is none.
        Verdict::Unavailable(_)
            if report.steps.last().is_some_and(|step| step.unjudged_status && is_error_status(step.status)) =>
        {
            Outcome::Neutral
        }
        // A server that says "wrong" in a way that the connector cannot read was guessed at all the same.
        Verdict::Unavailable(unavailable)
            if (report.credential_sends > 0 || answered_here(report))
                && unavailable.cause == Cause::UnexpectedReply =>
        {
            Outcome::Unreadable
        }
        // A wrong answer is a guess, whether another one is allowed or not; a first challenge and a resend are none.
        Verdict::Challenge(Challenge { error: Some(error), .. })
            if matches!(error.reason, Reason::MfaFailed | Reason::InvalidCredentials)
                || (error.reason == Reason::InvalidInput && report.credential_sends > 0) =>
        {
            Outcome::Failed
        }
        Verdict::Reject(_) | Verdict::Challenge(_) | Verdict::Unavailable(_) | Verdict::Misconfigured(_) => {
            Outcome::Neutral
        }
    }
}

/// Statuses by which a server, or what stands in front of it, says that it has trouble, no such route or no time.
fn is_error_status(status: Option<u16>) -> bool {
    status.is_some_and(|status| status >= 400)
}

/// Whether the run ended in a factor that sent nothing: an answer was compared here, and that was a guess.
fn answered_here(report: &Report) -> bool {
    report.steps.last().is_some_and(|step| step.factor && step.status.is_none() && step.end == StepEnd::Ended)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::flow::report::{LoginNames, StepReport};
    use crate::verdict::Unavailable;

    /// A server of forms redirects a wrong user to its login page; a rule that names the status of a success does not hold then.
    #[test]
    fn a_status_that_decides_nothing_was_a_guess_unless_it_says_trouble() {
        let counted = |status: u16, cause: Cause| {
            let step = StepReport {
                name: "login".to_owned(),
                factor: true,
                end: StepEnd::Ended,
                status: Some(status),
                unjudged_status: true,
                began: tokio::time::Instant::now(),
                took: Duration::ZERO,
                trace: None,
            };
            let verdict = Verdict::Unavailable(Unavailable::from(cause));
            let report = Report::without_run(LoginNames::default(), verdict, "");
            outcome(&Report { steps: vec![step], credential_sends: 1, ..report })
        };
        for status in [302, 303, 307] {
            assert_eq!(counted(status, Cause::UnexpectedReply), Outcome::Unreadable, "{status}");
        }
        for (status, cause) in [
            (404, Cause::UnexpectedReply),
            (429, Cause::UnexpectedReply),
            (500, Cause::UpstreamError),
            (503, Cause::UpstreamError),
        ] {
            assert_eq!(counted(status, cause), Outcome::Neutral, "{status}");
        }
    }
}
