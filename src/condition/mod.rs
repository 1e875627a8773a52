//! Three-valued rules over a reply: trees of `all`, `any`, `not` over leaves (docs/contract.md section 4.2).
//!
//! A condition is data, compiled when the connector loads; evaluating it has no side effect, so that it can be asked
//! again for an explanation. It knows no verdict: the order in which conditions are asked is `verdict::judge`'s.

mod compare;
mod leaf;
mod rules;

pub use compare::{Operand, Operator, Order};
pub use leaf::{Leaf, Seen, Test, ValueSource};
pub use rules::{Judging, RejectRow, Rule, StepRules, doubt, is_decisive_status, is_judged_status, replied_ok};

use crate::context::Context;
use crate::document::Value;
use crate::response::source::ReplyView;
use crate::verdict::Truth;

/// What a condition may look at.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The variables of this login.
    pub context: &'a Context,
    /// The reply of this step; none in a `when` and in a step without a request.
    pub reply: Option<&'a ReplyView<'a>>,
    /// The verified claims of `response.jwt`; none when there is no such rule or verification failed.
    pub claims: Option<&'a Value>,
}

/// What a leaf means whose source a decoded reply lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Unknown: `when`, `more`, `pending`, `success`, and everything under `not`.
    Unknown,
    /// False: `reject` and `unavailable`, where a reply without the error field does not report that error.
    False,
}

/// A tree of leaves.
#[derive(Debug)]
pub enum Condition {
    /// Every term holds.
    All(Vec<Condition>),
    /// One term holds at least.
    Any(Vec<Condition>),
    /// The term does not hold.
    Not(Box<Condition>),
    /// One comparison.
    Leaf(Box<Leaf>),
}

impl Condition {
    /// The value over `facts`. Each leaf that was asked is handed to `seen`, in order.
    pub fn evaluate<'a>(&'a self, facts: Facts<'a>, absent: Absent, seen: &mut dyn FnMut(Seen<'a>)) -> Truth {
        match self {
            // Every term is asked even when the first decides: a trace shows all of them, and a reply costs the same.
            Self::All(terms) => {
                let truths: Vec<Truth> = terms.iter().map(|term| term.evaluate(facts, absent, seen)).collect();
                Truth::all(truths)
            }
            Self::Any(terms) => {
                let truths: Vec<Truth> = terms.iter().map(|term| term.evaluate(facts, absent, seen)).collect();
                Truth::any(truths)
            }
            Self::Not(term) => !term.evaluate(facts, Absent::Unknown, seen),
            Self::Leaf(leaf) => {
                let result = leaf.evaluate(facts, absent);
                let truth = result.truth;
                seen(result);
                truth
            }
        }
    }

    /// The value over `facts`, unobserved.
    pub fn holds(&self, facts: Facts<'_>, absent: Absent) -> Truth {
        self.evaluate(facts, absent, &mut |_| {})
    }

    /// Whether it holds in a way of which a status leaf outside `not` is a part: what a reply beyond 2xx needs to grant, and one
    /// whose status says nothing to mean anything. A status under `not`, or on another way of an `any`, says nothing about this
    /// one.
    pub fn holds_by_status(&self, facts: Facts<'_>, absent: Absent) -> Truth {
        match self {
            Self::All(terms) => match Truth::any(terms.iter().map(|term| term.holds_by_status(facts, absent))) {
                Truth::False => Truth::False,
                named => {
                    let held = terms.iter().map(|term| term.holds(facts, absent));
                    Truth::all(std::iter::once(named).chain(held))
                }
            },
            Self::Any(terms) => Truth::any(terms.iter().map(|term| term.holds_by_status(facts, absent))),
            Self::Leaf(leaf) if matches!(leaf.test, Test::Status(_)) => leaf.evaluate(facts, absent).truth,
            Self::Not(_) | Self::Leaf(_) => Truth::False,
        }
    }

    /// Every leaf with whether it stands under `not`, in order.
    pub fn leaves(&self) -> Vec<(&Leaf, bool)> {
        fn walk<'c>(condition: &'c Condition, negated: bool, out: &mut Vec<(&'c Leaf, bool)>) {
            match condition {
                Condition::All(terms) | Condition::Any(terms) => terms.iter().for_each(|t| walk(t, negated, out)),
                // Kleene's `not` turns twice back to itself, but a reader of the file should not have to count.
                Condition::Not(term) => walk(term, true, out),
                Condition::Leaf(leaf) => out.push((leaf, negated)),
            }
        }
        let mut leaves = Vec::new();
        walk(self, false, &mut leaves);
        leaves
    }

    /// The statuses that leaves outside `not` name.
    pub fn named_statuses(&self) -> Vec<u16> {
        let mut statuses = Vec::new();
        for (leaf, negated) in self.leaves() {
            if let (Test::Status(named), false) = (&leaf.test, negated) {
                statuses.extend_from_slice(named);
            }
        }
        statuses
    }
}

#[cfg(test)]
mod tests;
