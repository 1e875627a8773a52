//! A factor judged on given replies: the stages of a login from decoding to the judgement.
//!
//! Nothing is sent or captured, and no proof reaches a ledger.

use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::decode;
use super::input::Admitted;
use super::ports::Ports;
use super::recorder::Recorder;
use super::scripts::preprocess;
use super::state::Run;
use crate::condition::{Facts, Judging};
use crate::connector::{Connector, Step};
use crate::context::Context;
use crate::mask::Mask;
use crate::request::RequestPlan;
use crate::upstream::Reply;
use crate::verdict::{FactorOutcome, judge_factor};

/// One factor and the state of a login that waits for its reply.
pub struct Trial<'a> {
    run: Run<'a>,
    step: &'a Step,
    plan: &'a RequestPlan,
    /// For each reply, scripts included.
    timeout: Duration,
}

impl<'a> Trial<'a> {
    /// A trial of `step`; `None` for a step without a request, which has no reply.
    pub fn of(
        connector: &'a Connector,
        step: &'a Step,
        ports: Ports<'a>,
        context: Context,
        timeout: Duration,
    ) -> Option<Self> {
        let plan = step.request.as_ref()?;
        let admitted = Admitted { context, claimed: String::new() };
        let begun = Run::begin(connector, ports, admitted, Instant::now() + timeout, false);
        // The result is not shown, so nothing is masked: thirty encodings of each credential cost more than the trial.
        let run = Run { mask: Mask::default(), ..begun };
        Some(Self { run, step, plan, timeout })
    }

    /// The judgement of `reply`; `None` when it cannot be decoded.
    pub async fn judge(&mut self, reply: Reply) -> Option<FactorOutcome> {
        let Self { run, step, plan, timeout } = self;
        run.deadline = Instant::now() + *timeout;
        let asked = plan.origins().first().cloned().or_else(|| Url::parse("https://upstream.invalid/").ok())?;
        let mut recorder = Recorder::begin(run, step);
        // Rules are tried on what a server would have encrypted.
        let mut received = decode::read(step, run, reply, asked, &mut recorder).await.ok()?;
        preprocess(step, run, &mut received, &mut recorder).await.ok()?;
        let view = received.view();
        let facts = Facts { context: &run.context, reply: Some(&view), claims: None };
        Some(judge_factor(&Judging::new(&step.response.rules, facts)))
    }
}
