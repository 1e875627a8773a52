//! Counts what the steps of one login proved, and decides whether that is enough (docs/contract.md section 4.4).
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
    /// `more` was true and no later factor succeeded.
    #[error("the upstream asked for a further factor and no later step proved it")]
    FactorOwed,
}

/// The content of a ledger, for the sealed state of a challenge (docs/contract.md section 5). It is data and proves
/// nothing: only [`Ledger::reopen`] makes a ledger of it, and `tests/it/architecture.rs` names the one place that may
/// call it, with data from a seal that this daemon, or one with the same key, has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Proven {
    succeeded: u32,
    owed: bool,
}

impl Proven {
    /// Whether a factor succeeded or `more` was true.
    pub fn is_something(self) -> bool {
        self.succeeded > 0 || self.owed
    }
}

/// What was proven so far. A denied step ends the run and is never entered.
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

    /// What to store with a challenge.
    pub fn proven(&self) -> Proven {
        Proven { succeeded: self.succeeded, owed: self.owed }
    }

    /// The ledger as it was before a challenge. `proven` comes out of a seal.
    pub fn reopen(proven: Proven) -> Self {
        Self { succeeded: proven.succeeded, owed: proven.owed }
    }

    /// After the last step: a grant, or why there is none.
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

    #[test]
    fn a_pause_neither_pays_nor_forgets() {
        for (succeeded, owed, result) in
            [(0, false, Err(NotGranted::NoFactor)), (1, true, Err(NotGranted::FactorOwed)), (2, false, Ok(2))]
        {
            let reopened = Ledger::reopen(Ledger { succeeded, owed }.proven());
            assert_eq!(reopened.close().map(|grant| grant.factors()), result);
        }
    }
}
