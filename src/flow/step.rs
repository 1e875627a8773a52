//! The stages of one step, in order, a line each.
//!
//! Every stage either goes on or stops the run with one ending and one line of explanation. No stage calls another.

use tokio::time::Instant;

use super::beside::{LARGE, Work};
use super::decode::{self, decode_reply};
use super::meaning::{self, Received};
use super::report::StepReport;
use super::run::{Done, Run};
use super::stop::{Ending, Stop};
use super::{conceal, explain, moved, send};
use crate::condition::status_speaks;
use crate::connector::Step;
use crate::document::{Value, from_json, from_json_within};
use crate::mapping::plain_text;
use crate::response::{Decoded, check_headers};
use crate::script::Outcome;
use crate::upstream::Reply;
use crate::verdict::{Cause, Reason};

/// Runs one step whose `when` is true.
pub(super) async fn run(step: &Step, run: &mut Run<'_>, report: &mut StepReport) -> Result<Done, Stop> {
    let mut watch = Stopwatch::new(report.trace.is_some());
    let filled = variables(step, run).await;
    watch.lap("variables", report);
    filled?;
    show_env(run, report);
    let Some(plan) = &step.request else { return judge_without_reply(step, run, report).await };
    let ready = send::render(step, plan, run, report)?;
    watch.lap("render", report);
    let reply = send::send(step, plan, run, ready, report).await;
    watch.lap("send", report);
    let (reply, asked) = reply?;
    report.status = Some(reply.status);
    let head = check_headers(&reply.headers);
    let head = head.map_err(|error| Stop::unavailable(Cause::ResponseTooLarge, error.to_string()))?;
    run.hold(reply.body.len())?;
    let mut decoded = decode_reply(step, run, &reply, report).await?;
    run.hold(reply.body.len() + decoded.bytes)?;
    watch.lap("decode", report);
    let mut large = run.kept.max(reply.body.len() + head) > LARGE;
    if status_speaks(reply.status, &step.response.named_statuses) {
        let made = preprocess(step, run, &reply, &mut decoded).await;
        watch.lap("preprocess", report);
        show_document(step, &decoded, report);
        large |= made? > LARGE;
    }
    let now = i64::try_from(run.context.step.unix).unwrap_or(i64::MAX);
    let leads = moved::leads(step, run, &reply, &asked);
    let meaning = meaning::of(step, run, Some(Received { reply, decoded, asked, now }), large).await?;
    watch.lap("judge", report);
    let done = meaning.enter(step, run, report).map_err(|stop| moved::told(stop, leads))?;
    watch.lap("map", report);
    Ok(done)
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

/// Stage 6: the preprocess script turns the document into the one that rules read, and says how long that is in JSON. An undecodable
/// body never gets here.
async fn preprocess(step: &Step, run: &mut Run<'_>, reply: &Reply, decoded: &mut Decoded) -> Result<usize, Stop> {
    let Some(script) = &step.response.preprocess else { return Ok(0) };
    if decoded.document.is_err() {
        return Ok(0);
    }
    let input = script.preprocess(&run.context, reply, decoded);
    match run.tools.scripts.call(script.id, input, run.deadline).await {
        Outcome::Value(json) => {
            let (length, most) = (json.len(), step.response.decoding.most);
            let read = move || from_json_within(json.as_bytes(), most.0);
            let document = if length > LARGE { run.beside(Work::Decoding, read).await? } else { read() };
            match document {
                Ok(document) => script.made(document, decoded, most),
                Err(error) if error.too_large => decoded.too_large = true,
                Err(_) => {
                    let what = "the preprocess script's result is no document";
                    return Err(Stop::unavailable(Cause::UnexpectedReply, what));
                }
            }
            decode::fits(step, decoded)?;
            Ok(length)
        }
        killed @ Outcome::Killed { .. } => {
            Err(Stop::unavailable(Cause::Script, format!("the preprocess script {}", explain::script(&killed))))
        }
        other => {
            Err(script_failed(&other, run, "preprocess script", |what| Stop::unavailable(Cause::UnexpectedReply, what)))
        }
    }
}

/// A step without a request: its rules and captures look at variables only.
async fn judge_without_reply(step: &Step, run: &mut Run<'_>, report: &mut StepReport) -> Result<Done, Stop> {
    // The answer is used here as it would be at an upstream: whatever comes of it, it is not put back for another try.
    run.written |= step.ask.is_some();
    let large = run.kept > LARGE;
    meaning::of(step, run, None, large).await?.enter(step, run, report)
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
