//! Rules as a send test shows them: every leaf that was asked, and which of them made the rule what it is.
//!
//! Conditions have no side effects, so all of this is asked again, and only when somebody watches.

use super::report::{LeafTrace, RuleTrace, Tells};
use crate::condition::{Absent, Condition, Facts, Leaf, Operator, Seen, StepRules, Test};
use crate::document::Value;
use crate::verdict::Truth;

/// A `when` that came to `truth`.
pub(super) fn when(condition: &Condition, truth: Truth, facts: Facts<'_>) -> RuleTrace {
    let mut leaves = Vec::new();
    condition.evaluate(facts, Absent::Unknown, &mut |seen| leaves.push(seen));
    let decisive = deciding(condition, facts, Absent::Unknown);
    RuleTrace { name: "when".to_owned(), truth, leaves: leaves.iter().map(|seen| leaf(seen, &decisive)).collect() }
}

/// The rules that were asked. `seen` holds their leaves in the order of judging, each with the name of its rule.
pub(super) fn rules(rules: &StepRules, facts: Facts<'_>, seen: &[(String, Seen<'_>)]) -> Vec<RuleTrace> {
    let mut traces = Vec::new();
    for (name, condition) in rules.conditions() {
        let asked: Vec<&Seen<'_>> = seen.iter().filter(|(rule, _)| *rule == name).map(|(_, seen)| seen).collect();
        if asked.is_empty() {
            continue;
        }
        let absent = if name.starts_with("reject") || name == "unavailable" { Absent::False } else { Absent::Unknown };
        let decisive = deciding(condition, facts, absent);
        let mut trace = RuleTrace {
            truth: condition.holds(facts, absent),
            leaves: asked.into_iter().map(|seen| leaf(seen, &decisive)).collect(),
            name,
        };
        let grants = trace.name == "more" || trace.name == "success";
        if grants && !condition.has_status_leaf() {
            only_on_2xx(&mut trace, facts);
        }
        traces.push(trace);
    }
    if rules.success.is_none() && traces.last().is_none_or(|last| last.truth == Truth::False) {
        // A helper that says nothing about success goes by the status.
        let mut trace = RuleTrace { name: "success".to_owned(), truth: Truth::True, leaves: Vec::new() };
        only_on_2xx(&mut trace, facts);
        traces.push(trace);
    }
    traces
}

/// A rule that grants and does not look at the status holds on 2xx only: a leaf that nobody wrote.
fn only_on_2xx(rule: &mut RuleTrace, facts: Facts<'_>) {
    let Some(reply) = facts.reply else { return };
    let truth = Truth::from((200..300).contains(&reply.status));
    if truth == Truth::True && !rule.leaves.is_empty() {
        return;
    }
    rule.truth = Truth::all([rule.truth, truth]);
    rule.leaves.iter_mut().for_each(|leaf| leaf.decisive &= leaf.truth == rule.truth);
    rule.leaves.push(LeafTrace {
        text: "status is 2xx".to_owned(),
        truth,
        found: Some(Value::from(u64::from(reply.status))),
        because: None,
        tells: Tells::All,
        decisive: true,
    });
}

fn leaf(seen: &Seen<'_>, decisive: &[&Leaf]) -> LeafTrace {
    LeafTrace {
        text: seen.leaf.text.clone(),
        truth: seen.truth,
        found: seen.found.as_deref().cloned(),
        because: seen.because.clone(),
        tells: tells(seen.leaf),
        decisive: decisive.iter().any(|leaf| std::ptr::eq(*leaf, seen.leaf)),
    }
}

/// How much `leaf` tells of the value that it looks at.
pub(super) fn tells(leaf: &Leaf) -> Tells {
    match &leaf.test {
        Test::Status(_) => Tells::All,
        Test::Compare(_, Operator::Exists(_)) => Tells::Nothing,
        Test::Compare(..) if !leaf.literal => Tells::Nothing,
        Test::Compare(_, Operator::Equals(_) | Operator::In(_)) => Tells::All,
        Test::Compare(..) => Tells::Part,
    }
}

/// The leaves without which `condition` would have come to something else.
fn deciding<'c>(condition: &'c Condition, facts: Facts<'_>, absent: Absent) -> Vec<&'c Leaf> {
    fn walk<'c>(condition: &'c Condition, facts: Facts<'_>, absent: Absent, out: &mut Vec<&'c Leaf>) {
        match condition {
            Condition::All(terms) | Condition::Any(terms) => {
                let truth = condition.holds(facts, absent);
                let deciding = terms.iter().filter(|term| term.holds(facts, absent) == truth);
                deciding.for_each(|term| walk(term, facts, absent, out));
            }
            Condition::Not(term) => walk(term, facts, Absent::Unknown, out),
            Condition::Leaf(leaf) => out.push(leaf),
        }
    }
    let mut leaves = Vec::new();
    walk(condition, facts, absent, &mut leaves);
    leaves
}
