//! Stage 4: the request is signed; and signed again for another try, or where the reply asks for that.

use http::HeaderValue;

use super::recorder::Recorder;
use super::report::SentTrace;
use super::state::Run;
use super::stop::Stop;
use super::{conceal, sends};
use crate::connector::Step;
use crate::connector::step_cache::StepCache;
use crate::request::{Prepared, RequestPlan};
use crate::secret::Secret;
use crate::signing::{Scheme, ServerProof, ServerReply, SignError, Signature, SigningPorts};
use crate::template::RenderError;
use crate::upstream::{Outgoing, OwnConnection, Reply};
use crate::verdict::Cause;

/// A challenge, and one more for a nonce that was too old (RFC 7616 section 3.3); or a token that was refused.
const MAX_ROUNDS: u32 = 2;

/// A request but for the cookies of the jar.
pub(super) struct Signed {
    pub request: Outgoing,
    /// The connector's own.
    pub cookies: Vec<(String, HeaderValue)>,
    /// The request before `auth` signed it, for another node or another try; `None` without `auth`.
    unsigned: Option<Box<Prepared>>,
    /// Whether the request only asks for a challenge.
    probe: bool,
    /// How often a reply had it signed again.
    rounds: u32,
    /// What the reply must prove of the server.
    proof: Option<Box<dyn ServerProof>>,
}

/// Stage 4: the signature; the request is complete but for cookies.
pub(super) async fn sign(
    step: &Step,
    plan: &RequestPlan,
    mut prepared: Prepared,
    run: &mut Run<'_>,
    recorder: &mut Recorder,
) -> Result<Signed, Stop> {
    if run.tracing {
        let shape = plan.shape(&run.context, run.node(plan).as_ref()).map_err(unsent)?;
        let (method, url) = (prepared.method.to_string(), prepared.url.to_string());
        let sent = SentTrace { method, url, shape, signed: Vec::new(), from_jar: Vec::new() };
        recorder.trace(|trace| trace.request = Some(sent));
    }
    let Some(auth) = &step.auth else {
        conceal::carried(step, plan, &[], run);
        let cookies = std::mem::take(&mut prepared.cookies);
        return Ok(Signed {
            request: outgoing(step, prepared, false, None),
            cookies,
            unsigned: None,
            probe: false,
            rounds: 0,
            proof: None,
        });
    };
    let unsigned = Some(Box::new(prepared.clone()));
    let mut signature = auth.sign(&mut prepared, &ports(run)).await.map_err(unsigned_stop)?;
    let cookies = std::mem::take(&mut prepared.cookies);
    let (probe, proof) = (signature.probe, signature.proof.take());
    let request = outgoing(step, prepared, probe, own_connection(&**auth));
    enter(step, signature, run, recorder);
    Ok(Signed { request, cookies, unsigned, probe, rounds: 0, proof })
}

impl Signed {
    /// For another try, to the node that `url` names: what signs the host, a time or a nonce signs each try.
    pub(super) async fn sign_anew(
        &mut self,
        step: &Step,
        run: &mut Run<'_>,
        recorder: &mut Recorder,
    ) -> Result<(), Stop> {
        let Some((auth, mut prepared)) = self.unsigned(step) else { return Ok(()) };
        let signature = auth.sign(&mut prepared, &ports(run)).await.map_err(unsigned_stop)?;
        // What another node or an earlier try asked for counts no more.
        self.rounds = 0;
        self.request.own = own_connection(auth);
        self.replace(step, prepared, signature, run, recorder);
        Ok(())
    }

    /// Whether the reply has the request signed again, which is to be sent then.
    pub(super) async fn answer(
        &mut self,
        step: &Step,
        reply: &Reply,
        run: &mut Run<'_>,
        recorder: &mut Recorder,
    ) -> Result<bool, Stop> {
        let Some((auth, mut prepared)) = self.unsigned(step) else { return Ok(false) };
        let repeatable = step.is_repeatable() && step.sends_code_to.is_none();
        let end_point = self.request.own.as_ref().and_then(OwnConnection::end_point);
        let end_point = end_point.as_deref();
        let server = ServerReply { reply, probe: self.probe, rounds: self.rounds, repeatable, end_point };
        let signature = auth.again(&mut prepared, server, &ports(run)).await.map_err(unsigned_stop)?;
        let Some(signature) = signature else {
            return self
                .proof
                .as_ref()
                .map_or(Ok(()), |proof| proof.check(reply))
                .map(|()| false)
                .map_err(unsigned_stop);
        };
        if self.rounds >= MAX_ROUNDS {
            let what =
                "the server asks for another signature each time: what it says of this one says nothing of the user";
            return Err(Stop::unavailable(Cause::UnexpectedReply, what.to_owned()));
        }
        sends::challenged(step, self.probe, run);
        if !sends::may_retry(step, run).await {
            return Ok(false);
        }
        self.rounds += 1;
        self.replace(step, prepared, signature, run, recorder);
        Ok(true)
    }

    /// The next request to be sent.
    fn replace(
        &mut self,
        step: &Step,
        prepared: Prepared,
        mut signature: Signature,
        run: &mut Run<'_>,
        recorder: &mut Recorder,
    ) {
        (self.probe, self.proof) = (signature.probe, signature.proof.take());
        let own = self.request.own.as_ref().map(|own| own.next(signature.continues));
        self.request = outgoing(step, prepared, signature.probe, own);
        enter(step, signature, run, recorder);
    }

    /// The scheme, and the request before it signed.
    fn unsigned<'s>(&self, step: &'s Step) -> Option<(&'s dyn Scheme, Prepared)> {
        let mut prepared = Prepared::clone(self.unsigned.as_deref()?);
        // Another node may have been picked meanwhile: path and query are those that were rendered.
        let (path, query) = (prepared.url.path().to_owned(), prepared.url.query().map(str::to_owned));
        prepared.url.clone_from(&self.request.url);
        prepared.url.set_path(&path);
        prepared.url.set_query(query.as_deref());
        Some((step.auth.as_deref()?, prepared))
    }
}

/// A connection for this login alone, where the scheme authenticates it.
fn own_connection(auth: &dyn Scheme) -> Option<OwnConnection> {
    auth.authenticates_connection().then(OwnConnection::default)
}

/// A probe carries no credential: the scheme computes from it only when it knows the challenge.
fn outgoing(step: &Step, prepared: Prepared, probe: bool, own: Option<OwnConnection>) -> Outgoing {
    Outgoing {
        method: prepared.method,
        url: prepared.url,
        headers: prepared.headers,
        spellings: prepared.spellings,
        body: prepared.body,
        carries_credential: step.carries_credential && !probe,
        path_template: step.request.as_ref().and_then(RequestPlan::path_template),
        own,
    }
}

fn ports<'a>(run: &'a Run<'_>) -> SigningPorts<'a> {
    SigningPorts {
        context: &run.context,
        ambient: run.ports.ambient,
        exchange: run.ports.exchange,
        deadline: run.deadline,
        tokens: run.ports.step_cache.map_or(&run.tokens, StepCache::tokens),
    }
}

/// What was added is hidden from messages, and seen by name in the trace.
fn enter(step: &Step, signature: Signature, run: &mut Run<'_>, recorder: &mut Recorder) {
    let Some(plan) = &step.request else { return };
    let mut hidden: Vec<Secret> = signature.added.iter().map(|added| Secret::new(added.credentials())).collect();
    hidden.extend(signature.hidden);
    conceal::carried(step, plan, &hidden, run);
    recorder.trace(|trace| {
        if let Some(sent) = &mut trace.request {
            sent.signed = signature.added;
        }
    });
}

fn unsigned_stop(error: SignError) -> Stop {
    match error {
        SignError::Render(error) => unsent(error),
        SignError::Unavailable(cause, what) => Stop::unavailable(cause, what),
        SignError::Misconfigured(what) => Stop::misconfigured(what),
    }
}

pub(super) fn unsent(error: RenderError) -> Stop {
    Stop::from(match error {
        RenderError::FromUser { what } => RenderError::FromUser { what: format!("nothing was sent: {what}") },
        other => other,
    })
}
