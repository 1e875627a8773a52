//! Whether the user who logs in could skip a factor: its `when` rests on something that they choose, and nothing takes its place.
//!
//! A user may choose between factors (a code by text message or an app's), as long as leaving one out leaves another to be done.
//! Two forms are understood: a second factor that runs exactly when the first does not; and a `more` that is owed, whoever
//! chooses what, with one factor for each choice.

use std::collections::BTreeSet;

use super::chosen::UserControlled;
use crate::condition::{Condition, Leaf, Operand, Operator, Test, ValueSource};
use crate::connector::raw;
use crate::connector::{Role, Step};
use crate::context::{StepValue, Variable};
use crate::diagnostic::Diagnostics;
use crate::document::Value;

/// Refuses a factor that the user who logs in could skip.
pub(super) fn refuse(raw: &raw::Connector, steps: &[Step], chosen: &UserControlled, diagnostics: &mut Diagnostics) {
    for (index, (raw, step)) in raw.steps.iter().zip(steps).enumerate() {
        let (Some(written), Some(when), Role::Factor) = (&raw.when, &step.when, step.role) else { continue };
        // What names the user's data itself is refused by `condition::when` already.
        if !reads_steps_only(when) || !chosen.decides(when) {
            continue;
        }
        if has_opposite(index, when, steps) || is_owed(index, steps, chosen) {
            continue;
        }
        let message = "the user who logs in could skip this factor: its `when` rests on something that they send";
        let mistake = diagnostics.error_at("when", &written.place.span, message);
        let mistake =
            mistake.help("let it rest on what a factor's reply said: { var: steps.login.outcome, equals: more }");
        diagnostics.add(mistake.help(
            "where the user may choose among factors, let each also ask for that outcome, and each for another choice: \
             all: [ { var: steps.login.outcome, equals: more }, { var: steps.pick.method, equals: sms } ]",
        ));
    }
}

/// Whether no login runs both steps.
pub(super) fn exclusive(one: usize, other: usize, steps: &[Step]) -> bool {
    let (ones, others) = (facts(one, steps), facts(other, steps));
    let skips = |facts: &[Fact<'_>], step: usize| {
        facts.iter().any(|fact| {
            fact.holds && fact.outcome().is_some_and(|(name, word)| name == steps[step].name && word == "skipped")
        })
    };
    let excluded = ones.iter().any(|one| others.iter().any(|other| one.excludes(*other)));
    excluded || skips(&ones, other) || skips(&others, one)
}

fn reads_steps_only(when: &Condition) -> bool {
    let of_step = |variable: &Variable| matches!(variable, Variable::Step { .. });
    when.leaves().iter().all(|(leaf, _)| match &leaf.test {
        Test::Compare(ValueSource::Variable(variable), operator) => {
            of_step(variable) && operator.variables().all(of_step)
        }
        _ => false,
    })
}

/// Whether another factor runs exactly when this one does not.
fn has_opposite(index: usize, when: &Condition, steps: &[Step]) -> bool {
    // A step that is run again may say something else to the second of them, and then neither runs.
    let again: Vec<&str> = steps
        .iter()
        .filter_map(|step| step.ask.as_ref()?.resend.as_ref())
        .filter_map(|resend| Some(steps.get(resend.step)?.name.as_str()))
        .collect();
    let read = variables(when);
    let changes = read.iter().any(|it| matches!(it, Variable::Step { step, .. } if again.contains(&step.as_str())));
    let others = steps.iter().enumerate().filter(|(other, step)| *other != index && step.role == Role::Factor);
    let mut whens = others.filter_map(|(_, step)| step.when.as_ref());
    !changes && whens.any(|other| is_not(other, when) || is_not(when, other))
}

/// Whether `one` is `not` of `other`.
fn is_not(one: &Condition, other: &Condition) -> bool {
    matches!(one, Condition::Not(term) if same(term, other))
}

/// Whether the two are written alike.
fn same(one: &Condition, other: &Condition) -> bool {
    let all = |a: &[Condition], b: &[Condition]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b));
    match (one, other) {
        (Condition::All(a), Condition::All(b)) | (Condition::Any(a), Condition::Any(b)) => all(a, b),
        (Condition::Not(a), Condition::Not(b)) => same(a, b),
        (Condition::Leaf(a), Condition::Leaf(b)) => a.text == b.text,
        _ => false,
    }
}

/// Whether a `more` that no user chooses is owed wherever this factor could be left out, and stays owed: every other factor after
/// it is for another choice, or comes only after this one.
fn is_owed(index: usize, steps: &[Step], chosen: &UserControlled) -> bool {
    let facts = facts(index, steps);
    let steps_with_more = facts.iter().filter_map(|fact| match fact.outcome() {
        Some((step, "more")) if fact.holds && !chosen.outcome(step) => steps.iter().position(|it| it.name == step),
        _ => None,
    });
    let ran_before = |other: &[Fact<'_>]| {
        let this = steps[index].name.as_str();
        other
            .iter()
            .any(|fact| fact.holds && matches!(fact.outcome(), Some((step, "success" | "more")) if step == this))
    };
    steps_with_more.into_iter().any(|creditor| {
        (creditor + 1..steps.len()).filter(|other| *other != index && steps[*other].role == Role::Factor).all(|other| {
            let others = self::facts(other, steps);
            ran_before(&others) || facts.iter().any(|one| others.iter().any(|other| one.excludes(*other)))
        })
    })
}

/// A leaf that must hold (or must not) where a step runs.
#[derive(Clone, Copy)]
struct Fact<'c> {
    leaf: &'c Leaf,
    holds: bool,
}

impl<'c> Fact<'c> {
    /// The variable and the literal that it is compared with.
    fn equals(self) -> Option<(&'c Variable, &'c Value)> {
        match &self.leaf.test {
            Test::Compare(ValueSource::Variable(variable), Operator::Equals(Operand::Literal(value))) => {
                Some((variable, value))
            }
            _ => None,
        }
    }

    /// The step whose outcome is compared, and the word.
    fn outcome(self) -> Option<(&'c str, &'c str)> {
        match self.equals()? {
            (Variable::Step { step, value: StepValue::Outcome }, word) => Some((step, word.scalar_text()?)),
            _ => None,
        }
    }

    /// Whether the two cannot be together.
    fn excludes(self, other: Fact<'_>) -> bool {
        if self.leaf.text == other.leaf.text {
            return self.holds != other.holds;
        }
        match (self.equals(), other.equals()) {
            (Some((variable, one)), Some((same, another))) if self.holds && other.holds => {
                variable == same && differ(one, another)
            }
            _ => false,
        }
    }
}

/// Whether no value equals both. Of different kinds (1, "1", true, "true") one may.
fn differ(one: &Value, another: &Value) -> bool {
    match (one, another) {
        (Value::Text(one), Value::Text(another)) => one != another,
        (Value::Bool(one), Value::Bool(another)) => one != another,
        (Value::Number(one), Value::Number(another)) => !one.is_equal_to(another),
        _ => false,
    }
}

/// What is so where the step at `index` runs: the leaves of its `when` that are not alternatives, and those of the steps that must
/// have run before it.
fn facts(index: usize, steps: &[Step]) -> Vec<Fact<'_>> {
    fn walk<'c>(condition: &'c Condition, holds: bool, out: &mut Vec<Fact<'c>>) {
        match (condition, holds) {
            (Condition::All(terms), true) | (Condition::Any(terms), false) => {
                for term in terms {
                    walk(term, holds, out);
                }
            }
            (Condition::Not(term), _) => walk(term, !holds, out),
            (Condition::Leaf(leaf), _) => out.push(Fact { leaf, holds }),
            (Condition::All(_), false) | (Condition::Any(_), true) => {}
        }
    }
    let mut facts = Vec::new();
    let (mut met, mut next) = (BTreeSet::from([index]), vec![index]);
    while let Some(index) = next.pop() {
        let known = facts.len();
        if let Some(when) = &steps[index].when {
            walk(when, true, &mut facts);
        }
        let ran = facts[known..].iter().filter_map(|fact| match fact.outcome() {
            Some((step, "success" | "more")) if fact.holds => steps.iter().position(|it| it.name == step),
            _ => None,
        });
        next.extend(ran.filter(|earlier| met.insert(*earlier)));
    }
    facts
}

fn variables(condition: &Condition) -> Vec<&Variable> {
    let mut variables = Vec::new();
    for (leaf, _) in condition.leaves() {
        if let Test::Compare(source, operator) = &leaf.test {
            variables.extend(operator.variables());
            if let ValueSource::Variable(variable) = source {
                variables.push(variable);
            }
        }
    }
    variables
}
