//! The stages of one step, in order, a line each. The first, `when`, is before these: a step that asks pauses in
//! between (`run`).
//!
//! Every stage either goes on or stops the run with one ending and one line of explanation. No stage calls another.

use super::decode::decode;
use super::meaning::judge;
use super::recorder::Recorder;
use super::scripts::{preprocess, variables};
use super::send::{render, send};
use super::sign::sign;
use super::state::{Run, StepResult};
use super::stop::Stop;
use super::verify::verify;
use crate::connector::Step;

/// Runs one step whose `when` is true.
pub(super) async fn run(step: &Step, run: &mut Run<'_>, recorder: &mut Recorder) -> Result<StepResult, Stop> {
    variables(step, run, recorder).await?;
    let Some(plan) = &step.request else { return without_request(step, run, recorder).await };
    let prepared = render(plan, run, recorder)?;
    let signed = sign(step, plan, prepared, run, recorder).await?;
    let (reply, asked) = send(step, plan, run, signed, recorder).await?;
    let mut received = decode(step, run, reply, asked, recorder).await?;
    preprocess(step, run, &mut received, recorder).await?;
    let token = verify(step, run, Some(&received), recorder).await?;
    let meaning = judge(step, run, Some(received), token, recorder).await?;
    meaning.capture_and_map(step, run, recorder)
}

/// A step without a request: its rules and captures look at variables, and at what the token of an answer claims.
async fn without_request(step: &Step, run: &mut Run<'_>, recorder: &mut Recorder) -> Result<StepResult, Stop> {
    // The answer is used here as it would be at an upstream: whatever comes of it, it is not put back for another try.
    run.written |= step.ask.is_some();
    let token = verify(step, run, None, recorder).await?;
    judge(step, run, None, token, recorder).await?.capture_and_map(step, run, recorder)
}
