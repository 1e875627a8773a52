//! Whether a code may be sent: asked before a step runs that makes the upstream send one to the user.
//!
//! The quota itself is the caller's (`Sends`): the flow knows no guard, and golden cases and the command line have none.

use std::borrow::Cow;
use std::time::Duration;

use super::ports::CodeSend;
use super::state::{Code, Proof, Run};
use super::stop::{Ending, Stop};
use crate::condition::{Absent, Facts};
use crate::connector::Step;
use crate::context::Variable;
use crate::document::Value;
use crate::verdict::Truth;

/// Counts the first code that `step` sends, if it sends one; a code beyond the quota ends the run before anything is sent.
pub(super) fn admit(step: &Step, run: &mut Run<'_>) -> Result<(), Stop> {
    run.code = Code::MayBeSent;
    count(step, run)?.map_err(|retry_after| Stop {
        ending: Ending::TooMany(retry_after),
        explain: "codes were sent to this user or address too often; nothing was sent".to_owned(),
    })
}

/// Whether the request of `step` may be written once more: each try may send a code. One that was counted and of which nothing
/// was written counts for the next try.
pub(super) fn again(step: &Step, run: &mut Run<'_>) -> bool {
    run.code == Code::Unsent || matches!(count(step, run), Ok(Ok(())))
}

/// Whether the reply to `step` says that a code went out; unknown where it does not tell, which counts as if it had.
pub(super) fn went_out(step: &Step, facts: Facts<'_>, ended: &Result<(Proof, String), Stop>) -> Truth {
    let Some(sends) = &step.sends_code_to else { return Truth::Unknown };
    match (&sends.when, ended) {
        (Some(rule), _) => rule.holds(facts, Absent::False),
        (None, Ok((Proof::More(_), _))) => Truth::True,
        // Where some users need a code, who is through without one got none.
        (None, Ok(_)) => step.response.rules.more.is_none().into(),
        (None, Err(Stop { ending: Ending::Reject { .. }, .. })) => Truth::False,
        // Trouble behind the upstream, perhaps after the message.
        (None, Err(_)) => Truth::Unknown,
    }
}

/// Gives back the code that was counted last, if none went out.
pub(super) fn settle(step: &Step, run: &mut Run<'_>) {
    if std::mem::take(&mut run.code) == Code::MayBeSent {
        return;
    }
    if let Ok(Some(account)) = recipient(step, run) {
        run.ports.sends.not_sent(&code(&account, run));
    }
}

fn count(step: &Step, run: &mut Run<'_>) -> Result<Result<(), Duration>, Stop> {
    let Some(account) = recipient(step, run)? else { return Ok(Ok(())) };
    let counted = run.ports.sends.may_send(&code(&account, run));
    if counted.is_ok() {
        run.code = Code::Unsent;
    }
    Ok(counted)
}

fn code<'a>(account: &'a str, run: &'a Run<'_>) -> CodeSend<'a> {
    CodeSend { connector: &run.connector.id, account, client_ip: run.context.user.client_ip }
}

/// Who gets the code of `step`.
fn recipient(step: &Step, run: &Run<'_>) -> Result<Option<String>, Stop> {
    let Some(recipient) = &step.sends_code_to else { return Ok(None) };
    let value = match &recipient.to {
        // Of a packed name the field `user`, as the guard counts it.
        Variable::Username => Cow::Owned(Value::from(run.claimed.as_str())),
        other => run.context.get(other)?,
    };
    Ok(Some(value.scalar_text().unwrap_or_default().to_owned()))
}
