//! The quota of codes, checked before a step that makes the upstream send one to the user.
//!
//! The caller supplies it (`Sends`): the flow knows no guard, and golden cases and the command line have no quota.

use std::borrow::Cow;

use super::ports::{CodeSend, SendRefusal};
use super::state::{CodeQuota, Proof, Run};
use super::stop::{Ending, Stop};
use crate::condition::{Absent, Facts};
use crate::connector::Step;
use crate::context::Variable;
use crate::document::Value;
use crate::verdict::{Cause, Truth};

/// Counts the first code that `step` sends, if it sends one; a code beyond the quota ends the run before anything is
/// sent.
pub(super) async fn admit(step: &Step, run: &mut Run<'_>) -> Result<(), Stop> {
    run.code_quota = CodeQuota::MayBeSent;
    count(step, run).await?.map_err(|refusal| match refusal {
        SendRefusal::TooOften(retry_after) => Stop {
            ending: Ending::TooMany(retry_after),
            explain: "codes were sent to this user or address too often; nothing was sent".to_owned(),
        },
        SendRefusal::Uncounted => Stop {
            ending: Ending::Unavailable(Cause::State),
            explain: "codes cannot be counted in Redis, and guard.when_away says to refuse; nothing was sent"
                .to_owned(),
        },
    })
}

/// Whether the request of `step` may be written once more: each try may send a code. A code that was counted for a try
/// that wrote nothing covers the next try.
pub(super) async fn may_retry(step: &Step, run: &mut Run<'_>) -> bool {
    run.code_quota == CodeQuota::Unsent || matches!(count(step, run).await, Ok(Ok(())))
}

/// A reply asked for a signature: to a probe, which sent no code.
pub(super) fn challenged(step: &Step, probe: bool, run: &mut Run<'_>) {
    if probe && step.sends_code_to.is_some() {
        run.code_quota = CodeQuota::Unsent;
    }
}

/// Whether the reply to `step` says that a code was sent; unknown counts as sent.
pub(super) fn was_sent(step: &Step, facts: Facts<'_>, ended: &Result<(Proof, String), Stop>) -> Truth {
    let Some(sends) = &step.sends_code_to else { return Truth::Unknown };
    match (&sends.when, ended) {
        (Some(rule), _) => rule.holds(facts, Absent::False),
        (None, Ok((Proof::More(_), _))) => Truth::True,
        // Where only some users need a code, a success without `more` means that none was sent.
        (None, Ok(_)) => step.response.rules.more.is_none().into(),
        (None, Err(Stop { ending: Ending::Reject { .. }, .. })) => Truth::False,
        // The upstream may have failed after it sent the code.
        (None, Err(_)) => Truth::Unknown,
    }
}

/// Takes back the last count if no code was sent.
pub(super) async fn settle(step: &Step, run: &mut Run<'_>) {
    if std::mem::take(&mut run.code_quota) == CodeQuota::MayBeSent {
        return;
    }
    if let Ok(Some(account)) = recipient(step, run) {
        run.ports.sends.not_sent(code(&account, run)).await;
    }
}

async fn count(step: &Step, run: &mut Run<'_>) -> Result<Result<(), SendRefusal>, Stop> {
    let Some(account) = recipient(step, run)? else { return Ok(Ok(())) };
    let counted = run.ports.sends.may_send(code(&account, run)).await;
    if counted.is_ok() {
        run.code_quota = CodeQuota::Unsent;
    }
    Ok(counted)
}

fn code<'a>(account: &'a str, run: &'a Run<'_>) -> CodeSend<'a> {
    CodeSend { connector: &run.connector.id, account, client_ip: run.context.user.client_ip }
}

/// The recipient of the code of `step`.
fn recipient(step: &Step, run: &Run<'_>) -> Result<Option<String>, Stop> {
    let Some(recipient) = &step.sends_code_to else { return Ok(None) };
    let value = match &recipient.to {
        // Of a packed name the field `user`, as the guard counts it.
        Variable::Username => Cow::Owned(Value::from(run.claimed.as_str())),
        other => run.context.get(other)?,
    };
    Ok(Some(value.scalar_text().unwrap_or_default().to_owned()))
}
