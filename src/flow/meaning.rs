//! Stages 7 to 9 of one reply: what it means, what of it is kept, what of it goes back.
//!
//! A function of what the login knows and of the reply. It changes nothing, so that a large reply can be looked at on another
//! thread; what it found is entered into the run afterwards.

mod map;

use std::borrow::Cow;
use std::time::Duration;

use indexmap::IndexMap;
use url::Url;

use self::map::{map_data, map_error, map_refused, with_message};
use super::beside::{Known, LARGE};
use super::conceal::Secrecy;
use super::identity::{self, Compared};
use super::report::{CacheTrace, CaptureTrace, IdentityTrace, MapTrace, RuleTrace, StepReport};
use super::run::{Done, Proof, Run};
use super::stop::{Ending, Stop};
use super::{explain, page, sends, watched};
use crate::condition::{Absent, Facts, Judging, StepRules, doubt, speaks, status_speaks};
use crate::connector::{Role, Step};
use crate::context::{Context, PageFacts};
use crate::document::Value;
use crate::mapping::plain_text;
use crate::mask::Mask;
use crate::response::Decoded;
use crate::response::source::{Found, ReplyView};
use crate::upstream::Reply;
use crate::verdict::{Cause, Denial, FactorOutcome, HelperOutcome, Mapped, Truth, judge_factor, judge_helper};

/// A reply that was read.
pub(super) struct Received {
    pub reply: Reply,
    pub decoded: Decoded,
    /// The URL that was asked.
    pub asked: Url,
    /// Seconds since 1970.
    pub now: i64,
}

/// What is looked at.
#[derive(Clone, Copy)]
struct Matter<'a> {
    secrecy: Secrecy<'a>,
    step: &'a Step,
    context: &'a Context,
    mask: &'a Mask,
    /// The name that identity is compared with.
    claimed: &'a str,
    tracing: bool,
    view: Option<&'a ReplyView<'a>>,
    /// The URL that was asked.
    asked: Option<&'a Url>,
}

/// What was found.
pub(super) struct Meaning {
    notes: Notes,
    result: Result<Good, Stop>,
}

/// What is entered into the run whatever the reply means.
#[derive(Default)]
struct Notes {
    /// Steps with `cache` whose captures the reply calls no longer good.
    stale: Vec<usize>,
    /// Whether the status says neither yes nor no, and nothing was decided.
    mute: bool,
    /// Whether the reply says that no code went out.
    unsent: bool,
    /// Error code and message of the reply; none in a step without a request.
    error: Option<(Option<String>, Option<String>)>,
    /// Extension and attributes of a reply that refuses.
    refused: Option<Mapped>,
    rules: Vec<RuleTrace>,
    captures: Vec<CaptureTrace>,
    identity: Option<IdentityTrace>,
    map: Option<MapTrace>,
}

/// A step that succeeded.
struct Good {
    done: Done,
    /// The upstream's name for the user.
    subject: Option<String>,
    /// Whether it was compared, and the comparison counts.
    compared: bool,
    mapped: Mapped,
}

/// Looks at the reply of a step, or at a step without one: there, or beside the runtime when `large`.
pub(super) async fn of(
    step: &Step,
    run: &mut Run<'_>,
    received: Option<Received>,
    large: bool,
) -> Result<Meaning, Stop> {
    if large {
        let index = index_of(step, run);
        return Box::pin(run.beside_with(move |known| lent(known, index, received.as_ref()))).await;
    }
    let view = received.as_ref().map(Received::view);
    Ok(look(Matter {
        secrecy: Secrecy::of(run.connector, step),
        step,
        context: &run.context,
        mask: &run.mask,
        claimed: &run.claimed,
        tracing: run.tracing,
        view: view.as_ref(),
        asked: received.as_ref().map(|received| &received.asked),
    }))
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

impl Received {
    fn view(&self) -> ReplyView<'_> {
        let view = ReplyView::new(self.reply.status, &self.reply.headers, &self.decoded, self.now);
        view.from_host(self.asked.host_str())
    }
}

impl Meaning {
    /// Enters it into the run.
    pub(super) fn enter(self, step: &Step, run: &mut Run<'_>, report: &mut StepReport) -> Result<Done, Stop> {
        let Self { mut notes, mut result } = self;
        notes.tell(step, run, &mut result);
        if let Some(trace) = &mut report.trace {
            let names = notes.stale.iter().map(|index| run.connector.steps[*index].name.clone());
            trace.cache.extend(names.map(CacheTrace::Dropped));
            trace.rules = notes.rules;
            trace.captures.extend(notes.captures);
            trace.identity = notes.identity;
            trace.map = notes.map;
        }
        report.mute |= notes.mute;
        if notes.unsent {
            run.code = sends::Code::Unsent;
        }
        run.stale.extend(notes.stale);
        if let Some((code, message)) = notes.error {
            run.mapped.error_code = code;
            run.mapped.error_message = message;
        }
        if let Some(refused) = notes.refused {
            run.refused = refused;
        }
        let Good { done, subject, compared, mapped } = result?;
        if compared {
            run.compared.push(index_of(step, run));
        }
        if subject.is_some() {
            run.subject = subject;
        }
        step.response.map.add(mapped, &mut run.mapped);
        Ok(done)
    }
}

/// Whether a step runs, and the trace of why.
pub(super) async fn when(step: &Step, run: &mut Run<'_>) -> Result<(Truth, Option<RuleTrace>), Stop> {
    fn look(secrecy: Secrecy<'_>, context: &Context, tracing: bool) -> (Truth, Option<RuleTrace>) {
        let Some(when) = &secrecy.step.when else { return (Truth::True, None) };
        let facts = Facts { context, reply: None, claims: None };
        let truth = when.holds(facts, Absent::Unknown);
        (truth, tracing.then(|| watched::when(when, truth, facts, secrecy)))
    }
    if run.kept <= LARGE {
        return Ok(look(Secrecy::of(run.connector, step), &run.context, run.tracing));
    }
    let index = index_of(step, run);
    let lent = move |known: &Known| {
        let Known { steps, secret_env, context, tracing, .. } = known;
        look(Secrecy { steps, secret_env, step: &steps[index] }, context, *tracing)
    };
    Box::pin(run.beside_with(lent)).await
}

/// The order of looking.
fn look(matter: Matter<'_>) -> Meaning {
    let mut notes = Notes::default();
    let result = match matter.view {
        None => without_reply(matter, &mut notes),
        Some(view) => of_reply(matter, view, &mut notes),
    };
    Meaning { notes, result }
}

fn of_reply(matter: Matter<'_>, view: &ReplyView<'_>, notes: &mut Notes) -> Result<Good, Stop> {
    notes.stale = stale(matter);
    named(matter.step, view, notes)?;
    let judged = judge(matter, notes);
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
    let done = Done { proof, status: Some(view.status), captures, page, explain, good_for: good_for(matter) };
    Ok(Good { done, subject, compared, mapped })
}

/// A step without a request: its rules and captures look at variables only.
fn without_reply(matter: Matter<'_>, notes: &mut Notes) -> Result<Good, Stop> {
    let (proof, explain) = judge(matter, notes)?;
    let captures = capture(matter, notes)?;
    let done = Done { proof, status: None, captures, page: PageFacts::default(), explain, good_for: None };
    Ok(Good { done, subject: None, compared: false, mapped: map_data(matter, notes) })
}

impl<'a> Matter<'a> {
    fn facts(self) -> Facts<'a> {
        Facts { context: self.context, reply: self.view, claims: None }
    }
}

/// What a reply says about captures that it was asked with: looked at in one that may end the login, too.
fn stale(matter: Matter<'_>) -> Vec<usize> {
    let says_so = |index: &usize| {
        let plan = matter.secrecy.steps[*index].cache.as_ref();
        let condition = plan.and_then(|plan| plan.drop_when.as_ref());
        condition.is_some_and(|condition| condition.holds(matter.facts(), Absent::Unknown) == Truth::True)
    };
    matter.step.hears_of.iter().copied().filter(says_so).collect()
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

/// Stage 7: what the reply means. The line beside a proof says why.
fn judge(matter: Matter<'_>, notes: &mut Notes) -> Result<(Proof, String), Stop> {
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

/// Stage 8: what later steps may read.
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

/// Where the step stands in the connector.
fn index_of(step: &Step, run: &Run<'_>) -> usize {
    run.connector.steps.iter().position(|known| known.name == step.name).unwrap_or(usize::MAX)
}

/// How long what was captured serves others, where it may.
fn good_for(matter: Matter<'_>) -> Option<Result<Duration, String>> {
    matter.step.cache.as_ref().map(|plan| plan.good_for.span(matter.facts()))
}
