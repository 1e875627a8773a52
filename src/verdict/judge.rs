//! The judging order of docs/contract.md section 4.3 and the proofs that it alone can make. A proof is not an accept yet: the
//! ledger (`ledger`) must be closed, and `flow::run` and `flow::identity` ask for the user's name.
//!
//! Deny first: reject rows, unavailable, more, pending, success. The truths come from outside (`condition`, through the
//! trait [`Rules`]); the order, and what true, false and unknown mean for each rule, are defined here only. The proof
//! types have private fields, so that no other code can claim a success.
//!
//! ```compile_fail
//! use doorward::verdict::FactorProof;
//! let forged = FactorProof(()); // the field is private
//! ```

use super::{Cause, Reason, Truth};

/// The rules of one step over one reply; each is evaluated at most once, and only if no earlier one decided.
pub trait Rules {
    /// How many reject rows there are.
    fn reject_rows(&self) -> usize;
    /// Whether reject row `row` holds.
    fn reject(&self, row: usize) -> Truth;
    /// The reason of reject row `row`.
    fn reject_reason(&self, row: usize) -> Reason;
    /// Whether the upstream reports an error; false without such a rule.
    fn unavailable(&self) -> Truth;
    /// Whether the user is right so far and owes another factor; false without such a rule.
    fn more(&self) -> Truth;
    /// Whether the user has still to confirm elsewhere; false without such a rule.
    fn pending(&self) -> Truth;
    /// Whether the step succeeded; `None` when no such rule is written.
    fn success(&self) -> Option<Truth>;
    /// Whether the reply is a 2xx: what makes a helper without a `success` rule succeed.
    fn replied_ok(&self) -> Truth;
    /// What a false `success` of a factor means.
    fn otherwise(&self) -> Otherwise;
    /// The cause when a rule is unknown.
    fn doubt(&self) -> Cause;
}

/// What it means when no rule of a factor is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// The user is refused.
    Reject(Reason),
    /// The file says what a reject looks like, and this reply is none: undetermined.
    Unavailable,
}

/// A factor's `success` was true.
#[derive(Debug)]
pub struct FactorProof(());

/// A `more` was true: right so far, and another factor is owed.
#[derive(Debug)]
pub struct MoreProof(());

/// A helper's `success` was true. It proves nothing about the user.
#[derive(Debug)]
pub struct HelperProof(());

/// Why a step did not succeed; shared by factors and helpers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// Rejected; by a row, or by a false `success` (`None`).
    Reject {
        /// Why.
        reason: Reason,
        /// Index of the reject row.
        row: Option<usize>,
    },
    /// The reply decides nothing, or reports an error.
    Unavailable(Cause),
    /// Not confirmed yet.
    Pending,
}

/// What a factor's reply means.
#[derive(Debug)]
pub enum FactorOutcome {
    /// The user is proven by this factor.
    Success(FactorProof),
    /// Right so far.
    More(MoreProof),
    /// Neither.
    Denied(Denial),
}

/// What a helper's reply means.
#[derive(Debug)]
pub enum HelperOutcome {
    /// The helper did its work.
    Success(HelperProof),
    /// The upstream asks for a further factor.
    More(MoreProof),
    /// Neither.
    Denied(Denial),
}

/// Judges a factor.
pub fn judge_factor(rules: &impl Rules) -> FactorOutcome {
    match before_success(rules) {
        Some(Early::More) => FactorOutcome::More(MoreProof(())),
        Some(Early::Denied(denial)) => FactorOutcome::Denied(denial),
        // A factor without a rule proves nothing. Loading refuses one; should that fail, access is not granted.
        None => match rules.success().unwrap_or(Truth::Unknown) {
            Truth::True => FactorOutcome::Success(FactorProof(())),
            Truth::False => FactorOutcome::Denied(match rules.otherwise() {
                Otherwise::Reject(reason) => Denial::Reject { reason, row: None },
                Otherwise::Unavailable => Denial::Unavailable(Cause::UnexpectedReply),
            }),
            Truth::Unknown => FactorOutcome::Denied(Denial::Unavailable(rules.doubt())),
        },
    }
}

/// Judges a helper. Nothing that it returns can grant.
pub fn judge_helper(rules: &impl Rules) -> HelperOutcome {
    match before_success(rules) {
        Some(Early::More) => HelperOutcome::More(MoreProof(())),
        Some(Early::Denied(denial)) => HelperOutcome::Denied(denial),
        None => match rules.success().unwrap_or_else(|| rules.replied_ok()) {
            Truth::True => HelperOutcome::Success(HelperProof(())),
            Truth::False => HelperOutcome::Denied(Denial::Unavailable(Cause::UpstreamError)),
            Truth::Unknown => HelperOutcome::Denied(Denial::Unavailable(rules.doubt())),
        },
    }
}

enum Early {
    More,
    Denied(Denial),
}

/// The first four kinds of rule. An unknown rule ends the judging: a later rule cannot override a doubt.
fn before_success(rules: &impl Rules) -> Option<Early> {
    let doubt = || Some(Early::Denied(Denial::Unavailable(rules.doubt())));
    for row in 0..rules.reject_rows() {
        match rules.reject(row) {
            Truth::True => {
                let reason = rules.reject_reason(row);
                return Some(Early::Denied(Denial::Reject { reason, row: Some(row) }));
            }
            Truth::Unknown => return doubt(),
            Truth::False => {}
        }
    }
    match rules.unavailable() {
        Truth::True => return Some(Early::Denied(Denial::Unavailable(Cause::UpstreamError))),
        Truth::Unknown => return doubt(),
        Truth::False => {}
    }
    match rules.more() {
        Truth::True => return Some(Early::More),
        Truth::Unknown => return doubt(),
        Truth::False => {}
    }
    match rules.pending() {
        Truth::True => Some(Early::Denied(Denial::Pending)),
        Truth::Unknown => doubt(),
        Truth::False => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::Truth::{False, True, Unknown};
    use super::*;

    /// Fixed truths: reject rows, unavailable, more, pending, success.
    pub(in crate::verdict) struct Fixed(pub Vec<Truth>, pub Truth, pub Truth, pub Truth, pub Truth);

    impl Rules for Fixed {
        fn reject_rows(&self) -> usize {
            self.0.len()
        }
        fn reject(&self, row: usize) -> Truth {
            self.0[row]
        }
        fn reject_reason(&self, row: usize) -> Reason {
            [Reason::AccountLocked, Reason::DeniedByPolicy][row]
        }
        fn unavailable(&self) -> Truth {
            self.1
        }
        fn more(&self) -> Truth {
            self.2
        }
        fn pending(&self) -> Truth {
            self.3
        }
        fn success(&self) -> Option<Truth> {
            Some(self.4)
        }
        fn replied_ok(&self) -> Truth {
            Truth::True
        }
        fn otherwise(&self) -> Otherwise {
            Otherwise::Reject(Reason::InvalidCredentials)
        }
        fn doubt(&self) -> Cause {
            Cause::UnexpectedReply
        }
    }

    fn word(rules: &Fixed) -> String {
        let factor = match judge_factor(rules) {
            FactorOutcome::Success(_) => "success".to_owned(),
            FactorOutcome::More(_) => "more".to_owned(),
            FactorOutcome::Denied(Denial::Reject { reason, .. }) => reason.to_string(),
            FactorOutcome::Denied(Denial::Unavailable(cause)) => cause.to_string(),
            FactorOutcome::Denied(Denial::Pending) => "pending".to_owned(),
        };
        let helper = match judge_helper(rules) {
            HelperOutcome::Success(_) => "success".to_owned(),
            HelperOutcome::More(_) => "more".to_owned(),
            HelperOutcome::Denied(Denial::Reject { reason, .. }) => reason.to_string(),
            HelperOutcome::Denied(Denial::Unavailable(cause)) => cause.to_string(),
            HelperOutcome::Denied(Denial::Pending) => "pending".to_owned(),
        };
        if factor == helper { factor } else { format!("{factor}/{helper}") }
    }

    #[test]
    fn without_a_success_rule_a_helper_goes_by_the_status_and_a_factor_proves_nothing() {
        struct NoRule;
        impl Rules for NoRule {
            fn reject_rows(&self) -> usize {
                0
            }
            fn reject(&self, _row: usize) -> Truth {
                False
            }
            fn reject_reason(&self, _row: usize) -> Reason {
                Reason::Other
            }
            fn unavailable(&self) -> Truth {
                False
            }
            fn more(&self) -> Truth {
                False
            }
            fn pending(&self) -> Truth {
                False
            }
            fn success(&self) -> Option<Truth> {
                None
            }
            fn replied_ok(&self) -> Truth {
                True
            }
            fn otherwise(&self) -> Otherwise {
                Otherwise::Reject(Reason::InvalidCredentials)
            }
            fn doubt(&self) -> Cause {
                Cause::UnexpectedReply
            }
        }
        assert!(matches!(judge_factor(&NoRule), FactorOutcome::Denied(Denial::Unavailable(Cause::UnexpectedReply))));
        assert!(matches!(judge_helper(&NoRule), HelperOutcome::Success(_)));
    }

    #[test]
    fn deny_comes_first_and_doubt_never_grants() {
        for (rules, expected) in [
            (Fixed(vec![], False, False, False, True), "success"),
            (Fixed(vec![True], True, True, True, True), "account_locked"),
            (Fixed(vec![False, True], False, False, False, True), "denied_by_policy"),
            (Fixed(vec![True, Unknown], False, False, False, True), "account_locked"),
            (Fixed(vec![Unknown, True], False, False, False, True), "unexpected_reply"),
            (Fixed(vec![Unknown], False, False, False, True), "unexpected_reply"),
            (Fixed(vec![False], True, True, True, True), "upstream_error"),
            (Fixed(vec![False], Unknown, True, True, True), "unexpected_reply"),
            (Fixed(vec![], False, True, True, True), "more"), // success and more both true: more is owed
            (Fixed(vec![], False, Unknown, False, True), "unexpected_reply"),
            (Fixed(vec![], False, False, True, True), "pending"),
            (Fixed(vec![], False, False, Unknown, True), "unexpected_reply"),
            (Fixed(vec![], False, False, False, Unknown), "unexpected_reply"),
            (Fixed(vec![], False, False, False, False), "invalid_credentials/upstream_error"),
        ] {
            assert_eq!(word(&rules), expected);
        }
    }
}
