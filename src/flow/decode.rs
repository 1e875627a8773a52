//! Stage 5: bytes to a document, and the answers of a page.
//!
//! A large body is read beside the runtime (`beside`).

use super::beside::{LARGE, Work};
use super::report::{ReplyTrace, StepReport};
use super::run::Run;
use super::stop::Stop;
use super::{conceal, explain};
use crate::connector::Step;
use crate::response::{Decoded, decode};
use crate::upstream::Reply;
use crate::verdict::Cause;

/// Decodes the body of `reply` to the request to `asked`.
pub(super) async fn decode_reply(
    step: &Step,
    run: &Run<'_>,
    reply: &Reply,
    report: &mut StepReport,
) -> Result<Decoded, Stop> {
    let content_type = reply.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut decoded = if reply.body.len() <= LARGE {
        decode(&step.response.decoding, content_type, &reply.body)
    } else {
        let (decoding, content_type) = (step.response.decoding.clone(), content_type.map(str::to_owned));
        let body = reply.body.clone();
        let read = move || decode(&decoding, content_type.as_deref(), &body);
        Box::pin(run.beside(Work::Decoding, read)).await?
    };
    conceal::title(step, run, &mut decoded);
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
    fits(step, &decoded)?;
    Ok(decoded)
}

/// A document that takes too much memory is no document, and says so as what it is.
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
