//! Steps with `cache`: their captures come from the cache, or one login fetches them while the others wait.
//!
//! Such a step runs in an anonymous run: without the user, without cookies, and with the captures of other cached steps
//! only, so that nothing of one user can reach another even if the check of the connector missed something. Only
//! captures are shared; no reject and no proof of a user comes from here.

use std::time::Duration;

use tokio::time::Instant;

use super::input::Admitted;
use super::recorder::Recorder;
use super::reply_memory::captures_bytes;
use super::report::{CacheTrace, CaptureTrace};
use super::state::{Proof, Run, StepResult};
use super::step;
use super::stop::{Ending, Stop};
use crate::connector::cache::LifetimeError;
use crate::connector::step_cache::{Failure, FetchPermit, Fetched, Key, Lookup};
use crate::connector::{CachePlan, Capture, Step};
use crate::context::{Context, StepFacts, StepOutcome, StepValue, Variable};
use crate::crypto::digest::{Algorithm, digest};
use crate::document::to_json;
use crate::upstream::Pick;
use crate::verdict::Cause;

/// Tokens have some hundred bytes. Captures that are larger are not cached.
const MAX_BYTES: usize = 64 * 1024;

/// Runs the stages of a step, or takes its captures from the cache.
pub(super) async fn run(step: &Step, run: &mut Run<'_>, recorder: &mut Recorder) -> Result<StepResult, Stop> {
    match &step.cache {
        None => step::run(step, run, recorder).await,
        // Boxed: the future of every login would be larger by it.
        Some(plan) => Box::pin(look_up(step, plan, run, recorder)).await,
    }
}

/// Whether all inputs of a cached step are present; after a challenge some may not be.
pub(super) fn has_inputs(plan: &CachePlan, run: &Run<'_>) -> bool {
    plan.inputs.iter().all(|variable| input(variable, run).is_ok())
}

/// The captures of a cached step: from the cache, from the login that fetches them now, or from a fetch of its own.
async fn look_up(
    step: &Step,
    plan: &CachePlan,
    run: &mut Run<'_>,
    recorder: &mut Recorder,
) -> Result<StepResult, Stop> {
    let Some(cache) = run.ports.step_cache else { return Ok(fetch(step, plan, run, recorder).await?.result) };
    let key = key(step, plan, run)?;
    loop {
        let waiting = match cache.look_up(key, Instant::now()) {
            Lookup::Hit(facts) => return Ok(shared(step, &facts, CacheTrace::Hit, recorder)),
            Lookup::Miss(permit) => return fetch_for_all(step, plan, permit, run, recorder).await,
            Lookup::InFlight(waiting) => waiting,
        };
        match tokio::time::timeout_at(run.deadline, waiting.result()).await {
            Err(_) => {
                let why = "the deadline passed while another login asked for the same";
                return Err(Stop::unavailable(Cause::Timeout, why));
            }
            Ok(Some(Fetched::Shared(facts, _))) => {
                run.fetched.push(run.index_of(step));
                return Ok(shared(step, &facts, CacheTrace::Shared, recorder));
            }
            Ok(Some(Fetched::Private)) => return Ok(fetch(step, plan, run, recorder).await?.result),
            Ok(Some(Fetched::Failed(failure))) => return Err(failed(failure)),
            // The fetching login was cancelled or timed out: look up again.
            Ok(None) => {}
        }
    }
}

/// Fetches, and shares the result with the logins that wait.
async fn fetch_for_all(
    step: &Step,
    plan: &CachePlan,
    permit: FetchPermit<'_>,
    run: &mut Run<'_>,
    recorder: &mut Recorder,
) -> Result<StepResult, Stop> {
    let fetch = fetch(step, plan, run, recorder).await;
    let result = match &fetch {
        Ok(Fetch { good_until: Ok(until), result }) => {
            let (status, captures, page) = (result.status, result.captures.clone(), result.page.clone());
            Fetched::Shared(StepFacts { outcome: StepOutcome::Success, status, captures, page }.into(), *until)
        }
        Ok(Fetch { good_until: Err(_), .. }) => Fetched::Private,
        // This login's deadline may be earlier than theirs.
        Err(Stop { ending: Ending::Unavailable(Cause::Timeout), .. }) => return fetch.map(|fetch| fetch.result),
        Err(Stop { ending: Ending::Unavailable(cause), explain }) => {
            Fetched::Failed(Failure::Unavailable(*cause, explain.clone()))
        }
        Err(stop) => Fetched::Failed(Failure::Misconfigured(stop.explain.clone())),
    };
    permit.finish(&step.name, result, Instant::now());
    fetch.map(|fetch| fetch.result)
}

struct Fetch {
    result: StepResult,
    /// When the cache entry expires.
    good_until: Result<Instant, NotShared>,
}

/// Why captures are not cached.
#[derive(Debug, Clone, thiserror::Error)]
enum NotShared {
    #[error("the reply came from a fallback node")]
    OtherNode,
    #[error("the captures take {0} bytes of memory, and {MAX_BYTES} is the most that is kept")]
    TooLarge(usize),
    #[error("its lifetime had ended when the reply arrived")]
    Expired,
    #[error("it has no reply")]
    NoReply,
    #[error(transparent)]
    NoLifetime(#[from] LifetimeError),
}

/// Runs the step in an anonymous run.
async fn fetch(step: &Step, plan: &CachePlan, run: &mut Run<'_>, recorder: &mut Recorder) -> Result<Fetch, Stop> {
    let began = Instant::now();
    run.fetched.push(run.index_of(step));
    let node = run.pick.as_ref().map(Pick::index);
    let mut anonymous = anonymous(plan, run);
    let result = step::run(step, &mut anonymous, recorder).await;
    run.written |= anonymous.written;
    run.stale.append(&mut anonymous.stale);
    // A node that could not be connected to is not tried again in this login.
    run.pick = anonymous.pick;
    let result = result.map_err(not_of_a_user)?;
    let good_until = match &result.good_for {
        _ if run.pick.as_ref().map(Pick::index) != node => Err(NotShared::OtherNode),
        Some(Ok(span)) => good_until(began, *span, &result),
        Some(Err(why)) => Err(why.clone().into()),
        None => Err(NotShared::NoReply),
    };
    recorder.trace(|trace| {
        trace.cache.push(match &good_until {
            Ok(until) => CacheTrace::Kept(until.saturating_duration_since(began)),
            Err(why) => CacheTrace::NotKept(why.to_string()),
        });
    });
    Ok(Fetch { result, good_until })
}

fn good_until(began: Instant, span: Duration, result: &StepResult) -> Result<Instant, NotShared> {
    let bytes = captures_bytes(&result.captures);
    if bytes > MAX_BYTES {
        return Err(NotShared::TooLarge(bytes));
    }
    let until = began + span;
    if until <= Instant::now() { Err(NotShared::Expired) } else { Ok(until) }
}

/// A run without any user data, at the same node and with the same deadline.
fn anonymous<'a>(plan: &CachePlan, run: &Run<'a>) -> Run<'a> {
    let inputs = plan.inputs.iter().filter_map(|variable| match variable {
        Variable::Step { step, .. } => run.context.steps.get_key_value(step),
        _ => None,
    });
    let context = Context {
        steps: inputs.map(|(name, facts)| (name.clone(), facts.clone())).collect(),
        secrets: run.context.secrets.clone(),
        step: run.context.step.clone(),
        ..Context::default()
    };
    let admitted = Admitted { context, claimed: String::new() };
    let begun = Run::begin(run.connector, run.ports, admitted, run.deadline, run.tracing);
    Run { pick: run.pick.clone(), ..begun }
}

/// Every input of the captures that may differ between logins.
fn key(step: &Step, plan: &CachePlan, run: &Run<'_>) -> Result<Key, Stop> {
    let mut all = Vec::new();
    // Each part is preceded by its length, so that no two sets of parts give the same bytes.
    let mut part = |bytes: &[u8]| {
        all.extend_from_slice(&bytes.len().to_le_bytes());
        all.extend_from_slice(bytes);
    };
    part(step.name.as_bytes());
    let node = step.request.as_ref().and_then(|plan| run.node(plan));
    part(node.as_ref().map_or("", url::Url::as_str).as_bytes());
    for variable in &plan.inputs {
        part(input(variable, run)?.as_bytes());
    }
    let mut key = [0; 32];
    key.copy_from_slice(&digest(Algorithm::Sha256, &all));
    Ok(Key(key))
}

/// The value that another cached step provides.
fn input(variable: &Variable, run: &Run<'_>) -> Result<String, Stop> {
    if let Variable::Step { step, value: StepValue::Address } = variable
        && let Some(facts) = run.context.steps.get(step)
    {
        return Ok(format!("{:?} {:?}", facts.page.url, facts.page.base));
    }
    Ok(to_json(&*run.context.get(variable)?))
}

/// Captures that another login fetched.
fn shared(step: &Step, facts: &StepFacts, how: CacheTrace, recorder: &mut Recorder) -> StepResult {
    recorder.trace(|trace| {
        trace.cache.push(how);
        trace.captures = step.response.captures.iter().map(|capture| shown(capture, facts)).collect();
    });
    let explain = "its captures come from the cache".to_owned();
    let (captures, page) = (facts.captures.clone(), facts.page.clone());
    StepResult { proof: Proof::Cached, status: facts.status, captures, page, explain, good_for: None }
}

fn shown(capture: &Capture, facts: &StepFacts) -> CaptureTrace {
    CaptureTrace {
        name: capture.name.clone(),
        value: facts.captures.get(&capture.name).cloned().flatten(),
        public: capture.public,
    }
}

fn failed(failure: Failure) -> Stop {
    match failure {
        Failure::Unavailable(cause, explain) => {
            Stop::unavailable(cause, format!("the shared request of another login failed: {explain}"))
        }
        Failure::Misconfigured(what) => Stop::misconfigured(what),
    }
}

/// A step that knows no user cannot refuse one.
fn not_of_a_user(stop: Stop) -> Stop {
    match stop.ending {
        Ending::Unavailable(_) | Ending::Misconfigured(_) => stop,
        _ => Stop::misconfigured("a step with `cache` was rejected, and it has no input of a user"),
    }
}
