//! The loop over the steps of one login: the one place that decides which step is next and how the run ends.
//!
//! Steps never call each other; a step with `ask` pauses the login, which resumes here with the answer. The grant of a
//! closed ledger is made here, and only of it `login` makes an accept.

use indexmap::IndexMap;

use super::challenge::{self, ChallengeAnswer};
use super::recorder::Recorder;
use super::report::{StepEnd, StepReport};
use super::state::{Poll, Proof, Run};
use super::stop::{Ending, Stop};
use super::{draw, identity, meaning, renew, sends};
use crate::connector::{ConnectorKind, Step};
use crate::context::{PageFacts, StepFacts, StepOutcome};
use crate::verdict::{Cause, Grant, Truth};

/// Runs the steps in order, from the one at `first` on, whose challenge `answer` answers. `Ok` holds the grant and the
/// line that explains it.
pub(super) async fn steps(
    run: &mut Run<'_>,
    first: usize,
    mut answer: Option<ChallengeAnswer>,
    reports: &mut Vec<StepReport>,
) -> Result<(Grant, String), Stop> {
    let connector = run.connector;
    let mut explain = String::new();
    for (index, step) in connector.steps.iter().enumerate().skip(first) {
        let mut recorder = Recorder::begin(run, step);
        let result = match answer.take() {
            None => self::step(run, index, &mut recorder, &mut explain).await,
            // Boxed: the future of every login would be larger by it.
            Some(answer) => Box::pin(answered(run, step, answer, &mut recorder, &mut explain)).await.map(Some),
        };
        reports.append(&mut run.extra_reports);
        reports.push(recorder.finish());
        match result {
            Ok(None) => {}
            Ok(Some(proof)) => enter(run, proof),
            Err(stop) => return Err(Stop { explain: format!("{}: {}", step.name, stop.explain), ..stop }),
        }
    }
    if answer.is_some() {
        // The state names no step of this connector: an answer that was not judged must not end in a grant.
        return Err(challenge::mismatch());
    }
    if connector.kind == ConnectorKind::Utility {
        return Err(Stop::misconfigured("a utility connector cannot authenticate anybody"));
    }
    let ledger = std::mem::take(&mut run.ledger);
    let grant = ledger.close().map_err(|why| Stop::misconfigured(why.to_string()))?;
    identity::require_comparisons(run)?;
    Ok((grant, explain))
}

/// Enters what a step proved into the ledger.
pub(super) fn enter(run: &mut Run<'_>, proof: Proof) {
    match proof {
        Proof::Factor(proof) => run.ledger.factor(proof),
        Proof::Helper(proof) => run.ledger.helper(proof),
        Proof::More(proof) => run.ledger.more(proof),
        Proof::Cached => {}
    }
}

/// The step at `index`, or `None` when its `when` is false. A step that asks pauses the login here.
pub(super) async fn step(
    run: &mut Run<'_>,
    index: usize,
    recorder: &mut Recorder,
    explain: &mut String,
) -> Result<Option<Proof>, Stop> {
    let step = &run.connector.steps[index];
    match meaning::when(step, run, recorder).await? {
        Truth::True => {}
        Truth::False => {
            recorder.report.end = StepEnd::Skipped;
            let outcome = StepOutcome::Skipped;
            let (captures, page) = (IndexMap::new(), PageFacts::default());
            run.leave(step, StepFacts { outcome, status: None, captures, page });
            return Ok(None);
        }
        Truth::Unknown => {
            return Err(Stop::unavailable(
                Cause::UnexpectedReply,
                "`when` is unknown: a value that it reads is not known",
            ));
        }
    }
    if let Some(ask) = &step.ask {
        return Err(Box::pin(challenge::open(run, index, ask, recorder)).await);
    }
    run_step(run, step, recorder, explain).await.map(Some)
}

/// Resumes at the step whose challenge was answered or polled.
async fn answered(
    run: &mut Run<'_>,
    step: &Step,
    mut answer: ChallengeAnswer,
    recorder: &mut Recorder,
    explain: &mut String,
) -> Result<Proof, Stop> {
    let Some(ask) = &step.ask else { return Err(challenge::mismatch()) };
    if run.poll == Poll::Early || (run.poll == Poll::Due && ask.poll_after.is_none()) {
        recorder.report.end = StepEnd::Asked;
        return Err(challenge::still_open(run, ask, answer).await);
    }
    // The restored state counts towards the memory budget again. Nothing was sent so far, so the challenge stays open.
    if let Err(stop) = run.count_retained() {
        return Err(challenge::after_failure(run, ask, answer, None, stop).await);
    }
    let (before, stop) = match challenge::take_answers(run, ask, &mut answer) {
        Err(stop) => (None, stop),
        Ok(before) => {
            recorder.trace(|trace| trace.credentials.extend(run.context.answers.values().cloned()));
            match run_step(run, step, recorder, explain).await {
                Ok(proof) => return Ok(proof),
                Err(stop) => (Some(before), stop),
            }
        }
    };
    if stop.ending == Ending::Pending {
        recorder.report.end = StepEnd::Pending;
    }
    Err(challenge::after_failure(run, ask, answer, before, stop).await)
}

/// Runs the stages of a step and leaves its facts for later steps.
pub(super) async fn run_step(
    run: &mut Run<'_>,
    step: &Step,
    recorder: &mut Recorder,
    explain: &mut String,
) -> Result<Proof, Stop> {
    sends::admit(step, run).await?;
    run.context.step = draw::step_values(run.ports.ambient, &run.connector.time_zone);
    let result = renew::run(step, run, recorder).await;
    sends::settle(step, run).await;
    let result = result?;
    recorder.report.end = match result.proof.outcome() {
        StepOutcome::More => StepEnd::More,
        _ => StepEnd::Success,
    };
    if matches!(result.proof, Proof::Factor(_)) || explain.is_empty() {
        *explain = format!("{}: {}", step.name, result.explain);
    }
    let (proof, facts) = result.into_facts();
    run.leave(step, facts);
    run.count_retained()?;
    Ok(proof)
}
