//! Stages 8 and 9 of one reply: the judgement, the captures for later steps, and what is mapped for the caller.
//!
//! A pure function of the login's state and the reply, so that a large reply can be judged on another thread; the
//! result is entered into the run afterwards.

mod input;
mod map;

use std::borrow::Cow;
use std::time::Duration;

use self::input::{Findings, JudgeInput, StepSuccess};
use self::map::{map_data, map_error, map_refused, with_message};
use super::conceal::Secrecy;
use super::decode::Received;
use super::identity::{self, Compared};
use super::offload::{LARGE, LentState};
use super::recorder::Recorder;
use super::report::{CacheTrace, CaptureTrace, RuleTrace};
use super::state::{CodeQuota, Proof, Run, StepResult};
use super::stop::{Ending, Stop};
use super::verify::Verified;
use super::{explain, page_facts, redirect, rule_trace, sends};
use crate::condition::{Absent, Condition, Facts, Judging, StepRules, doubt, is_decisive_status, is_judged_status};
use crate::connector::cache::LifetimeError;
use crate::connector::{Role, Step};
use crate::context::{Context, PageFacts};
use crate::document::Value;
use crate::mapping::plain_text;
use crate::mask::Mask;
use crate::response::source::{ReplyView, SourceValue};
use crate::verdict::{Cause, Denial, FactorOutcome, HelperOutcome, Truth, judge_factor, judge_helper};
use indexmap::IndexMap;

pub(super) struct Judgement {
    findings: Findings,
    result: Result<StepSuccess, Stop>,
    /// Explains where a redirect points; `None` when the reply is none.
    redirect_line: Option<String>,
    /// Why the token of `response.jwt` claims nothing.
    unverified: Option<String>,
}

/// Stage 8: judges the reply of a step, or a step without one; a large reply on a blocking thread.
pub(super) async fn judge(
    step: &Step,
    run: &mut Run<'_>,
    received: Option<Received>,
    token: Verified,
    recorder: &mut Recorder,
) -> Result<Judgement, Stop> {
    recorder.enter("judge");
    let redirect_line =
        received.as_ref().and_then(|received| redirect::describe(step, run, &received.reply, &received.asked));
    let Verified { claims, unverified } = token;
    let bytes = received.as_ref().map_or(0, |received| received.bytes);
    let meaning = if run.retained.max(bytes) > LARGE {
        let index = run.index_of(step);
        Box::pin(run.offload_with_state(move |known| judge_offloaded(known, index, received.as_ref(), claims.as_ref())))
            .await?
    } else {
        judged_here(step, run, received.as_ref(), claims.as_ref())
    };
    Ok(Judgement { redirect_line, unverified, ..meaning })
}

fn judged_here(step: &Step, run: &Run<'_>, received: Option<&Received>, claims: Option<&Value>) -> Judgement {
    let view = received.map(Received::view);
    judge_input(JudgeInput {
        secrecy: Secrecy::of(run.connector, step),
        step,
        context: &run.context,
        mask: &run.mask,
        claimed: &run.claimed,
        tracing: run.tracing,
        view: view.as_ref(),
        asked: received.map(|received| &received.asked),
        claims,
    })
}

fn judge_offloaded(known: &LentState, index: usize, received: Option<&Received>, claims: Option<&Value>) -> Judgement {
    let LentState { steps, secret_env, context, mask, claimed, tracing } = known;
    let (view, step) = (received.map(Received::view), &steps[index]);
    judge_input(JudgeInput {
        secrecy: Secrecy { steps, secret_env, step },
        step,
        context,
        mask,
        claimed,
        tracing: *tracing,
        view: view.as_ref(),
        asked: received.map(|received| &received.asked),
        claims,
    })
}

impl Judgement {
    /// Stage 9: enters the result into the run: captures for later steps, and what is mapped for the caller.
    pub(super) fn capture_and_map(
        self,
        step: &Step,
        run: &mut Run<'_>,
        recorder: &mut Recorder,
    ) -> Result<StepResult, Stop> {
        let Self { mut findings, mut result, redirect_line, unverified } = self;
        findings.explain_undecided(step, run, &mut result);
        recorder.report.unjudged_status |= findings.unjudged_status;
        recorder.trace(|trace| {
            let names = findings.stale.iter().map(|index| run.connector.steps[*index].name.clone());
            trace.cache.extend(names.map(CacheTrace::Dropped));
            trace.rules = findings.rules;
            trace.captures.extend(findings.captures);
            trace.identity = findings.identity;
            trace.map = findings.map;
        });
        if findings.unsent {
            run.code_quota = CodeQuota::Unsent;
        }
        run.stale.extend(findings.stale);
        if let Some((code, message)) = findings.error {
            run.mapped.error_code = code;
            run.mapped.error_message = message;
        }
        if let Some(refused) = findings.refused {
            run.refused = refused;
        }
        let StepSuccess { result, subject, compared, mapped } =
            only_verified(step, result, unverified).map_err(|stop| redirect::append(stop, redirect_line))?;
        recorder.enter("map");
        if compared {
            run.compared.push(run.index_of(step));
        }
        if subject.is_some() {
            let counts = step.response.identity.as_ref().is_some_and(|identity| identity.counts);
            run.named = counts || step.role == Role::Factor;
            run.subject = subject;
        }
        step.response.map.add(mapped, &mut run.mapped);
        Ok(result)
    }
}

/// A step that looks for a token succeeds with one that is believed only, whatever its rules read.
fn only_verified(
    step: &Step,
    result: Result<StepSuccess, Stop>,
    unverified: Option<String>,
) -> Result<StepSuccess, Stop> {
    if step.response.jwt.is_none() {
        return result;
    }
    match (result, unverified) {
        (Ok(success), Some(why)) if !matches!(success.result.proof, Proof::More(_)) => {
            Err(Stop::unavailable(Cause::UnexpectedReply, why))
        }
        (Err(stop), why) => Err(redirect::append(stop, why)),
        (result, _) => result,
    }
}

/// Stage 1: whether a step runs.
pub(super) async fn when(step: &Step, run: &mut Run<'_>, recorder: &mut Recorder) -> Result<Truth, Stop> {
    let Some(when) = &step.when else { return Ok(Truth::True) };
    let (truth, watched) = if run.retained <= LARGE {
        evaluate_when(when, Secrecy::of(run.connector, step), &run.context, run.tracing)
    } else {
        let index = run.index_of(step);
        let lent = move |known: &LentState| {
            let LentState { steps, secret_env, context, tracing, .. } = known;
            let secrecy = Secrecy { steps, secret_env, step: &steps[index] };
            steps[index].when.as_ref().map(|when| evaluate_when(when, secrecy, context, *tracing))
        };
        Box::pin(run.offload_with_state(lent)).await?.unwrap_or((Truth::True, None))
    };
    recorder.trace(|trace| trace.when = watched);
    Ok(truth)
}

fn evaluate_when(
    when: &Condition,
    secrecy: Secrecy<'_>,
    context: &Context,
    tracing: bool,
) -> (Truth, Option<RuleTrace>) {
    let facts = Facts { context, reply: None, claims: None };
    let truth = when.holds(facts, Absent::Unknown);
    (truth, tracing.then(|| rule_trace::when(when, truth, facts, secrecy)))
}

fn judge_input(input: JudgeInput<'_>) -> Judgement {
    let mut findings = Findings::default();
    let result = match input.view {
        None => without_reply(input, &mut findings),
        Some(view) => of_reply(input, view, &mut findings),
    };
    Judgement { findings, result, redirect_line: None, unverified: None }
}

fn of_reply(input: JudgeInput<'_>, view: &ReplyView<'_>, findings: &mut Findings) -> Result<StepSuccess, Stop> {
    findings.stale = stale(input);
    require_judged_status(input.step, view, findings)?;
    let judged = judge_by_rules(input, findings);
    findings.unsent = sends::was_sent(input.step, input.facts(), &judged) == Truth::False;
    let message = map_error(input, findings);
    let (proof, explain) = match judged {
        Ok(judged) => judged,
        Err(stop) => {
            if matches!(stop.ending, Ending::Reject { .. }) {
                map_refused(input, findings);
            }
            return Err(with_message(stop, message));
        }
    };
    let captures = capture(input, findings)?;
    let Compared { subject, compared } = compare_identity(input, &proof, findings)?;
    let mapped = map_data(input, findings);
    let page = input.asked.map(|asked| page_facts::of_reply(input.step, view.decoded, asked)).unwrap_or_default();
    let result = StepResult { proof, status: Some(view.status), captures, page, explain, good_for: good_for(input) };
    Ok(StepSuccess { result, subject, compared, mapped })
}

/// A step without a request: its rules and captures look at variables, and at what the token of an answer claims.
fn without_reply(input: JudgeInput<'_>, findings: &mut Findings) -> Result<StepSuccess, Stop> {
    let (proof, explain) = judge_by_rules(input, findings)?;
    let captures = capture(input, findings)?;
    let Compared { subject, compared } = compare_identity(input, &proof, findings)?;
    let result = StepResult { proof, status: None, captures, page: PageFacts::default(), explain, good_for: None };
    Ok(StepSuccess { result, subject, compared, mapped: map_data(input, findings) })
}

/// The upstream's name for the user, compared with the name that was sent.
fn compare_identity(input: JudgeInput<'_>, proof: &Proof, findings: &mut Findings) -> Result<Compared, Stop> {
    let more = matches!(proof, Proof::More(_));
    let (steps, facts) = (input.secrecy.steps, input.facts());
    let (trace, compared) = identity::compare((input.step, steps), facts, input.claimed, more, input.tracing);
    findings.identity = trace;
    compared
}

/// The cached captures that this reply invalidates (`drop_when`); a reply that ends the login may do so too.
fn stale(input: JudgeInput<'_>) -> Vec<usize> {
    let says_so = |index: &usize| {
        let plan = input.secrecy.steps[*index].cache.as_ref();
        let condition = plan.and_then(|plan| plan.drop_when.as_ref());
        condition.is_some_and(|condition| condition.holds(input.facts(), Absent::Unknown) == Truth::True)
    };
    input.step.invalidates.iter().copied().filter(says_so).collect()
}

/// A status outside those that decide a login is unavailable, unless a rule names it; then that rule must hold.
fn require_judged_status(step: &Step, view: &ReplyView<'_>, findings: &mut Findings) -> Result<(), Stop> {
    if is_judged_status(view.status, &step.response.named_statuses) {
        return Ok(());
    }
    findings.unjudged_status = true;
    let line = explain::unjudged_status(view.status, "no rule names it", view.decoded);
    Err(Stop::unavailable(doubt(Some(view.status)), line))
}

/// Judges by the rules. The text beside a proof explains it.
fn judge_by_rules(input: JudgeInput<'_>, findings: &mut Findings) -> Result<(Proof, String), Stop> {
    let (step, facts) = (input.step, input.facts());
    let rules = &step.response.rules;
    let judging = Judging::recording(rules, facts);
    let result = match step.role {
        Role::Factor => match judge_factor(&judging) {
            FactorOutcome::Success(proof) => Ok(Proof::Factor(proof)),
            FactorOutcome::More(proof) => Ok(Proof::More(proof)),
            FactorOutcome::Denied(denial) => Err(denial),
        },
        Role::Helper => match judge_helper(&judging) {
            HelperOutcome::Success(proof) => Ok(Proof::Helper(proof)),
            HelperOutcome::More(proof) => Ok(Proof::More(proof)),
            HelperOutcome::Denied(denial) => Err(denial),
        },
    };
    let seen = judging.into_seen();
    let explain =
        explain::judged(input.secrecy, result.as_ref().map_or_else(Result::Err, Result::Ok), &seen, input.view);
    if input.tracing {
        findings.rules = rule_trace::rules(facts, &seen, input.secrecy);
    }
    match result {
        Ok(proof) => Ok((proof, explain)),
        Err(denial) => {
            let unavailable = matches!(denial, Denial::Unavailable(_));
            findings.unjudged_status = unavailable && input.view.is_some_and(|view| !is_decisive_status(view.status));
            Err(denied(denial, rules, explain, input.mask))
        }
    }
}

fn denied(denial: Denial, rules: &StepRules, explain: String, mask: &Mask) -> Stop {
    let ending = match denial {
        Denial::Reject { reason, row } => {
            let message = row.and_then(|row| rules.reject[row].message.as_deref());
            Ending::Reject { reason, message: message.map(|text| plain_text(text, mask)) }
        }
        Denial::Unavailable(cause) => Ending::Unavailable(cause),
        Denial::Pending => Ending::Pending,
    };
    Stop { ending, explain }
}

fn capture(input: JudgeInput<'_>, findings: &mut Findings) -> Result<IndexMap<String, Option<Value>>, Stop> {
    let mut captured = IndexMap::new();
    for capture in &input.step.response.captures {
        let value = match capture.source.taken(input.facts()) {
            SourceValue::Unknown(why) if !capture.optional => {
                let line = format!("the capture {} cannot be read: {why}", capture.name);
                return Err(Stop::unavailable(Cause::UnexpectedReply, line));
            }
            found => found.into_value().filter(|value| **value != Value::Null).map(Cow::into_owned),
        };
        if value.is_none() && !capture.optional {
            let line = format!("the reply has no {} for the capture {}", capture.source, capture.name);
            return Err(Stop::unavailable(Cause::UnexpectedReply, line));
        }
        if input.tracing {
            let (name, public) = (capture.name.clone(), capture.public);
            findings.captures.push(CaptureTrace { name, value: value.clone(), public });
        }
        captured.insert(capture.name.clone(), value);
    }
    Ok(captured)
}

/// How long the captures may be cached, in a step with `cache`.
fn good_for(input: JudgeInput<'_>) -> Option<Result<Duration, LifetimeError>> {
    input.step.cache.as_ref().map(|plan| plan.good_for.span(input.facts()))
}
