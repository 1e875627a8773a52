//! Positive evidence (docs/contract.md section 4.6): what a `success` or `more` of a factor must look at before it may grant.
//!
//! A rule that only says what the reply is not is met by a login page, a proxy's error page or an empty body. So
//! each way through the rule must hold one leaf that something present in the reply makes true.

use crate::condition::{Condition, Leaf, Operand, Operator, Test, ValueSource};
use crate::context::{StepValue, Variable};

/// What a rule rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Something in the reply makes it true, whichever way it is met.
    Positive,
    /// One way to meet it looks at the status only.
    StatusOnly,
    /// One way to meet it looks at nothing that is there.
    None,
}

/// What `rule` rests on. `asks` says whether the step has no request and is proven by the answer itself.
pub fn evidence(rule: &Condition, asks: bool) -> Evidence {
    match rule {
        Condition::All(terms) => {
            terms.iter().map(|term| evidence(term, asks)).min_by_key(|found| rank(*found)).unwrap_or(Evidence::None)
        }
        Condition::Any(terms) => {
            terms.iter().map(|term| evidence(term, asks)).max_by_key(|found| rank(*found)).unwrap_or(Evidence::None)
        }
        Condition::Not(_) => Evidence::None,
        Condition::Leaf(leaf) => of_leaf(leaf, asks),
    }
}

/// The best comes first.
fn rank(evidence: Evidence) -> u8 {
    match evidence {
        Evidence::Positive => 0,
        Evidence::StatusOnly => 1,
        Evidence::None => 2,
    }
}

fn of_leaf(leaf: &Leaf, asks: bool) -> Evidence {
    match &leaf.test {
        Test::Status(_) => Evidence::StatusOnly,
        Test::Compare(_, Operator::Exists(false)) => Evidence::None,
        Test::Compare(ValueSource::Reply(_) | ValueSource::Claim(_), _) => Evidence::Positive,
        // With a capture or a value of a script; a literal is nobody's code. `check::ask` looks at where they come from.
        Test::Compare(ValueSource::Variable(Variable::Answer(_)), Operator::Equals(Operand::Template(template)))
            if asks && template.variables().all(is_made_here) && template.variables().next().is_some() =>
        {
            Evidence::Positive
        }
        Test::Compare(ValueSource::Variable(_) | ValueSource::Constant(_), _) => Evidence::None,
    }
}

fn is_made_here(variable: &Variable) -> bool {
    matches!(variable, Variable::Env(_) | Variable::Step { value: StepValue::Capture(_), .. })
}
