//! The state of one login from step to step, and the result of a step.

use std::time::Duration;

use indexmap::IndexMap;
use tokio::time::Instant;
use url::Url;

use super::input::Admitted;
use super::ports::Ports;
use super::report::StepReport;
use crate::budget::Share;
use crate::connector::cache::LifetimeError;
use crate::connector::{Connector, Step};
use crate::context::{Context, PageFacts, StepFacts, StepOutcome};
use crate::cookies::Jar;
use crate::document::Value;
use crate::mask::Mask;
use crate::request::RequestPlan;
use crate::secret::Secret;
use crate::signing::TokenStore;
use crate::upstream::{Nodes, Pick, SendFault};
use crate::verdict::{FactorProof, HelperProof, Ledger, Mapped, MoreProof};

/// The state of one login.
pub(super) struct Run<'a> {
    pub connector: &'a Connector,
    pub ports: Ports<'a>,
    pub deadline: Instant,
    pub context: Context,
    pub mask: Mask,
    /// The name that identity is compared with.
    pub claimed: String,
    /// The upstream's own name for the user, from a comparison that ran or a `report`.
    pub subject: Option<String>,
    /// Whether a factor said `subject`, or a helper whose comparison counts: no mere echo of the name that was sent.
    pub named: bool,
    /// The steps whose comparison of names ran, held and counts.
    pub compared: Vec<usize>,
    /// Answers of the first fields of the open challenge, where they come one by one.
    pub given: IndexMap<String, Secret>,
    pub mapped: Mapped,
    /// Extension and attributes of the rejecting reply: what earlier steps mapped is for an accept only.
    pub refused: Mapped,
    pub ledger: Ledger,
    pub credential_sends: u32,
    /// Whether anything of this call was written to an upstream.
    pub written: bool,
    pub code_quota: CodeQuota,
    pub poll: Poll,
    pub tracing: bool,
    /// The node of this login, when the connector has nodes.
    pub pick: Option<Pick<'a>>,
    pub jar: Jar,
    /// Steps with `cache` that were fetched while this login ran.
    pub fetched: Vec<usize>,
    /// Steps with `cache` whose captures the last reply invalidated.
    pub stale: Vec<usize>,
    /// Reports of what ran between the steps; they go before the report of the step that runs.
    pub extra_reports: Vec<StepReport>,
    /// Bytes of memory that earlier replies still take.
    pub retained: usize,
    /// This login's part of the budget of replies.
    pub share: Share,
    /// Tokens of this login, where none are shared.
    pub tokens: TokenStore,
}

/// Whether the code that a step counted last may have been sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum CodeQuota {
    /// None was counted, or its request was written.
    #[default]
    MayBeSent,
    /// It was counted, and none was sent so far.
    Unsent,
}

/// Whether a call polls: it asks for a confirmation and brings no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Poll {
    No,
    /// The upstream may be asked.
    Due,
    /// Before `poll_after`: the upstream is not asked.
    Early,
}

/// What a step proved.
#[derive(Debug)]
pub(super) enum Proof {
    Factor(FactorProof),
    Helper(HelperProof),
    More(MoreProof),
    /// Captures from the cache: they prove nothing.
    Cached,
}

impl Proof {
    pub(super) fn outcome(&self) -> StepOutcome {
        match self {
            Self::Factor(_) | Self::Helper(_) | Self::Cached => StepOutcome::Success,
            Self::More(_) => StepOutcome::More,
        }
    }
}

/// The result of a step that succeeded.
#[derive(Debug)]
pub(super) struct StepResult {
    pub proof: Proof,
    pub status: Option<u16>,
    pub captures: IndexMap<String, Option<Value>>,
    pub page: PageFacts,
    pub explain: String,
    /// In a step with `cache`: how long the captures may be cached, or why they may not.
    pub good_for: Option<Result<Duration, LifetimeError>>,
}

impl StepResult {
    /// The proof, and what later steps may read.
    pub(super) fn into_facts(self) -> (Proof, StepFacts) {
        let Self { proof, status, captures, page, .. } = self;
        let facts = StepFacts { outcome: proof.outcome(), status, captures, page };
        (proof, facts)
    }
}

impl<'a> Run<'a> {
    pub(super) fn begin(
        connector: &'a Connector,
        ports: Ports<'a>,
        admitted: Admitted,
        deadline: Instant,
        tracing: bool,
    ) -> Self {
        Self {
            connector,
            ports,
            deadline,
            mask: Mask::new(&admitted.context.user, connector.secrets.values()),
            context: admitted.context,
            claimed: admitted.claimed,
            subject: None,
            named: false,
            compared: Vec::new(),
            given: IndexMap::new(),
            mapped: Mapped::default(),
            refused: Mapped::default(),
            ledger: Ledger::default(),
            credential_sends: 0,
            written: false,
            code_quota: CodeQuota::default(),
            poll: Poll::No,
            pick: connector.nodes.as_ref().map(Nodes::start),
            jar: Jar::default(),
            tracing,
            fetched: Vec::new(),
            stale: Vec::new(),
            extra_reports: Vec::new(),
            retained: 0,
            share: Share::of(ports.replies),
            tokens: TokenStore::default(),
        }
    }

    /// The node of this login as an origin of `plan`.
    pub(super) fn node(&self, plan: &RequestPlan) -> Option<Url> {
        let pick = self.pick.as_ref().filter(|_| plan.wants_node())?;
        plan.origins().iter().find(|url| pick.origin().contains(url)).cloned()
    }

    /// Whether another node may be asked the same after `fault`.
    pub(super) fn next_node(&mut self, fault: &SendFault) -> bool {
        self.pick.as_mut().is_some_and(|pick| pick.next_after(fault))
    }

    pub(super) fn index_of(&self, step: &Step) -> usize {
        self.connector.steps.iter().position(|known| known.name == step.name).unwrap_or(usize::MAX)
    }

    /// Stores what later steps may read of `step`.
    pub(super) fn leave(&mut self, step: &Step, facts: StepFacts) {
        self.context.steps.insert(step.name.clone(), facts);
    }
}
