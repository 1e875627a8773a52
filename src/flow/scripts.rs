//! Stages 2 and 7: the variables script, which fills `env` before the request, and the preprocess script, which turns
//! the reply into the document that rules read.

use super::decode::{self, Received};
use super::offload::{LARGE, OffloadedWork};
use super::recorder::Recorder;
use super::report::StepTrace;
use super::state::Run;
use super::stop::{Ending, Stop};
use super::{conceal, explain};
use crate::condition::is_judged_status;
use crate::connector::Step;
use crate::document::{Value, from_json, from_json_within};
use crate::mapping::plain_text;
use crate::response::Decoded;
use crate::script::CallOutcome;
use crate::verdict::{Cause, Reason};

/// Stage 2: the variables script fills `env`.
pub(super) async fn variables(step: &Step, run: &mut Run<'_>, recorder: &mut Recorder) -> Result<(), Stop> {
    recorder.enter("variables");
    let filled = fill_env(step, run).await;
    if filled.is_ok() {
        recorder.trace(|trace| trace.env = run.context.env.iter().map(|(n, v)| (n.clone(), v.clone())).collect());
    }
    filled
}

async fn fill_env(step: &Step, run: &mut Run<'_>) -> Result<(), Stop> {
    let Some(script) = &step.variables else { return Ok(()) };
    let outcome = run.ports.scripts.call(script.id, script.variables(&run.context), run.deadline).await;
    let env = match outcome {
        CallOutcome::Value(json) => from_json(json.as_bytes()),
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

/// The ending after a script without a value. A thrown message may hold what the user typed, so it is never shown.
fn script_failed(outcome: &CallOutcome, run: &Run<'_>, what: &str, blame: impl Fn(String) -> Stop) -> Stop {
    match outcome {
        CallOutcome::Rejected { message } => Stop {
            ending: Ending::Reject { reason: Reason::InvalidInput, message: Some(plain_text(message, &run.mask)) },
            explain: format!("the {what} rejected the input"),
        },
        CallOutcome::Overloaded => Stop::unavailable(Cause::Overloaded, format!("no worker was free for the {what}")),
        CallOutcome::TimedOut => {
            Stop::unavailable(Cause::Timeout, format!("the deadline passed before the {what} ended"))
        }
        other => blame(format!("the {what} {}", explain::script(other))),
    }
}

/// Stage 7: the preprocess script turns the document into the one that rules read. It does not run on an undecodable
/// body or a reply that no rule judges.
pub(super) async fn preprocess(
    step: &Step,
    run: &mut Run<'_>,
    received: &mut Received,
    recorder: &mut Recorder,
) -> Result<(), Stop> {
    if !is_judged_status(received.reply.status, &step.response.named_statuses) {
        return Ok(());
    }
    recorder.enter("preprocess");
    let made = if received.decoded.document.is_ok() { make_document(step, run, received).await } else { Ok(()) };
    recorder.trace(|trace| show_document(step, &received.decoded, trace));
    made
}

fn show_document(step: &Step, decoded: &Decoded, trace: &mut StepTrace) {
    if let Some(reply) = &mut trace.reply {
        reply.document = decoded.document.as_ref().ok().cloned();
        reply.preprocessed = step.response.preprocess.is_some() && decoded.document.is_ok();
    }
}

async fn make_document(step: &Step, run: &mut Run<'_>, received: &mut Received) -> Result<(), Stop> {
    let Some(script) = &step.response.preprocess else { return Ok(()) };
    let Received { reply, decoded, bytes, .. } = received;
    let input = script.preprocess(&run.context, reply, decoded);
    match run.ports.scripts.call(script.id, input, run.deadline).await {
        CallOutcome::Value(json) => {
            let (length, most) = (json.len(), step.response.decoding.most);
            let read = move || from_json_within(json.as_bytes(), most.0);
            let document = if length > LARGE { run.offload(OffloadedWork::Decoding, read).await? } else { read() };
            match document {
                Ok(document) => script.made(document, decoded, most),
                Err(error) if error.too_large => decoded.too_large = true,
                Err(_) => {
                    let what = "the preprocess script's result is no document";
                    return Err(Stop::unavailable(Cause::UnexpectedReply, what));
                }
            }
            *bytes = length.max(*bytes);
            decode::fits(step, decoded)
        }
        killed @ CallOutcome::Killed { .. } => {
            Err(Stop::unavailable(Cause::Script, format!("the preprocess script {}", explain::script(&killed))))
        }
        other => {
            Err(script_failed(&other, run, "preprocess script", |what| Stop::unavailable(Cause::UnexpectedReply, what)))
        }
    }
}
