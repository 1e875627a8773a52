//! What whoever calls a connector may lean on, worked out once when it loads.

use std::collections::BTreeSet;
use std::time::Duration;

use super::raw::Word as _;
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
    /// What the user may be asked, in the order of the steps.
    pub asks: Vec<AskFacts>,
    /// How many requests a login takes at least until it is accepted or asked.
    pub requests: u32,
}

/// One thing that the user may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a part of an ask that is there or not")]
pub struct AskFacts {
    /// `sms`, `totp`, ...
    pub kind: &'static str,
    /// How many texts the user types.
    pub fields: usize,
    /// There is a picture to look at.
    pub image: bool,
    /// There is a page to go to.
    pub url: bool,
    /// That page sends something back.
    pub returns: bool,
    /// It can be polled for.
    pub polls: bool,
}

impl Connector {
    /// What it promises of its accepts.
    pub fn login_facts(&self) -> LoginFacts {
        let says = |step: &super::Step| {
            step.response.identity.as_ref().is_some_and(|it| it.counts || step.role == Role::Factor)
        };
        let mapped = self.steps.iter().flat_map(|step| &step.response.map.attributes);
        let asks = self.steps.iter().filter_map(|step| step.ask.as_ref()).map(|ask| AskFacts {
            kind: ask.kind.word(),
            fields: ask.fields.len(),
            image: ask.image.is_some(),
            url: ask.url.is_some(),
            returns: !ask.returns.is_empty(),
            polls: ask.poll_after.is_some(),
        });
        // Up to the first question, those that no condition can skip.
        let at_once = self.steps.iter().take_while(|step| step.ask.is_none());
        let requests =
            at_once.filter(|step| step.when.is_none() && step.cache.is_none() && step.request.is_some()).count();
        LoginFacts {
            asks: asks.collect(),
            requests: u32::try_from(requests).unwrap_or(u32::MAX),
            timeout: self.timeout,
            names_user: self.steps.iter().any(says),
            typed_name: self.typed_name,
            mapped: mapped.map(|(name, _)| name.clone()).collect(),
        }
    }
}
