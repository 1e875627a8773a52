//! The trace of rules for a send test: every leaf that was evaluated, and which leaves decided.
//!
//! Conditions have no side effects, so they are evaluated again, and only when a trace was asked for.

use super::conceal::Secrecy;
use super::report::{LeafTrace, RuleTrace, Tells};
use crate::condition::{Absent, Condition, Facts, Leaf, Operator, Rule, Seen, Test, replied_ok};
use crate::document::Value;
use crate::verdict::Truth;

/// The trace of a `when` that is `truth`.
pub(super) fn when(condition: &Condition, truth: Truth, facts: Facts<'_>, secrecy: Secrecy<'_>) -> RuleTrace {
    let mut leaves = Vec::new();
    condition.evaluate(facts, Absent::Unknown, &mut |seen| leaves.push(seen));
    // A step that runs was decided by nothing in particular; one that does not, was.
    let decisive = if truth == Truth::True { Vec::new() } else { deciding(condition, facts, Absent::Unknown) };
    RuleTrace {
        name: "when".to_owned(),
        truth,
        leaves: leaves.iter().map(|seen| leaf(seen, &decisive, secrecy)).collect(),
    }
}

/// The rules that were evaluated. `seen` holds their leaves in the order of judging, each with its rule.
pub(super) fn rules(facts: Facts<'_>, seen: &[(Rule, Seen<'_>)], secrecy: Secrecy<'_>) -> Vec<RuleTrace> {
    let rules = &secrecy.step.response.rules;
    let mut traces = Vec::new();
    for (rule, condition) in rules.conditions() {
        let asked: Vec<&Seen<'_>> = seen.iter().filter(|(of, _)| *of == rule).map(|(_, seen)| seen).collect();
        if asked.is_empty() {
            continue;
        }
        let absent = match rule {
            Rule::Reject(_) | Rule::Unavailable => Absent::False,
            Rule::More | Rule::Pending | Rule::Success => Absent::Unknown,
        };
        let decisive = deciding(condition, facts, absent);
        let mut trace = RuleTrace {
            truth: condition.holds(facts, absent),
            leaves: asked.into_iter().map(|seen| leaf(seen, &decisive, secrecy)).collect(),
            name: rule.to_string(),
        };
        if matches!(rule, Rule::More | Rule::Success) {
            only_on_2xx(&mut trace, Some(condition), facts);
        }
        traces.push(trace);
    }
    if rules.success.is_none() && traces.last().is_none_or(|last| last.truth == Truth::False) {
        // A helper without a `success` rule is judged by the status.
        let mut trace = RuleTrace { name: "success".to_owned(), truth: Truth::True, leaves: Vec::new() };
        only_on_2xx(&mut trace, None, facts);
        traces.push(trace);
    }
    if let [earlier @ .., _] = traces.as_mut_slice() {
        earlier.iter_mut().flat_map(|rule| &mut rule.leaves).for_each(|leaf| leaf.decisive = false);
    }
    traces
}

/// `success` and `more` hold on 2xx, and beyond it only in a way that names the status: shown as a leaf of its own.
fn only_on_2xx(rule: &mut RuleTrace, condition: Option<&Condition>, facts: Facts<'_>) {
    let Some(reply) = facts.reply else { return };
    let truth = Truth::from(replied_ok(facts));
    let granted = match (truth, condition) {
        (Truth::True, _) => rule.truth,
        (_, Some(condition)) => condition.holds_by_status(facts, Absent::Unknown),
        (_, None) => truth,
    };
    let named = truth != Truth::True && condition.is_some_and(|condition| !condition.named_statuses().is_empty());
    let as_written = granted == rule.truth && (truth == Truth::True || named);
    if as_written && !rule.leaves.is_empty() {
        return;
    }
    rule.truth = granted;
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

fn leaf(seen: &Seen<'_>, decisive: &[&Leaf], secrecy: Secrecy<'_>) -> LeafTrace {
    LeafTrace {
        text: seen.leaf.text.clone(),
        truth: seen.truth,
        found: seen.found.as_deref().cloned(),
        because: seen.because.clone(),
        tells: if secrecy.keeps(seen.leaf) { Tells::Nothing } else { tells(seen.leaf) },
        decisive: decisive.iter().any(|leaf| std::ptr::eq(*leaf, seen.leaf)),
    }
}

/// How much the truth of `leaf` reveals of its value.
pub(super) fn tells(leaf: &Leaf) -> Tells {
    match &leaf.test {
        Test::Compare(_, Operator::Exists(_) | Operator::HasValue(_)) => Tells::Nothing,
        Test::Compare(..) if !leaf.literal => Tells::Nothing,
        Test::Status(_) | Test::Compare(_, Operator::Equals(_) | Operator::In(_)) => Tells::All,
        Test::Compare(..) => Tells::Part,
    }
}

/// The leaves that decided `condition`.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::{Operand, ValueSource};
    use crate::context::Context;

    /// A leaf of a fixed truth; its name is its text.
    fn fixed(name: &str, truth: Truth) -> Condition {
        let (found, wanted) = match truth {
            Truth::True => (Value::from(1), Value::from(1)),
            Truth::False => (Value::from(1), Value::from(2)),
            // A list is no scalar to compare.
            Truth::Unknown => (Value::Array(Vec::new()), Value::from(1)),
        };
        let test = Test::Compare(ValueSource::Constant(found), Operator::Equals(Operand::Literal(wanted)));
        Condition::Leaf(Box::new(Leaf { test, text: name.to_owned(), literal: true }))
    }

    fn decided(condition: &Condition) -> String {
        let context = Context::default();
        let facts = Facts { context: &context, reply: None, claims: None };
        deciding(condition, facts, Absent::Unknown).iter().map(|leaf| leaf.text.as_str()).collect()
    }

    #[test]
    fn only_what_made_the_difference_is_decisive() {
        use Condition::{All, Any, Not};
        use Truth::{False, True, Unknown};
        let (t, f, u) = (|name| fixed(name, True), |name| fixed(name, False), |name| fixed(name, Unknown));
        for (condition, leaves) in [
            (t("a"), "a"),
            (All(vec![t("a"), t("b")]), "ab"),
            (All(vec![t("a"), f("b"), u("c")]), "b"),
            (All(vec![t("a"), u("b")]), "b"),
            (Any(vec![f("a"), t("b"), u("c")]), "b"),
            (Any(vec![f("a"), u("b")]), "b"),
            (Any(vec![f("a"), f("b")]), "ab"),
            (Not(Box::new(Any(vec![f("a"), t("b")]))), "b"),
            (All(vec![Any(vec![t("a"), f("b")]), f("c")]), "c"),
            (All(vec![Any(vec![t("a"), f("b")]), Not(Box::new(f("c")))]), "ac"),
        ] {
            assert_eq!(decided(&condition), leaves);
        }
    }
}
