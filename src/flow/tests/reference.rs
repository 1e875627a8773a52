//! The reference: docs/contract.md sections 4.1 to 4.4 as plainly as they read, over a plan instead of a connector.

use super::plan::{Body, CannedReply, PlannedReply, PlannedStep};

/// true, false, unknown
type Kleene = Option<bool>;

fn is_yes(reply: PlannedReply, field: fn(CannedReply, CannedReply, CannedReply) -> CannedReply) -> Kleene {
    match reply.body {
        Body::Json { reject, more, success } => match field(reject, more, success) {
            CannedReply::Yes => Some(true),
            CannedReply::No | CannedReply::Empty | CannedReply::Null => Some(false),
            CannedReply::Nothing | CannedReply::Object => None,
        },
        Body::Html | Body::Nothing => None,
    }
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum Plain {
    Skipped,
    Success,
    More,
    Denied,
}

fn reference_step(step: &PlannedStep, outcomes: &[Plain]) -> Plain {
    if let Some((earlier, word)) = step.when.filter(|_| !outcomes.is_empty()) {
        let was = match outcomes[earlier % outcomes.len()] {
            Plain::Skipped => "skipped",
            Plain::Success => "success",
            Plain::More => "more",
            Plain::Denied => unreachable!("a denial ends the run"),
        };
        if was != word {
            return Plain::Skipped;
        }
    }
    let reply = step.reply;
    // 302 counts in a rule that names it and holds: only the success of some steps does.
    if reply.fails || !(matches!(reply.status, 200 | 401) || (reply.status == 302 && step.named)) {
        return Plain::Denied;
    }
    let readable = matches!(reply.body, Body::Json { .. });
    if step.declared && !readable {
        return Plain::Denied;
    }
    if step.rejects {
        let row = is_yes(reply, |reject, _, _| reject);
        // A decoded reply that lacks the field does not report the error.
        let absent = matches!(reply.body, Body::Json { reject: CannedReply::Nothing, .. });
        if !(row == Some(false) || (readable && absent)) {
            return Plain::Denied;
        }
    }
    if step.mores {
        match (is_yes(reply, |_, more, _| more), reply.status) {
            (Some(true), 200) => return Plain::More,
            // Not 2xx: false in Kleene's logic, even when the field is unknown.
            (Some(false), _) | (_, 401 | 302) => {}
            _ => return Plain::Denied,
        }
    }
    let success = is_yes(reply, |_, _, success| success);
    let negated = if step.negated { is_yes(reply, |reject, _, _| reject).map(|yes| !yes) } else { Some(true) };
    match (success, negated, reply.status) {
        (Some(true), Some(true), 200 | 302) => Plain::Success,
        _ => Plain::Denied,
    }
}

/// Whether a reply of `step` may be called a wrong password although no row says so: its status says yes or no, and its
/// body is what the file promises.
pub(super) fn may_be_wrong(step: &PlannedStep) -> bool {
    let reply = step.reply;
    let readable = matches!(reply.body, Body::Json { .. });
    !reply.fails && matches!(reply.status, 200 | 401) && (readable || !step.declared)
}

pub(super) fn reference_accepts(steps: &[PlannedStep]) -> bool {
    let (mut outcomes, mut factors, mut owed) = (Vec::new(), 0, false);
    for step in steps {
        let outcome = reference_step(step, &outcomes);
        match outcome {
            Plain::Denied => return false,
            Plain::More => owed = true,
            Plain::Success if step.factor => (factors, owed) = (factors + 1, false),
            Plain::Success | Plain::Skipped => {}
        }
        outcomes.push(outcome);
    }
    factors > 0 && !owed
}
