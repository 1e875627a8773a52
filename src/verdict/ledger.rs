//! Counts what the steps of one login proved, and decides whether that is enough (DESIGN.md section 4.4).
//!
//! ```compile_fail
//! use doorward::verdict::Grant;
//! let forged = Grant { factors: 1 }; // the field is private: only `Ledger::close` makes a grant
//! ```

use super::{FactorProof, HelperProof, MoreProof};

/// The evidence behind an accept. Cannot be cloned, stored or built elsewhere.
#[derive(Debug)]
pub struct Grant {
    factors: u32,
}

impl Grant {
    /// How many factors succeeded.
    pub fn factors(&self) -> u32 {
        self.factors
    }
}

/// Why a run that was not denied still grants nothing. Both are mistakes of the connector: `misconfigured`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotGranted {
    /// Every factor was skipped.
    #[error("no step that proves the user ran")]
    NoFactor,
    /// `more` was said and no later factor succeeded.
    #[error("the upstream asked for a further factor and no later step proved it")]
    FactorOwed,
}

/// What was proven so far. A step that ended in a denial ends the run and is never entered.
#[derive(Debug, Default)]
pub struct Ledger {
    succeeded: u32,
    owed: bool,
}

impl Ledger {
    /// A factor succeeded: what was owed is paid.
    pub fn factor(&mut self, _proof: FactorProof) {
        self.succeeded += 1;
        self.owed = false;
    }

    /// A step said `more`: a later factor must succeed.
    pub fn more(&mut self, _proof: MoreProof) {
        self.owed = true;
    }

    /// A helper succeeded, which proves nothing.
    pub fn helper(&mut self, _proof: HelperProof) {}

    /// The steps are through: a grant, or why not.
    pub fn close(self) -> Result<Grant, NotGranted> {
        if self.owed {
            return Err(NotGranted::FactorOwed);
        }
        match self.succeeded {
            0 => Err(NotGranted::NoFactor),
            factors => Ok(Grant { factors }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge::tests::Fixed;
    use super::super::{FactorOutcome, HelperOutcome, Truth, judge_factor, judge_helper};
    use super::*;

    /// `f` factor success, `m` factor more, `h` helper success, `n` helper more.
    fn close(steps: &str) -> Result<u32, NotGranted> {
        let mut ledger = Ledger::default();
        let rules = |more: bool| Fixed(vec![], Truth::False, more.into(), Truth::False, Truth::True);
        for step in steps.chars() {
            match step {
                'f' | 'm' => match judge_factor(&rules(step == 'm')) {
                    FactorOutcome::Success(proof) => ledger.factor(proof),
                    FactorOutcome::More(proof) => ledger.more(proof),
                    FactorOutcome::Denied(_) => unreachable!("the rules above deny nothing"),
                },
                _ => match judge_helper(&rules(step == 'n')) {
                    HelperOutcome::Success(proof) => ledger.helper(proof),
                    HelperOutcome::More(proof) => ledger.more(proof),
                    HelperOutcome::Denied(_) => unreachable!("the rules above deny nothing"),
                },
            }
        }
        ledger.close().map(|grant| grant.factors())
    }

    #[test]
    fn a_grant_needs_a_factor_and_nothing_owed() {
        assert_eq!(close("f"), Ok(1));
        assert_eq!(close("hmhf"), Ok(1));
        assert_eq!(close("fmf"), Ok(2));
        assert_eq!(close("nf"), Ok(1));
        assert_eq!(close(""), Err(NotGranted::NoFactor));
        assert_eq!(close("hh"), Err(NotGranted::NoFactor));
        assert_eq!(close("m"), Err(NotGranted::FactorOwed));
        assert_eq!(close("fm"), Err(NotGranted::FactorOwed));
        assert_eq!(close("fn"), Err(NotGranted::FactorOwed));
        assert_eq!(close("mh"), Err(NotGranted::FactorOwed));
    }
}
