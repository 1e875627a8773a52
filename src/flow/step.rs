//! The stages of one step, in order, a line each.
//!
//! Every stage either goes on or stops the run with one ending and one line of explanation. No stage calls another.

use std::borrow::Cow;
use std::time::Duration;

use indexmap::IndexMap;
use tokio::time::Instant;

use super::conceal::Secrecy;
use super::decode::decode_reply;
use super::report::{CaptureTrace, IdentityTrace, MapTrace, StepReport};
use super::run::{Done, Proof, Run};
use super::stop::{Ending, Stop};
use super::{cached, conceal, explain, page, send, watched};
use crate::condition::{Facts, Judging, StepRules, ValueSource, doubt, speaks, status_speaks};
use crate::connector::{Match, Role, Step};
use crate::context::PageFacts;
use crate::document::{Value, from_json};
use crate::mapping::plain_text;
use crate::response::source::{Found, ReplyView};
use crate::response::{Decoded, check_headers};
use crate::script::Outcome;
use crate::upstream::Reply;
use crate::verdict::{Cause, Denial, FactorOutcome, HelperOutcome, Mapped, Reason, judge_factor, judge_helper};

/// Runs one step whose `when` is true.
pub(super) async fn run(step: &Step, run: &mut Run<'_>, report: &mut StepReport) -> Result<Done, Stop> {
    let mut watch = Stopwatch::new(report.trace.is_some());
    let filled = variables(step, run).await;
    watch.lap("variables", report);
    filled?;
    show_env(run, report);
    let Some(plan) = &step.request else { return judge_without_reply(step, run, report) };
    let ready = send::render(step, plan, run, report)?;
    watch.lap("render", report);
    let reply = send::send(step, plan, run, ready, report).await;
    watch.lap("send", report);
    let (reply, asked) = reply?;
    report.status = Some(reply.status);
    check_headers(&reply.headers).map_err(|error| Stop::unavailable(Cause::ResponseTooLarge, error.to_string()))?;
    let mut decoded = decode_reply(step, run, (&reply, &asked), report).await?;
    watch.lap("decode", report);
    let now = i64::try_from(run.context.step.unix).unwrap_or(i64::MAX);
    let host = asked.host_str();
    if let Err(stop) = named(step, &reply, &decoded, report) {
        let view = ReplyView::new(reply.status, &reply.headers, &decoded, now).from_host(host);
        cached::listen(step, run, &view, report);
        return Err(stop);
    }
    let made = preprocess(step, run, &reply, &mut decoded).await;
    watch.lap("preprocess", report);
    show_document(step, &decoded, report);
    made?;
    let view = ReplyView::new(reply.status, &reply.headers, &decoded, now).from_host(host);
    cached::listen(step, run, &view, report);
    let judged = judge(step, run, Some(&view), report);
    watch.lap("judge", report);
    let message = map_error(step, run, &view, report);
    let (proof, explain) = match judged {
        Ok(judged) => judged,
        Err(stop) => {
            if matches!(stop.ending, Ending::Reject { .. }) {
                map_refused(step, run, &view, report);
            }
            let told = explain::told(run.mapped.error_code.as_deref(), message.as_deref());
            return Err(with_message(stop, message, &told));
        }
    };
    let captures = capture(step, run, Some(&view), report)?;
    identity(step, run, &view, report)?;
    map_data(step, run, &view, report);
    watch.lap("map", report);
    let good_for = good_for(step, run, &view);
    let page = page::left_by(step, &decoded, &asked);
    Ok(Done { proof, status: Some(reply.status), captures, page, explain, good_for })
}

/// Stage 1: the variables script fills `env`.
async fn variables(step: &Step, run: &mut Run<'_>) -> Result<(), Stop> {
    let Some(script) = &step.variables else { return Ok(()) };
    let outcome = run.tools.scripts.call(script.id, script.variables(&run.context), run.deadline).await;
    let env = match outcome {
        Outcome::Value(json) => from_json(json.as_bytes()),
        other => return Err(script_failed(&other, run, "variables script", Stop::misconfigured)),
    };
    match env {
        Ok(Value::Object(env)) => {
            run.context.env = env;
            conceal::env(run, &step.public);
            Ok(())
        }
        _ => Err(Stop::misconfigured("the variables script left no object in env")),
    }
}

/// What a script that gave no value means. A thrown message may hold what the user typed, so it is never shown.
fn script_failed(outcome: &Outcome, run: &Run<'_>, what: &str, blame: impl Fn(String) -> Stop) -> Stop {
    match outcome {
        Outcome::Rejected { message } => Stop {
            ending: Ending::Reject { reason: Reason::InvalidInput, message: Some(plain_text(message, &run.mask)) },
            explain: format!("the {what} rejected the input"),
        },
        Outcome::Overloaded => Stop::unavailable(Cause::Overloaded, format!("no worker was free for the {what}")),
        Outcome::TimedOut => Stop::unavailable(Cause::Timeout, format!("the deadline passed before the {what} ended")),
        other => blame(format!("the {what} {}", explain::script(other))),
    }
}

fn show_env(run: &Run<'_>, report: &mut StepReport) {
    if let Some(trace) = &mut report.trace {
        trace.env = run.context.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    }
}

fn show_document(step: &Step, decoded: &Decoded, report: &mut StepReport) {
    if let Some(reply) = report.trace.as_mut().and_then(|trace| trace.reply.as_mut()) {
        reply.document = decoded.document.as_ref().ok().cloned();
        reply.preprocessed = step.response.preprocess.is_some() && decoded.document.is_ok();
    }
}

/// A status that says neither yes nor no is trouble when no rule names it; when one does, that rule must hold.
fn named(step: &Step, reply: &Reply, decoded: &Decoded, report: &mut StepReport) -> Result<(), Stop> {
    if status_speaks(reply.status, &step.response.named_statuses) {
        return Ok(());
    }
    report.mute = true;
    Err(Stop::unavailable(doubt(Some(reply.status)), explain::mute_status(reply.status, "no rule names it", decoded)))
}

/// Stage 6: the preprocess script turns the document into the one that rules read. An undecodable body never gets here.
async fn preprocess(step: &Step, run: &mut Run<'_>, reply: &Reply, decoded: &mut Decoded) -> Result<(), Stop> {
    let Some(script) = &step.response.preprocess else { return Ok(()) };
    if decoded.document.is_err() {
        return Ok(());
    }
    let input = script.preprocess(&run.context, reply, decoded);
    match run.tools.scripts.call(script.id, input, run.deadline).await {
        Outcome::Value(json) => {
            let document = from_json(json.as_bytes());
            decoded.document = Ok(document.map_err(|_| {
                Stop::unavailable(Cause::UnexpectedReply, "the preprocess script's result is no document")
            })?);
            Ok(())
        }
        killed @ Outcome::Killed { .. } => {
            Err(Stop::unavailable(Cause::Script, format!("the preprocess script {}", explain::script(&killed))))
        }
        other => {
            Err(script_failed(&other, run, "preprocess script", |what| Stop::unavailable(Cause::UnexpectedReply, what)))
        }
    }
}

/// Stage 7: what the reply means. The line beside a proof says why.
fn judge(
    step: &Step,
    run: &Run<'_>,
    view: Option<&ReplyView<'_>>,
    report: &mut StepReport,
) -> Result<(Proof, String), Stop> {
    let rules = &step.response.rules;
    let facts = Facts { context: &run.context, reply: view, claims: None };
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
    let secrecy = Secrecy { connector: run.connector, step };
    let explain = explain::judged(secrecy, result.as_ref().map_or_else(Result::Err, Result::Ok), &seen, view);
    if let Some(trace) = &mut report.trace {
        trace.rules = watched::rules(facts, &seen, secrecy);
    }
    match result {
        Ok(proof) => Ok((proof, explain)),
        Err(denial) => {
            let unavailable = matches!(denial, Denial::Unavailable(_));
            report.mute = unavailable && view.is_some_and(|view| !speaks(view.status));
            Err(denied(denial, rules, explain, run))
        }
    }
}

fn denied(denial: Denial, rules: &StepRules, explain: String, run: &Run<'_>) -> Stop {
    let ending = match denial {
        Denial::Reject { reason, row } => {
            let message = row.and_then(|row| rules.reject[row].message.as_deref());
            Ending::Reject { reason, message: message.map(|text| plain_text(text, &run.mask)) }
        }
        Denial::Unavailable(cause) => Ending::Unavailable(cause),
        Denial::Pending => Ending::Pending,
    };
    Stop { ending, explain }
}

/// A step without a request: its rules and captures look at variables only.
fn judge_without_reply(step: &Step, run: &mut Run<'_>, report: &mut StepReport) -> Result<Done, Stop> {
    // The answer is used here as it would be at an upstream: whatever comes of it, it is not put back for another try.
    run.written |= step.ask.is_some();
    let (proof, explain) = judge(step, run, None, report)?;
    let captures = capture(step, run, None, report)?;
    Ok(Done { proof, status: None, captures, page: PageFacts::default(), explain, good_for: None })
}

/// Error code and message of this reply, whatever it was judged to be; the last step that replied decides.
fn map_error(step: &Step, run: &mut Run<'_>, view: &ReplyView<'_>, report: &mut StepReport) -> Option<String> {
    let facts = Facts { context: &run.context, reply: Some(view), claims: None };
    let (code, message) = step.response.map.error(facts, &run.mask);
    if let Some(trace) = &mut report.trace {
        let secrecy = Secrecy { connector: run.connector, step };
        let keeps = |source: &Option<ValueSource>| source.as_ref().is_some_and(|source| secrecy.keeps_source(source));
        trace.map = Some(MapTrace {
            error_code: code.clone(),
            error_message: message.clone(),
            kept: keeps(&step.response.map.error_code) || keeps(&step.response.map.error_message),
            ..MapTrace::default()
        });
    }
    run.mapped.error_code = code;
    run.mapped.error_message.clone_from(&message);
    message
}

/// The upstream's message: for the user of a refusal, and for the administrator where nothing was decided.
fn with_message(stop: Stop, upstream: Option<String>, told: &str) -> Stop {
    match stop.ending {
        Ending::Reject { reason, message } => {
            Stop { ending: Ending::Reject { reason, message: message.or(upstream) }, ..stop }
        }
        Ending::Unavailable(_) => Stop { explain: format!("{}{told}", stop.explain), ..stop },
        _ => stop,
    }
}

/// Stage 8: what later steps may read.
fn capture(
    step: &Step,
    run: &Run<'_>,
    view: Option<&ReplyView<'_>>,
    report: &mut StepReport,
) -> Result<IndexMap<String, Option<Value>>, Stop> {
    let facts = Facts { context: &run.context, reply: view, claims: None };
    let mut captured = IndexMap::new();
    for capture in &step.response.captures {
        let value = match capture.source.read(facts) {
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
        if let Some(trace) = &mut report.trace {
            trace.captures.push(CaptureTrace {
                name: capture.name.clone(),
                value: value.clone(),
                public: capture.public,
            });
        }
        captured.insert(capture.name.clone(), value);
    }
    Ok(captured)
}

/// Who the upstream says this is must be who the user said they are.
fn identity(step: &Step, run: &mut Run<'_>, view: &ReplyView<'_>, report: &mut StepReport) -> Result<(), Stop> {
    let Some(identity) = &step.response.identity else { return Ok(()) };
    let facts = Facts { context: &run.context, reply: Some(view), claims: None };
    let said = identity.source.read(facts).into_value();
    let said = said.and_then(|value| value.scalar_text().filter(|text| !text.is_empty()).map(str::to_owned));
    let same = said.as_ref().and_then(|said| match identity.how {
        Match::Exact => Some(*said == run.claimed),
        // ASCII only: folding other scripts can make two names one (U+212A KELVIN SIGN is `k`).
        Match::IgnoreCase => Some(said.eq_ignore_ascii_case(&run.claimed)),
        Match::Report => None,
    });
    if let Some(trace) = &mut report.trace {
        trace.identity = Some(IdentityTrace { source: identity.source.to_string(), said: said.clone(), same });
    }
    let Some(said) = said else {
        if identity.how == Match::Report {
            return Ok(());
        }
        let line = format!("the reply does not say who this is: no {}", identity.source);
        return Err(Stop::unavailable(Cause::UnexpectedReply, line));
    };
    match same {
        None => {}
        Some(true) => run.compared.extend(identity.counts.then(|| index_of(step, run))),
        Some(false) => {
            return Err(Stop::reject(Reason::IdentityMismatch, "the upstream authenticated another account"));
        }
    }
    run.subject = Some(said);
    Ok(())
}

/// Stage 9: extension and attributes.
fn map_data(step: &Step, run: &mut Run<'_>, view: &ReplyView<'_>, report: &mut StepReport) {
    let facts = Facts { context: &run.context, reply: Some(view), claims: None };
    step.response.map.data(facts, &mut run.mapped);
    if let Some(map) = report.trace.as_mut().and_then(|trace| trace.map.as_mut()) {
        let mut own = Mapped::default();
        step.response.map.data(facts, &mut own);
        map.extension = own.extension;
        map.attributes = own.attributes;
    }
}

/// Stage 9 of a refusal: extension and attributes of this reply alone. A part of which nothing is there is null.
fn map_refused(step: &Step, run: &mut Run<'_>, view: &ReplyView<'_>, report: &mut StepReport) {
    let facts = Facts { context: &run.context, reply: Some(view), claims: None };
    let mut own = Mapped::default();
    step.response.map.data(facts, &mut own);
    let empty = |value: &Value| match value {
        Value::Object(parts) => parts.values().all(|part| *part == Value::Null),
        other => *other == Value::Null,
    };
    own.extension = own.extension.filter(|extension| !empty(extension));
    own.attributes.retain(|(_, value)| *value != Value::Null);
    if let Some(map) = report.trace.as_mut().and_then(|trace| trace.map.as_mut()) {
        map.extension.clone_from(&own.extension);
        map.attributes.clone_from(&own.attributes);
    }
    run.refused = own;
}

/// Where the step stands in the connector.
fn index_of(step: &Step, run: &Run<'_>) -> usize {
    run.connector.steps.iter().position(|known| known.name == step.name).unwrap_or(usize::MAX)
}

/// How long what was captured serves others, where it may.
fn good_for(step: &Step, run: &Run<'_>, view: &ReplyView<'_>) -> Option<Result<Duration, String>> {
    let facts = Facts { context: &run.context, reply: Some(view), claims: None };
    step.cache.as_ref().map(|plan| plan.good_for.span(facts))
}

/// Times the stages of a traced step.
struct Stopwatch(Option<Instant>);

impl Stopwatch {
    fn new(running: bool) -> Self {
        Self(running.then(Instant::now))
    }

    fn lap(&mut self, stage: &'static str, report: &mut StepReport) {
        if let (Some(last), Some(trace)) = (&mut self.0, &mut report.trace) {
            let now = Instant::now();
            trace.timings.push((stage, now.saturating_duration_since(*last)));
            *last = now;
        }
    }
}
