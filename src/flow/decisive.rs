//! The leaf to name in the line that explains why a rule is true, false or unknown.
//!
//! It reads what was recorded while the rule was evaluated, so nothing is evaluated again.

use crate::condition::{Condition, Rule, Seen, StepRules};
use crate::verdict::Truth;

/// A leaf that decided the rule.
#[derive(Clone, Copy)]
pub(super) struct Decisive<'s, 'a> {
    pub(super) seen: &'s Seen<'a>,
    /// Whether it is below an odd number of `not`, so that its truth is inverted.
    pub(super) negated: bool,
}

/// The truth of the last evaluated rule by its leaves alone, and the first leaf that decided it, preferably one below
/// no `not`.
pub(super) fn of<'s, 'a>(rules: &StepRules, seen: &'s [(Rule, Seen<'a>)]) -> Option<(Truth, Option<Decisive<'s, 'a>>)> {
    let (decided, _) = seen.last()?;
    let (_, condition) = rules.conditions().find(|(rule, _)| rule == decided)?;
    let mut leaves = seen.iter().filter(|(rule, _)| rule == decided).map(|(_, seen)| seen);
    Some(walk(condition, false, &mut leaves))
}

/// `leaves` are those below `condition` and after it, in order: every leaf is always evaluated.
fn walk<'s, 'a>(
    condition: &Condition,
    negated: bool,
    leaves: &mut dyn Iterator<Item = &'s Seen<'a>>,
) -> (Truth, Option<Decisive<'s, 'a>>) {
    let terms = match condition {
        Condition::All(terms) | Condition::Any(terms) => terms,
        Condition::Not(term) => {
            let (truth, decisive) = walk(term, !negated, leaves);
            return (!truth, decisive);
        }
        Condition::Leaf(_) => {
            let seen = leaves.next();
            return (seen.map_or(Truth::Unknown, |seen| seen.truth), seen.map(|seen| Decisive { seen, negated }));
        }
    };
    // The best leaf for each of the three truths.
    let mut best: [Option<Decisive<'s, 'a>>; 3] = [None; 3];
    let place = |truth| match truth {
        Truth::True => 0,
        Truth::False => 1,
        Truth::Unknown => 2,
    };
    let truths = terms.iter().map(|term| {
        let (truth, decisive) = walk(term, negated, leaves);
        let known = &mut best[place(truth)];
        if known.is_none_or(|known| known.negated && decisive.is_some_and(|new| !new.negated)) {
            *known = decisive;
        }
        truth
    });
    let truth = match condition {
        Condition::Any(_) => truths.fold(Truth::False, |so_far, truth| Truth::any([so_far, truth])),
        _ => truths.fold(Truth::True, |so_far, truth| Truth::all([so_far, truth])),
    };
    (truth, best[place(truth)])
}
