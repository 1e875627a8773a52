//! Stage 6: decrypts and decodes a reply, a large one on a blocking thread (`offload`).

use url::Url;

use super::offload::{LARGE, OffloadedWork};
use super::recorder::Recorder;
use super::report::ReplyTrace;
use super::state::Run;
use super::stop::Stop;
use super::{conceal, decrypt, explain};
use crate::condition::is_judged_status;
use crate::connector::Step;
use crate::response::source::ReplyView;
use crate::response::{self, Decoded, DecryptError, check_headers};
use crate::upstream::Reply;
use crate::verdict::Cause;

pub(super) struct Received {
    pub reply: Reply,
    pub decoded: Decoded,
    /// The URL that was asked.
    pub asked: Url,
    /// Seconds since 1970.
    pub now: i64,
    /// The size of body, head and document, which decides whether judging is offloaded.
    pub bytes: usize,
}

impl Received {
    pub(super) fn view(&self) -> ReplyView<'_> {
        let view = ReplyView::new(self.reply.status, &self.reply.headers, &self.decoded, self.now);
        view.from_host(self.asked.host_str())
    }
}

/// Decrypts and decodes the `reply` to the request to `asked`. A reply that no rule judges stays as it is.
pub(super) async fn decode(
    step: &Step,
    run: &mut Run<'_>,
    mut reply: Reply,
    asked: Url,
    recorder: &mut Recorder,
) -> Result<Received, Stop> {
    if let Some(plan) = &step.response.decrypt
        && is_judged_status(reply.status, &step.response.named_statuses)
        && let Some(error) = decrypt::decrypt(plan, run, &mut reply, recorder).await?
    {
        return Err(undecrypted(step, run, &reply, error, recorder).await?);
    }
    read(step, run, reply, asked, recorder).await
}

/// The end of a reply that was not decrypted. Mostly it is a page that came instead.
async fn undecrypted(
    step: &Step,
    run: &mut Run<'_>,
    reply: &Reply,
    error: DecryptError,
    recorder: &mut Recorder,
) -> Result<Stop, Stop> {
    recorder.report.status = Some(reply.status);
    let mut decoded = decoded(step, run, reply).await?;
    conceal::title(step, run, &mut decoded);
    recorder.trace(|trace| trace.reply = Some(shown(reply, &decoded)));
    let instead = if decoded.is_page() { format!("; it is {}", explain::read_as(&decoded)) } else { String::new() };
    let cause = match error {
        DecryptError::TooLarge => Cause::ResponseTooLarge,
        _ => Cause::UnexpectedReply,
    };
    Ok(Stop::unavailable(cause, format!("the reply {error}{instead}")))
}

/// Decodes a reply in clear.
pub(super) async fn read(
    step: &Step,
    run: &mut Run<'_>,
    reply: Reply,
    asked: Url,
    recorder: &mut Recorder,
) -> Result<Received, Stop> {
    recorder.report.status = Some(reply.status);
    recorder.enter("decode");
    let head = check_headers(&reply.headers);
    let head = head.map_err(|error| Stop::unavailable(Cause::ResponseTooLarge, error.to_string()))?;
    run.hold(reply.body.len())?;
    let mut decoded = decoded(step, run, &reply).await?;
    conceal::title(step, run, &mut decoded);
    recorder.trace(|trace| trace.reply = Some(shown(&reply, &decoded)));
    fits(step, &decoded)?;
    run.hold(reply.body.len() + decoded.bytes)?;
    let now = i64::try_from(run.context.step.unix).unwrap_or(i64::MAX);
    let bytes = reply.body.len() + head;
    Ok(Received { reply, decoded, asked, now, bytes })
}

async fn decoded(step: &Step, run: &Run<'_>, reply: &Reply) -> Result<Decoded, Stop> {
    let content_type = reply.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if reply.body.len() <= LARGE {
        return Ok(response::decode(&step.response.decoding, content_type, &reply.body));
    }
    let (decoding, content_type) = (step.response.decoding.clone(), content_type.map(str::to_owned));
    let body = reply.body.clone();
    let read = move || response::decode(&decoding, content_type.as_deref(), &body);
    Box::pin(run.offload(OffloadedWork::Decoding, read)).await
}

fn shown(reply: &Reply, decoded: &Decoded) -> ReplyTrace {
    ReplyTrace {
        status: reply.status,
        headers: reply.headers.iter().map(|(n, v)| (n.to_string(), v.as_bytes().to_vec())).collect(),
        body_bytes: reply.body.len(),
        read_as: explain::read_as(decoded),
        document: None,
        preprocessed: false,
        timings: reply.timings,
    }
}

/// Refuses a document that takes more memory than `transport.max_document`.
pub(super) fn fits(step: &Step, decoded: &Decoded) -> Result<(), Stop> {
    let most = step.response.decoding.most.0 >> 10;
    if decoded.too_large {
        let line = format!("the reply's document takes more memory than transport.max_document allows ({most} KiB)");
        return Err(Stop::unavailable(Cause::ResponseTooLarge, line));
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests;
