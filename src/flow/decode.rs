//! Stage 5: bytes to a document, and the answers of a page.
//!
//! Other logins share this thread, so what may cost seconds is done beside the runtime: never more at a time than the
//! connector's own places (docs/security.md, failure 14), and waited for no longer than the login's deadline (docs/security.md, failure 28).

use url::Url;

use super::report::{ReplyTrace, StepReport};
use super::run::Run;
use super::stop::Stop;
use super::{conceal, explain};
use crate::connector::Step;
use crate::response::{Decoded, decode};
use crate::upstream::{Full, Reply};
use crate::verdict::Cause;

/// A larger body is decoded beside the runtime, which costs 20 µs. Smaller are nearly all replies in JSON or XML; what is
/// worst in HTML costs the square of its size, at this one a few milliseconds, at 32 KiB a hundred.
const DECODED_IN_PLACE: usize = 8 * 1024;

/// Decodes the body of `reply` to the request to `asked`.
pub(super) async fn decode_reply(
    step: &Step,
    run: &Run<'_>,
    (reply, asked): (&Reply, &Url),
    report: &mut StepReport,
) -> Result<Decoded, Stop> {
    let content_type = reply.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut decoded = if reply.body.len() <= DECODED_IN_PLACE {
        decode(&step.response.decoding, content_type, &reply.body)
    } else {
        Box::pin(beside(step, run, reply, content_type)).await?
    };
    conceal::title(step, run, asked, &mut decoded);
    if let Some(trace) = &mut report.trace {
        trace.reply = Some(ReplyTrace {
            status: reply.status,
            headers: reply.headers.iter().map(|(n, v)| (n.to_string(), v.as_bytes().to_vec())).collect(),
            body_bytes: reply.body.len(),
            read_as: explain::read_as(&decoded),
            document: None,
            preprocessed: false,
            timings: reply.timings,
        });
    }
    Ok(decoded)
}

/// On a thread of its own. It cannot be stopped: a login that gives up leaves it running, with its place.
async fn beside(step: &Step, run: &Run<'_>, reply: &Reply, content_type: Option<&str>) -> Result<Decoded, Stop> {
    let decoders = &run.connector.decoders;
    let place = decoders.enter_by(run.deadline).await.map_err(|full| overloaded(full, decoders.places()))?;
    let (decoding, content_type) = (step.response.decoding.clone(), content_type.map(str::to_owned));
    let body = reply.body.clone();
    let work = tokio::task::spawn_blocking(move || {
        let decoded = decode(&decoding, content_type.as_deref(), &body);
        drop(place);
        decoded
    });
    match tokio::time::timeout_at(run.deadline, work).await {
        Ok(Ok(decoded)) => Ok(decoded),
        Ok(Err(_)) => Err(Stop::misconfigured("decoding the reply failed inside the daemon")),
        Err(_) => Err(Stop::unavailable(Cause::Timeout, "the deadline passed while the reply was decoded")),
    }
}

fn overloaded(full: Full, places: usize) -> Stop {
    let why = match full {
        Full::Wait => "none was done before the deadline",
        Full::Queue => "the queue behind them is full",
    };
    let line = format!("{places} large replies of this connector are being decoded; {why}");
    Stop::unavailable(Cause::Overloaded, line)
}

#[cfg(test)]
mod tests;
