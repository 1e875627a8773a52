//! A resend: the step that sent the code runs once more while the login waits (docs/contract.md section 5).
//!
//! The pause stays under the same id, with as many attempts; the login goes no further here. A sender that is refused or
//! fails leaves the pause as it was: the code that was sent before still counts.

use super::challenge::{asking, lost, milliseconds};
use super::meaning;
use super::report::StepReport;
use super::run::Run;
use super::saved::Hold;
use super::stop::{Ending, Stop};
use crate::verdict::{ChallengeError, Reason, Truth};

impl Run<'_> {
    /// Sends the code once more. The id stays and no attempt is lost, whatever comes of it.
    pub(super) async fn resend(&mut self, id: String, hold: Hold, reports: &mut Vec<StepReport>) -> Stop {
        let connector = self.connector;
        let Some((step, ask)) = asking(connector, hold.step) else { return lost() };
        let Some((resend, sender)) = ask.resend.as_ref().and_then(|r| Some((r, connector.steps.get(r.step)?))) else {
            return self.wait(step, ask, (id, hold), Some(too_many())).await;
        };
        let now = self.tools.ambient.unix_ms();
        if hold.resends_left == 0 || now < hold.resend_at {
            return self.wait(step, ask, (id, hold), Some(too_many())).await;
        }
        if sender.when.is_some() {
            let holds = match meaning::when(sender, self).await {
                Ok((truth, _)) => truth == Truth::True,
                Err(stop) => return stop,
            };
            if !holds {
                // It does not run for this user, so there is nothing to send again.
                return self.wait(step, ask, (id, hold), Some(too_many())).await;
            }
        }
        let before = self.before();
        let mut report = self.report_of(sender);
        let mut explain = String::new();
        let sent = self.run_step(sender, &mut report, &mut explain).await;
        reports.append(&mut self.asides);
        reports.push(report);
        if sent.is_err() {
            // The code that was sent before still counts, and it may stand in `env`.
            self.forget(before);
        }
        match sent {
            Ok(proof) => {
                self.enter(proof);
                let hold =
                    Hold { resends_left: hold.resends_left - 1, resend_at: now + milliseconds(resend.after), ..hold };
                let waits = self.wait(step, ask, (id, hold), None).await;
                if waits.is_challenge() {
                    Stop { explain: format!("{} ran once more", sender.name), ..waits }
                } else {
                    waits
                }
            }
            Err(Stop { ending: Ending::Reject { reason, message }, .. }) => {
                let error =
                    ChallengeError { reason, error_code: self.mapped.error_code.take(), error_message: message };
                self.wait(step, ask, (id, hold), Some(error)).await
            }
            Err(Stop { ending: Ending::TooMany(_), .. }) => self.wait(step, ask, (id, hold), Some(too_many())).await,
            Err(stop @ Stop { ending: Ending::Unavailable(_), .. }) => {
                let _ = self.keep(step, &id, hold).await;
                stop
            }
            Err(stop) => stop,
        }
    }
}

fn too_many() -> ChallengeError {
    ChallengeError { reason: Reason::TooManyAttempts, error_code: None, error_message: None }
}
