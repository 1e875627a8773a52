//! Stages 3 to 5: the request with every value at its place, signed, and one exchange.
//!
//! The user's credential is written at most once a step: another node is tried only when nothing was written, and
//! only helpers are tried again. Cookies are added last, because they depend on where a request goes; whatever a reply
//! sets goes into the login's jar before the reply is judged.

use http::header::COOKIE;

use super::recorder::Recorder;
use super::sends;
use super::sign::{Signed, unsent};
use super::state::{CodeQuota, Run};
use super::stop::Stop;
use super::{conceal, draw};
use crate::connector::Step;
use crate::mask::MASK;
use crate::request::{Prepared, RequestPlan, cookie_header};
use crate::upstream::{Outgoing, Reply, SendFault};
use crate::verdict::Cause;

/// Stage 3: every value at its place.
pub(super) fn render(plan: &RequestPlan, run: &mut Run<'_>, recorder: &mut Recorder) -> Result<Prepared, Stop> {
    recorder.enter("render");
    run.context.step.filter_seed = plan.draws().then(|| draw::filter_seed(run.ports.ambient));
    run.context.inner_body = plan.inner_body(&run.context).map_err(unsent)?;
    plan.render(&run.context, run.node(plan).as_ref()).map_err(unsent)
}

/// Stage 5: the reply, and the URL that was asked.
pub(super) async fn send(
    step: &Step,
    plan: &RequestPlan,
    run: &mut Run<'_>,
    mut signed: Signed,
    recorder: &mut Recorder,
) -> Result<(Reply, url::Url), Stop> {
    recorder.enter("send");
    let mut tries = if step.is_repeatable() { step.retry } else { 0 };
    loop {
        // For each try: another node is another host, and the last reply may have set some.
        put_cookies(&mut signed, run, recorder);
        let result = exchange(step, &signed.request, run).await;
        if let Ok(reply) = &result {
            store_cookies(reply, &signed.request.url, run, recorder);
        }
        let moved = matches!(&result, Err(fault) if plan.has_nodes() && run.next_node(fault));
        // A gateway's answer for a server that is down; a helper's request may be sent twice.
        let failed = match &result {
            Ok(reply) => matches!(reply.status, 502..=504),
            Err(fault) => fault.cause == Cause::Connect && !moved,
        };
        let again = failed && tries > 0 && sends::may_retry(step, run).await;
        match result {
            Ok(_) if again => tries -= 1,
            Ok(reply) => {
                if !signed.answer(step, &reply, run, recorder).await? {
                    return Ok((reply, signed.request.url));
                }
                continue;
            }
            Err(_) if moved => {
                // Only the origin differs: values were drawn once for this step.
                if let Some(node) = run.node(plan) {
                    move_to(&mut signed.request.url, &node);
                }
            }
            Err(_) if again => tries -= 1,
            Err(fault) => return Err(Stop::unavailable(fault.cause, fault_line(step, run, fault))),
        }
        signed.sign_anew(step, run, recorder).await?;
    }
}

/// One exchange, and what is counted of it.
async fn exchange(step: &Step, request: &Outgoing, run: &mut Run<'_>) -> Result<Reply, SendFault> {
    if request.carries_credential {
        run.ports.progress.credential_leaves();
    }
    let result = run.ports.exchange.send(request, run.deadline).await;
    let written = !matches!(&result, Err(fault) if !fault.written);
    run.written |= written;
    if written && step.sends_code_to.is_some() {
        run.code_quota = CodeQuota::MayBeSent;
    }
    if request.carries_credential && written {
        run.credential_sends += 1;
    }
    result
}

/// The line of a fault, without a word of the reply that repeats a secret.
fn fault_line(step: &Step, run: &Run<'_>, fault: SendFault) -> String {
    match fault.word.filter(|word| conceal::repeats(step, run, word)) {
        Some(word) => fault.explain.replace(&word, MASK),
        None => fault.explain,
    }
}

/// The same path on another node, whose scheme, host and port the file names.
fn move_to(url: &mut url::Url, node: &url::Url) {
    let mut moved = node.clone();
    moved.set_path(url.path());
    moved.set_query(url.query());
    *url = moved;
}

/// The cookies for the request's present host: the connector's own, and those of the jar with other names.
fn put_cookies(signed: &mut Signed, run: &Run<'_>, recorder: &mut Recorder) {
    let (request, own) = (&mut signed.request, &signed.cookies);
    request.headers.retain(|(name, _)| name != COOKIE);
    let mut kept = run.jar.for_request(&request.url, now(run));
    kept.retain(|(name, _)| own.iter().all(|(own, _)| own != name));
    // Exposed only to the upstream that set them.
    let kept = kept.into_iter().map(|(name, value)| (name, value.expose().as_bytes()));
    let own = own.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    if let Some(value) = cookie_header(own.chain(kept.clone())) {
        request.headers.push((COOKIE, value));
    }
    recorder.trace(|trace| {
        if let Some(sent) = &mut trace.request {
            sent.from_jar = kept.map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
        }
    });
}

/// Cookies are stored whatever the judgement of the reply.
fn store_cookies(reply: &Reply, url: &url::Url, run: &mut Run<'_>, recorder: &mut Recorder) {
    let now = now(run);
    let dropped = run.jar.store(&reply.headers, url, now);
    recorder.trace(|trace| trace.dropped_cookies.extend(dropped));
}

/// Seconds since 1970, the same all through a step.
fn now(run: &Run<'_>) -> i64 {
    i64::try_from(run.context.step.unix).unwrap_or(i64::MAX)
}
