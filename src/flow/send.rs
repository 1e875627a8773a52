//! Stages 2 to 4: the request with every value at its place, signed, and one exchange.
//!
//! The user's credential is written at most once a step: another node is tried only when nothing was written, and
//! only helpers are tried again.

use super::report::{SentTrace, StepReport};
use super::run::Run;
use super::stop::Stop;
use crate::connector::{Role, Step};
use crate::request::{Prepared, RequestPlan, cookie_header};
use crate::template::RenderError;
use crate::upstream::{Outgoing, Reply};
use crate::verdict::{Cause, Reason};

/// Stages 2 and 3.
pub(super) fn render(
    step: &Step,
    plan: &RequestPlan,
    run: &Run<'_>,
    report: &mut StepReport,
) -> Result<Outgoing, Stop> {
    let node = run.node(plan);
    let mut prepared = plan.render(&run.context, node.as_ref()).map_err(unrendered)?;
    let unsigned = prepared.headers.len();
    if let Some(auth) = &step.auth {
        auth.sign(&mut prepared, &run.context).map_err(unrendered)?;
    }
    if let Some(trace) = &mut report.trace {
        trace.request = Some(SentTrace {
            method: prepared.method.to_string(),
            url: prepared.url.to_string(),
            shape: plan.shape(&run.context).map_err(unrendered)?,
            signed: prepared.headers[unsigned..].iter().map(|(n, v)| (n.to_string(), v.as_bytes().to_vec())).collect(),
        });
    }
    Ok(outgoing(step, prepared))
}

fn unrendered(error: RenderError) -> Stop {
    match error {
        RenderError::Missing(missing) => Stop::from(missing),
        RenderError::FromUser { what } => Stop::reject(Reason::InvalidInput, format!("nothing was sent: {what}")),
        RenderError::Unfit { what } => Stop::misconfigured(what),
    }
}

fn outgoing(step: &Step, prepared: Prepared) -> Outgoing {
    let mut headers = prepared.headers;
    let cookies = prepared.cookies.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    if let Some(value) = cookie_header(cookies) {
        headers.push((http::header::COOKIE, value));
    }
    Outgoing {
        method: prepared.method,
        url: prepared.url,
        headers,
        body: prepared.body,
        carries_credential: step.carries_credential,
    }
}

/// Stage 4.
pub(super) async fn send(
    step: &Step,
    plan: &RequestPlan,
    run: &mut Run<'_>,
    mut request: Outgoing,
) -> Result<Reply, Stop> {
    let mut tries = if step.role == Role::Helper && !step.carries_credential { step.retry } else { 0 };
    loop {
        if step.carries_credential {
            run.tools.progress.credential_leaves();
        }
        let result = run.tools.exchange.send(&request, run.deadline).await;
        let written = !matches!(&result, Err(fault) if !fault.written);
        if step.carries_credential && written {
            run.credential_sends += 1;
        }
        match result {
            // A gateway's answer for a server that is away; helpers carry nothing that must not be sent twice.
            Ok(reply) if matches!(reply.status, 502..=504) && tries > 0 => tries -= 1,
            Ok(reply) => return Ok(reply),
            Err(fault) if plan.has_nodes() && run.next_node(&fault) => {
                // Only the origin differs: values were drawn once for this step.
                if let Some(node) = run.node(plan) {
                    move_to(&mut request.url, &node);
                }
            }
            Err(fault) if fault.cause == Cause::Connect && tries > 0 => tries -= 1,
            Err(fault) => return Err(Stop::unavailable(fault.cause, fault.explain)),
        }
    }
}

/// The same path on another node, whose scheme, host and port are all written in the file.
fn move_to(url: &mut url::Url, node: &url::Url) {
    let mut moved = node.clone();
    moved.set_path(url.path());
    moved.set_query(url.query());
    *url = moved;
}
