//! The upstream's name for the user is compared with the claimed one; and which comparisons an accept needs
//! (docs/contract.md section 4.5).

use super::report::IdentityTrace;
use super::state::Run;
use super::stop::Stop;
use crate::condition::Facts;
use crate::connector::{Match, Role, Step};
use crate::context::StepOutcome;
use crate::verdict::{Cause, Reason};

/// A connector that must compare names accepts only when a comparison ran; one for each factor that was proven on
/// another device or page; and one after each factor that was right so far and did not say who this is.
pub(super) fn require_comparisons(run: &Run<'_>) -> Result<(), Stop> {
    let owed = |what: String| Err(Stop::unavailable(Cause::UnexpectedReply, what));
    let steps = &run.connector.steps;
    if run.connector.identity_required && run.compared.is_empty() {
        return owed("`identity` is required, and no step that ran compared it".to_owned());
    }
    for (index, step) in steps.iter().enumerate() {
        let outcome = run.context.steps.get(&step.name).map(|facts| facts.outcome);
        let ran = matches!(outcome, Some(StepOutcome::Success | StepOutcome::More));
        let speaks_of_it = |compared: &usize| steps[*compared].compares_for.contains(&index);
        let elsewhere = step.proven_elsewhere && !run.compared.iter().any(speaks_of_it);
        let left_to_later = outcome == Some(StepOutcome::More)
            && is_left_to_later(step, steps)
            && !run.compared.contains(&index)
            && !later_comparers(step, steps).any(|later| run.compared.contains(&later));
        if ran && (elsewhere || left_to_later) {
            return owed(format!("no step compared the upstream's name for the user of {}", step.name));
        }
    }
    Ok(())
}

#[derive(Default)]
pub(super) struct Compared {
    /// The upstream's name for the user.
    pub subject: Option<String>,
    /// Whether it was compared, and the comparison counts.
    pub compared: bool,
}

/// Compares the upstream's name for the user with `claimed`. `more`: the step, one of `steps`, is right so far.
pub(super) fn compare(
    (step, steps): (&Step, &[Step]),
    facts: Facts<'_>,
    claimed: &str,
    more: bool,
    tracing: bool,
) -> (Option<IdentityTrace>, Result<Compared, Stop>) {
    let Some(identity) = &step.response.identity else { return (None, Ok(Compared::default())) };
    let said = identity.source.scalar(facts).into_value();
    let said = said.and_then(|value| value.scalar_text().filter(|text| !text.is_empty()).map(str::to_owned));
    let same = said.as_ref().and_then(|said| match identity.how {
        Match::Exact => Some(said.as_str() == claimed),
        // ASCII only: folding other scripts can make two names one (U+212A KELVIN SIGN is `k`).
        Match::IgnoreCase => Some(said.eq_ignore_ascii_case(claimed)),
        Match::Report => None,
    });
    let trace = tracing.then(|| IdentityTrace { source: identity.source.to_string(), said: said.clone(), same });
    let result = match (&said, same) {
        // A reply that is right so far may leave it to a later factor; `require_comparisons` checks that it came.
        (None, _) if identity.how != Match::Report && !(more && is_left_to_later(step, steps)) => {
            let what = if facts.reply.is_some() { "reply" } else { "answer" };
            let line = format!("the {what} has no user name: no {}", identity.source);
            Err(Stop::unavailable(Cause::UnexpectedReply, line))
        }
        (_, Some(false)) => Err(Stop::reject(Reason::IdentityMismatch, "the upstream authenticated another account")),
        (_, same) => Ok(Compared { subject: said, compared: same == Some(true) && identity.counts }),
    };
    (trace, result)
}

/// Whether a reply of `step` that is right so far need not name the user, because a later factor's reply does.
pub(super) fn is_left_to_later(step: &Step, steps: &[Step]) -> bool {
    step.role == Role::Factor && counts(step) && later_comparers(step, steps).next().is_some()
}

/// Later factors whose reply is compared.
fn later_comparers<'s>(step: &Step, steps: &'s [Step]) -> impl Iterator<Item = usize> + 's {
    let index = steps.iter().position(|known| known.name == step.name).unwrap_or(usize::MAX);
    let later = steps.iter().enumerate().skip(index.saturating_add(1));
    later.filter(|(_, step)| step.role == Role::Factor && counts(step)).map(|(index, _)| index)
}

fn counts(step: &Step) -> bool {
    step.response.identity.as_ref().is_some_and(|identity| identity.counts)
}
