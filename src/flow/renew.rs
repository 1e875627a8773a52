//! A step whose reply invalidates cached captures (`drop_when`): they are evicted, and a helper runs once more with new
//! ones.
//!
//! A request with the user's credential is never made twice: its login ends as the reply says, and the next login
//! fetches new captures.

use super::recorder::Recorder;
use super::report::StepEnd;
use super::state::{Run, StepResult};
use super::stop::Stop;
use super::{cached, draw, sends};
use crate::connector::Step;

/// Runs the stages of a step, and once more after an invalidation.
pub(super) async fn run(step: &Step, run: &mut Run<'_>, recorder: &mut Recorder) -> Result<StepResult, Stop> {
    let first = cached::run(step, run, recorder).await;
    let stale = apply_drop_when(run);
    if stale.is_empty() || !may_run_again(step, &stale, run).await {
        return first;
    }
    let begun = std::mem::replace(recorder, Recorder::begin(run, step));
    run.extra_reports.push(begun.finish());
    // Boxed: the future of every login would be larger by it.
    Box::pin(run_again(step, stale, run, recorder)).await
}

/// Evicts the captures that the reply invalidates; returns their steps.
fn apply_drop_when(run: &mut Run<'_>) -> Vec<usize> {
    let stale = std::mem::take(&mut run.stale);
    for &index in &stale {
        let name = &run.connector.steps[index].name;
        if let (Some(cache), Some(used)) = (run.ports.step_cache, run.context.steps.get(name)) {
            cache.invalidate(name, used);
        }
    }
    stale
}

/// Whether a second request is allowed and has a chance.
async fn may_run_again(step: &Step, stale: &[usize], run: &mut Run<'_>) -> bool {
    let renewable = |index: &usize| {
        let cache = run.connector.steps[*index].cache.as_ref();
        // Fetched by this login a moment ago: fetching once more would not help.
        !run.fetched.contains(index) && cache.is_some_and(|plan| cached::has_inputs(plan, run))
    };
    step.is_repeatable() && stale.iter().all(renewable) && sends::may_retry(step, run).await
}

async fn run_again(
    step: &Step,
    stale: Vec<usize>,
    run: &mut Run<'_>,
    recorder: &mut Recorder,
) -> Result<StepResult, Stop> {
    for index in stale {
        refetch(&run.connector.steps[index], run).await?;
    }
    // A second request with the nonce of the first would be a replay.
    run.context.step = draw::step_values(run.ports.ambient, &run.connector.time_zone);
    let result = cached::run(step, run, recorder).await;
    apply_drop_when(run);
    result
}

/// Runs a cached step of this login once more.
async fn refetch(step: &Step, run: &mut Run<'_>) -> Result<(), Stop> {
    let mut recorder = Recorder::begin(run, step);
    run.context.step = draw::step_values(run.ports.ambient, &run.connector.time_zone);
    let result = cached::run(step, run, &mut recorder).await;
    if result.is_ok() {
        recorder.report.end = StepEnd::Success;
    }
    run.extra_reports.push(recorder.finish());
    let result = result.map_err(|stop| Stop { explain: format!("{} again: {}", step.name, stop.explain), ..stop })?;
    let (_, facts) = result.into_facts();
    run.leave(step, facts);
    Ok(())
}
