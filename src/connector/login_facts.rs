//! What whoever calls a connector may lean on, worked out once when it loads.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Connector, Role};

/// What a connector promises of its accepts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginFacts {
    /// The most that a login takes.
    pub timeout: Duration,
    /// A factor's reply (or a comparison that counts) says who the user is.
    pub names_user: bool,
    /// The file acknowledges that the typed name may stand for the user (`typed_name`).
    pub typed_name: bool,
    /// The attributes that `map` may fill.
    pub mapped: BTreeSet<String>,
}

impl Connector {
    /// What it promises of its accepts.
    pub fn login_facts(&self) -> LoginFacts {
        let says = |step: &super::Step| {
            step.response.identity.as_ref().is_some_and(|it| it.counts || step.role == Role::Factor)
        };
        let mapped = self.steps.iter().flat_map(|step| &step.response.map.attributes);
        LoginFacts {
            timeout: self.timeout,
            names_user: self.steps.iter().any(says),
            typed_name: self.typed_name,
            mapped: mapped.map(|(name, _)| name.clone()).collect(),
        }
    }
}
