//! Stages 8 and 9 of one reply: what it means, what of it later steps may read, what of it goes back.
//!
//! A function of what the login knows and of the reply. It changes nothing, so that a large reply can be looked at on another
//! thread; what it found is entered into the run afterwards.

mod map;
mod matter;

use std::borrow::Cow;
use std::time::Duration;

use self::map::{map_data, map_error, map_refused, with_message};
use self::matter::{Good, Matter, Notes};
use super::beside::{Known, LARGE};
use super::conceal::Secrecy;
use super::decode::Received;
use super::identity::{self, Compared};
use super::recorder::Recorder;
use super::report::{CacheTrace, CaptureTrace, RuleTrace};
use super::state::{Code, Proof, Run, StepResult};
use super::stop::{Ending, Stop};
use super::{explain, moved, page, sends, watched};
use crate::condition::{Absent, Condition, Facts, Judging, StepRules, doubt, speaks, status_speaks};
use crate::connector::{Role, Step};
use crate::context::{Context, PageFacts};
use crate::document::Value;
use crate::mapping::plain_text;
use crate::mask::Mask;
use crate::response::source::{Found, ReplyView};
use crate::verdict::{Cause, Denial, FactorOutcome, HelperOutcome, Truth, judge_factor, judge_helper};
use indexmap::IndexMap;

/// What was found.
pub(super) struct Meaning {
    notes: Notes,
    result: Result<Good, Stop>,
    /// Where a redirect leads.
    leads: Option<String>,
}

/// Stage 8: looks at the reply of a step, or at a step without one; beside the runtime when there is much to look at.
pub(super) async fn judge(
    step: &Step,
    run: &mut Run<'_>,
    received: Option<Received>,
    recorder: &mut Recorder,
) -> Result<Meaning, Stop> {
    recorder.enter("judge");
    let leads = received.as_ref().and_then(|received| moved::leads(step, run, &received.reply, &received.asked));
    let bytes = received.as_ref().map_or(0, |received| received.bytes);
    let meaning = if run.retained.max(bytes) > LARGE {
        let index = run.index_of(step);
        Box::pin(run.beside_with(move |known| lent(known, index, received.as_ref()))).await?
    } else {
        looked_at_here(step, run, received.as_ref())
    };
    Ok(Meaning { leads, ..meaning })
}

fn looked_at_here(step: &Step, run: &Run<'_>, received: Option<&Received>) -> Meaning {
    let view = received.map(Received::view);
    look(Matter {
        secrecy: Secrecy::of(run.connector, step),
        step,
        context: &run.context,
        mask: &run.mask,
        claimed: &run.claimed,
        tracing: run.tracing,
        view: view.as_ref(),
        asked: received.map(|received| &received.asked),
    })
}

fn lent(known: &Known, index: usize, received: Option<&Received>) -> Meaning {
    let Known { steps, secret_env, context, mask, claimed, tracing } = known;
    let (view, step) = (received.map(Received::view), &steps[index]);
    look(Matter {
        secrecy: Secrecy { steps, secret_env, step },
        step,
        context,
        mask,
        claimed,
        tracing: *tracing,
        view: view.as_ref(),
        asked: received.map(|received| &received.asked),
    })
}

impl Meaning {
    /// Stage 9: enters into the run what was found: captures for later steps, and what goes back to the caller.
    pub(super) fn capture_and_map(
        self,
        step: &Step,
        run: &mut Run<'_>,
        recorder: &mut Recorder,
    ) -> Result<StepResult, Stop> {
        let Self { mut notes, mut result, leads } = self;
        notes.tell(step, run, &mut result);
        recorder.report.mute |= notes.mute;
        recorder.trace(|trace| {
            let names = notes.stale.iter().map(|index| run.connector.steps[*index].name.clone());
            trace.cache.extend(names.map(CacheTrace::Dropped));
            trace.rules = notes.rules;
            trace.captures.extend(notes.captures);
            trace.identity = notes.identity;
            trace.map = notes.map;
        });
        if notes.unsent {
            run.code = Code::Unsent;
        }
        run.stale.extend(notes.stale);
        if let Some((code, message)) = notes.error {
            run.mapped.error_code = code;
            run.mapped.error_message = message;
        }
        if let Some(refused) = notes.refused {
            run.refused = refused;
        }
        let Good { result, subject, compared, mapped } = result.map_err(|stop| moved::told(stop, leads))?;
        recorder.enter("map");
        if compared {
            run.compared.push(run.index_of(step));
        }
        if subject.is_some() {
            run.subject = subject;
        }
        step.response.map.add(mapped, &mut run.mapped);
        Ok(result)
    }
}

/// Stage 1: whether a step runs.
pub(super) async fn when(step: &Step, run: &mut Run<'_>, recorder: &mut Recorder) -> Result<Truth, Stop> {
    let Some(when) = &step.when else { return Ok(Truth::True) };
    let (truth, watched) = if run.retained <= LARGE {
        asked(when, Secrecy::of(run.connector, step), &run.context, run.tracing)
    } else {
        let index = run.index_of(step);
        let lent = move |known: &Known| {
            let Known { steps, secret_env, context, tracing, .. } = known;
            let secrecy = Secrecy { steps, secret_env, step: &steps[index] };
            steps[index].when.as_ref().map(|when| asked(when, secrecy, context, *tracing))
        };
        Box::pin(run.beside_with(lent)).await?.unwrap_or((Truth::True, None))
    };
    recorder.trace(|trace| trace.when = watched);
    Ok(truth)
}

fn asked(when: &Condition, secrecy: Secrecy<'_>, context: &Context, tracing: bool) -> (Truth, Option<RuleTrace>) {
    let facts = Facts { context, reply: None, claims: None };
    let truth = when.holds(facts, Absent::Unknown);
    (truth, tracing.then(|| watched::when(when, truth, facts, secrecy)))
}

/// The order of looking.
fn look(matter: Matter<'_>) -> Meaning {
    let mut notes = Notes::default();
    let result = match matter.view {
        None => without_reply(matter, &mut notes),
        Some(view) => of_reply(matter, view, &mut notes),
    };
    Meaning { notes, result, leads: None }
}

fn of_reply(matter: Matter<'_>, view: &ReplyView<'_>, notes: &mut Notes) -> Result<Good, Stop> {
    notes.stale = stale(matter);
    named(matter.step, view, notes)?;
    let judged = judge_by_rules(matter, notes);
    notes.unsent = sends::went_out(matter.step, matter.facts(), &judged) == Truth::False;
    let message = map_error(matter, notes);
    let (proof, explain) = match judged {
        Ok(judged) => judged,
        Err(stop) => {
            if matches!(stop.ending, Ending::Reject { .. }) {
                map_refused(matter, notes);
            }
            return Err(with_message(stop, message));
        }
    };
    let captures = capture(matter, notes)?;
    let more = matches!(proof, Proof::More(_));
    let (steps, facts) = (matter.secrecy.steps, matter.facts());
    let (trace, compared) = identity::compare((matter.step, steps), facts, matter.claimed, more, matter.tracing);
    notes.identity = trace;
    let Compared { subject, compared } = compared?;
    let mapped = map_data(matter, notes);
    let page = matter.asked.map(|asked| page::left_by(matter.step, view.decoded, asked)).unwrap_or_default();
    let result = StepResult { proof, status: Some(view.status), captures, page, explain, good_for: good_for(matter) };
    Ok(Good { result, subject, compared, mapped })
}

/// A step without a request: its rules and captures look at variables only.
fn without_reply(matter: Matter<'_>, notes: &mut Notes) -> Result<Good, Stop> {
    let (proof, explain) = judge_by_rules(matter, notes)?;
    let captures = capture(matter, notes)?;
    let result = StepResult { proof, status: None, captures, page: PageFacts::default(), explain, good_for: None };
    Ok(Good { result, subject: None, compared: false, mapped: map_data(matter, notes) })
}

/// What a reply says about captures that it was asked with: looked at in one that may end the login, too.
fn stale(matter: Matter<'_>) -> Vec<usize> {
    let says_so = |index: &usize| {
        let plan = matter.secrecy.steps[*index].cache.as_ref();
        let condition = plan.and_then(|plan| plan.drop_when.as_ref());
        condition.is_some_and(|condition| condition.holds(matter.facts(), Absent::Unknown) == Truth::True)
    };
    matter.step.invalidates.iter().copied().filter(says_so).collect()
}

/// A status that says neither yes nor no is trouble when no rule names it; when one does, that rule must hold.
fn named(step: &Step, view: &ReplyView<'_>, notes: &mut Notes) -> Result<(), Stop> {
    if status_speaks(view.status, &step.response.named_statuses) {
        return Ok(());
    }
    notes.mute = true;
    let line = explain::mute_status(view.status, "no rule names it", view.decoded);
    Err(Stop::unavailable(doubt(Some(view.status)), line))
}

/// What the rules say. The line beside a proof says why.
fn judge_by_rules(matter: Matter<'_>, notes: &mut Notes) -> Result<(Proof, String), Stop> {
    let (step, facts) = (matter.step, matter.facts());
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
        explain::judged(matter.secrecy, result.as_ref().map_or_else(Result::Err, Result::Ok), &seen, matter.view);
    if matter.tracing {
        notes.rules = watched::rules(facts, &seen, matter.secrecy);
    }
    match result {
        Ok(proof) => Ok((proof, explain)),
        Err(denial) => {
            let unavailable = matches!(denial, Denial::Unavailable(_));
            notes.mute = unavailable && matter.view.is_some_and(|view| !speaks(view.status));
            Err(denied(denial, rules, explain, matter.mask))
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

/// What later steps may read.
fn capture(matter: Matter<'_>, notes: &mut Notes) -> Result<IndexMap<String, Option<Value>>, Stop> {
    let mut captured = IndexMap::new();
    for capture in &matter.step.response.captures {
        let value = match capture.source.taken(matter.facts()) {
            Found::Unknown(why) if !capture.optional => {
                let line = format!("the capture {} cannot be read: {why}", capture.name);
                return Err(Stop::unavailable(Cause::UnexpectedReply, line));
            }
            found => found.into_value().filter(|value| **value != Value::Null).map(Cow::into_owned),
        };
        if value.is_none() && !capture.optional {
            let line = format!("the reply has no {} for the capture {}", capture.source, capture.name);
            return Err(Stop::unavailable(Cause::UnexpectedReply, line));
        }
        if matter.tracing {
            let (name, public) = (capture.name.clone(), capture.public);
            notes.captures.push(CaptureTrace { name, value: value.clone(), public });
        }
        captured.insert(capture.name.clone(), value);
    }
    Ok(captured)
}

/// How long what was captured serves others, where it may.
fn good_for(matter: Matter<'_>) -> Option<Result<Duration, String>> {
    matter.step.cache.as_ref().map(|plan| plan.good_for.span(matter.facts()))
}
