//! The loop over the steps of one login: the one place that decides which step is next and what the run comes to.
//!
//! Steps never call each other; a step that asks pauses the login, which goes on here with the answer. The grant of a
//! closed ledger is made here, and only of it `login` makes an accept.

use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::challenge::{Asked, Poll};
use super::report::{StepEnd, StepReport, StepTrace};
use super::stop::{Ending, Stop};
use super::{Tools, challenge, draw, identity, input, meaning, sends};
use crate::budget::Share;
use crate::connector::{Connector, Kind, Role, Step};
use crate::context::{Context, PageFacts, StepFacts, StepOutcome};
use crate::cookies::Jar;
use crate::mask::Mask;
use crate::request::RequestPlan;
use crate::upstream::{Nodes, Pick, SendFault};
use crate::verdict::{Cause, FactorProof, Grant, HelperProof, Ledger, Mapped, MoreProof, Truth};

/// What a step proved.
#[derive(Debug)]
pub(super) enum Proof {
    /// A factor's success.
    Factor(FactorProof),
    /// A helper's success.
    Helper(HelperProof),
    /// Right so far.
    More(MoreProof),
    /// Captures that another login asked for: they prove nothing.
    Kept,
}

impl Proof {
    pub(super) fn outcome(&self) -> StepOutcome {
        match self {
            Self::Factor(_) | Self::Helper(_) | Self::Kept => StepOutcome::Success,
            Self::More(_) => StepOutcome::More,
        }
    }
}

/// The state of one login.
pub(super) struct Run<'a> {
    pub connector: &'a Connector,
    pub tools: Tools<'a>,
    pub deadline: Instant,
    pub context: Context,
    pub mask: Mask,
    /// The name that identity is compared with.
    pub claimed: String,
    /// The upstream's own name for the user, from a comparison that ran or a `report`.
    pub subject: Option<String>,
    /// The steps whose comparison of names ran, held and counts.
    pub compared: Vec<usize>,
    pub mapped: Mapped,
    /// Extension and attributes of the reply that refuses: what earlier steps mapped is for an accept only.
    pub refused: Mapped,
    /// What was proven so far.
    pub ledger: Ledger,
    pub credential_sends: u32,
    /// Whether anything of this call was written to an upstream.
    pub written: bool,
    /// What is known of the code that was counted last.
    pub code: sends::Code,
    /// Whether this call asks for a confirmation and brings no answer.
    pub poll: Poll,
    pub tracing: bool,
    /// The node of this login, when the connector has nodes.
    pub pick: Option<Pick<'a>>,
    /// The cookies of this login.
    pub jar: Jar,
    /// Steps with `cache` that were asked for while this login ran.
    pub asked: Vec<usize>,
    /// Those whose captures a reply has just called no longer good.
    pub stale: Vec<usize>,
    /// Reports of what ran between the steps, for before the next step's own.
    pub asides: Vec<StepReport>,
    /// What steps keep of replies, in bytes of memory.
    pub kept: usize,
    /// What this login has of the budget of replies.
    pub share: Share,
}

impl<'a> Run<'a> {
    /// A run before its first step.
    pub(super) fn begin(
        connector: &'a Connector,
        tools: Tools<'a>,
        admitted: input::Admitted,
        deadline: Instant,
        tracing: bool,
    ) -> Self {
        Self {
            connector,
            tools,
            deadline,
            mask: Mask::new(&admitted.context.user, connector.secrets.values()),
            context: admitted.context,
            claimed: admitted.claimed,
            subject: None,
            compared: Vec::new(),
            mapped: Mapped::default(),
            refused: Mapped::default(),
            ledger: Ledger::default(),
            credential_sends: 0,
            written: false,
            code: sends::Code::default(),
            poll: Poll::No,
            pick: connector.nodes.as_ref().map(Nodes::start),
            jar: Jar::default(),
            tracing,
            asked: Vec::new(),
            stale: Vec::new(),
            asides: Vec::new(),
            kept: 0,
            share: Share::of(tools.replies),
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

    /// Runs the steps in order, from the one at `first` on, which `asked` is the answer to. `Ok` holds the grant and the line
    /// that explains it.
    pub(super) async fn steps(
        &mut self,
        first: usize,
        mut asked: Option<Asked>,
        reports: &mut Vec<StepReport>,
    ) -> Result<(Grant, String), Stop> {
        let connector = self.connector;
        let mut explain = String::new();
        for (index, step) in connector.steps.iter().enumerate().skip(first) {
            let started = Instant::now();
            let mut report = self.report_of(step);
            let result = match asked.take() {
                None => self.step(index, step, &mut report, &mut explain).await,
                // Boxed, as what else few steps do: every login would carry the room for it about.
                Some(asked) => Box::pin(self.answered(step, asked, &mut report, &mut explain)).await.map(Some),
            };
            report.took = started.elapsed();
            reports.append(&mut self.asides);
            reports.push(report);
            match result {
                Ok(None) => {}
                Ok(Some(proof)) => self.enter(proof),
                Err(stop) => return Err(Stop { explain: format!("{}: {}", step.name, stop.explain), ..stop }),
            }
        }
        if asked.is_some() {
            // A state that names no step of this connector; an answer that nobody judged must not end in a grant.
            return Err(challenge::lost());
        }
        if connector.kind == Kind::Utility {
            return Err(Stop::misconfigured("a utility connector cannot authenticate anybody"));
        }
        let ledger = std::mem::take(&mut self.ledger);
        let grant = ledger.close().map_err(|why| Stop::misconfigured(why.to_string()))?;
        identity::owed(self)?;
        Ok((grant, explain))
    }

    pub(super) fn report_of(&self, step: &Step) -> StepReport {
        StepReport {
            name: step.name.clone(),
            factor: step.role == Role::Factor,
            end: StepEnd::Ended,
            status: None,
            mute: false,
            took: Duration::ZERO,
            trace: self.tracing.then(|| Box::new(self.opened(step))),
        }
    }

    /// Enters what a step proved.
    pub(super) fn enter(&mut self, proof: Proof) {
        match proof {
            Proof::Factor(proof) => self.ledger.factor(proof),
            Proof::Helper(proof) => self.ledger.helper(proof),
            Proof::More(proof) => self.ledger.more(proof),
            Proof::Kept => {}
        }
    }

    /// The trace of a step that begins.
    fn opened(&self, step: &Step) -> StepTrace {
        let user = &self.context.user;
        let credentials = std::iter::once(&user.password)
            .chain(user.fields.values())
            .chain(self.context.answers.values())
            .chain(self.context.secrets.values());
        StepTrace {
            public: step.public.clone(),
            credentials: credentials.cloned().collect(),
            settings: self.connector.settings_from_env.clone(),
            ..StepTrace::default()
        }
    }

    /// One step, or `None` when its `when` is false. A step that asks pauses the login here.
    pub(super) async fn step(
        &mut self,
        index: usize,
        step: &Step,
        report: &mut StepReport,
        explain: &mut String,
    ) -> Result<Option<Proof>, Stop> {
        if step.when.is_some() {
            let (truth, watched) = meaning::when(step, self).await?;
            if let Some(trace) = &mut report.trace {
                trace.when = watched;
            }
            match truth {
                Truth::True => {}
                Truth::False => {
                    report.end = StepEnd::Skipped;
                    self.leave(step, StepOutcome::Skipped, None);
                    return Ok(None);
                }
                Truth::Unknown => {
                    return Err(Stop::unavailable(Cause::UnexpectedReply, "whether this step runs cannot be told"));
                }
            }
        }
        if let Some(ask) = &step.ask {
            return Err(Box::pin(self.open(index, step, ask, report)).await);
        }
        self.run_step(step, report, explain).await.map(Some)
    }

    /// The step whose challenge was answered (or polled).
    async fn answered(
        &mut self,
        step: &Step,
        mut asked: Asked,
        report: &mut StepReport,
        explain: &mut String,
    ) -> Result<Proof, Stop> {
        let Some(ask) = &step.ask else { return Err(challenge::lost()) };
        if self.poll == Poll::Early || (self.poll == Poll::Due && ask.poll_after.is_none()) {
            report.end = StepEnd::Asked;
            return Err(self.still_open(step, ask, asked).await);
        }
        // What was kept over the challenge counts again; nothing was sent so far, so the challenge stays.
        if let Err(stop) = self.count_kept() {
            return Err(self.not_done(step, ask, asked, None, stop).await);
        }
        let (before, stop) = match self.take_answers(ask, &mut asked) {
            Err(stop) => (None, stop),
            Ok(before) => {
                if let Some(trace) = &mut report.trace {
                    trace.credentials.extend(self.context.answers.values().cloned());
                }
                match self.run_step(step, report, explain).await {
                    Ok(proof) => return Ok(proof),
                    Err(stop) => (Some(before), stop),
                }
            }
        };
        if stop.ending == Ending::Pending {
            report.end = StepEnd::Pending;
        }
        Err(self.not_done(step, ask, asked, before, stop).await)
    }

    /// Runs the stages of a step and leaves its facts for later steps.
    pub(super) async fn run_step(
        &mut self,
        step: &Step,
        report: &mut StepReport,
        explain: &mut String,
    ) -> Result<Proof, Stop> {
        sends::admit(step, self)?;
        self.context.step = draw::step_values(self.tools.ambient, &self.connector.time_zone);
        let done = self.stages(step, report).await;
        sends::settle(step, self);
        let done = done?;
        report.end = match done.proof.outcome() {
            StepOutcome::More => StepEnd::More,
            _ => StepEnd::Success,
        };
        self.context.steps.insert(
            step.name.clone(),
            StepFacts { outcome: done.proof.outcome(), status: done.status, captures: done.captures, page: done.page },
        );
        self.count_kept()?;
        if matches!(done.proof, Proof::Factor(_)) || explain.is_empty() {
            *explain = format!("{}: {}", step.name, done.explain);
        }
        Ok(done.proof)
    }

    fn leave(&mut self, step: &Step, outcome: StepOutcome, status: Option<u16>) {
        let facts = StepFacts { outcome, status, captures: indexmap::IndexMap::new(), page: PageFacts::default() };
        self.context.steps.insert(step.name.clone(), facts);
    }
}

/// What a finished step hands to the loop.
#[derive(Debug)]
pub(super) struct Done {
    pub proof: Proof,
    pub status: Option<u16>,
    pub captures: indexmap::IndexMap<String, Option<crate::document::Value>>,
    pub page: PageFacts,
    pub explain: String,
    /// In a step with `cache`: for how long the captures serve others, or why they do not.
    pub good_for: Option<Result<Duration, String>>,
}
