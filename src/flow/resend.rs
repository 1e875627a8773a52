//! A resend: the step that sent the code runs once more while the login waits (docs/contract.md section 5).
//!
//! The challenge stays open under the same id, with as many attempts. A sender that is rejected or fails changes
//! nothing: the code that was sent before is still valid.

use super::challenge::{Rollback, asking, mismatch, store, wait};
use super::meaning;
use super::recorder::Recorder;
use super::report::StepReport;
use super::run::{enter, run_step};
use super::saved::{OpenChallenge, milliseconds};
use super::state::Run;
use super::stop::{Ending, Stop};
use crate::verdict::{ChallengeError, Reason, Truth};

/// Sends the code once more. The id stays and no attempt is lost, whatever happens.
pub(super) async fn resend(
    run: &mut Run<'_>,
    id: String,
    challenge: OpenChallenge,
    reports: &mut Vec<StepReport>,
) -> Stop {
    let connector = run.connector;
    let Some(ask) = asking(connector, challenge.step) else { return mismatch() };
    let sender = ask.resend.as_ref().and_then(|resend| Some((resend, connector.steps.get(resend.step)?)));
    let now = run.ports.ambient.unix_ms();
    let Some((resend, sender)) = sender.filter(|_| challenge.resends_left > 0 && now >= challenge.resend_at) else {
        return wait(run, ask, id, challenge, Some(too_many())).await;
    };
    let mut recorder = Recorder::begin(run, sender);
    match meaning::when(sender, run, &mut recorder).await {
        Ok(Truth::True) => {}
        // The step does not run for this user, so there is nothing to send.
        Ok(_) => return wait(run, ask, id, challenge, Some(too_many())).await,
        Err(stop) => return stop,
    }
    let before = Rollback::of(run);
    let mut explain = String::new();
    let sent = run_step(run, sender, &mut recorder, &mut explain).await;
    reports.append(&mut run.extra_reports);
    reports.push(recorder.finish());
    if sent.is_err() {
        // The code that was sent before is still valid, and `env` may hold it.
        before.apply(run);
    }
    match sent {
        Ok(proof) => {
            enter(run, proof);
            let (resends_left, resend_at) = (challenge.resends_left - 1, now + milliseconds(resend.after));
            let again = OpenChallenge { resends_left, resend_at, ..challenge };
            let waits = wait(run, ask, id, again, None).await;
            if waits.is_challenge() {
                Stop { explain: format!("{} ran once more", sender.name), ..waits }
            } else {
                waits
            }
        }
        Err(Stop { ending: Ending::Reject { reason, message }, .. }) => {
            let error = ChallengeError { reason, error_code: run.mapped.error_code.take(), error_message: message };
            wait(run, ask, id, challenge, Some(error)).await
        }
        Err(Stop { ending: Ending::TooMany(_), .. }) => wait(run, ask, id, challenge, Some(too_many())).await,
        Err(stop @ Stop { ending: Ending::Unavailable(_), .. }) => {
            let _ = store(run, &id, challenge).await;
            stop
        }
        Err(stop) => stop,
    }
}

fn too_many() -> ChallengeError {
    ChallengeError { reason: Reason::TooManyAttempts, error_code: None, error_message: None }
}
