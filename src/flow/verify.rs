//! Stage 7, for a step with `response.jwt`: the token of the reply is verified. What it claims is known to the rules then; of one
//! that is not believed nothing is, and the line of explanation says why.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use tokio::time::Instant;

use super::decode::Received;
use super::recorder::Recorder;
use super::state::Run;
use super::stop::{Ending, Stop};
use crate::condition::is_judged_status;
use crate::connector::Step;
use crate::context::Context;
use crate::crypto::jws::{Algorithm, VerifyingKey};
use crate::crypto::jwt::Token;
use crate::response::{Cached, Jwk, JwksPlan, JwtPlan, KeySource, TokenError, TokenKeys, read_jwks};
use crate::template::{Charset, RenderError};
use crate::upstream::Outgoing;
use crate::verdict::Cause;

/// Verifies the token of the reply, if the step looks for one.
pub(super) async fn verify(
    step: &Step,
    run: &Run<'_>,
    received: &mut Received,
    recorder: &mut Recorder,
) -> Result<(), Stop> {
    let Some(plan) = &step.response.jwt else { return Ok(()) };
    if !is_judged_status(received.reply.status, &step.response.named_statuses) {
        return Ok(());
    }
    let Ok(document) = &received.decoded.document else { return Ok(()) };
    let field = &plan.rules.field;
    let claims = match plan.rules.find(document) {
        None => {
            received.unverified = Some(format!("the reply has no token in field \"{field}\""));
            return Ok(());
        }
        Some(Ok(text)) => {
            recorder.enter("verify");
            // Boxed: the future of every login would be larger by it.
            Box::pin(claims(plan, text, run)).await?
        }
        Some(Err(error)) => Err(error),
    };
    match claims {
        Ok(claims) => received.claims = Some(claims),
        Err(error) => received.unverified = Some(format!("the token in field \"{field}\" {error}")),
    }
    Ok(())
}

async fn claims(plan: &JwtPlan, text: &str, run: &Run<'_>) -> Result<Result<crate::document::Value, TokenError>, Stop> {
    let token = match Token::parse(text) {
        Ok(token) => token,
        Err(error) => return Ok(Err(error.into())),
    };
    // No server is asked for the keys of a token that cannot be believed.
    let algorithm = match plan.rules.algorithm(&token) {
        Ok(algorithm) => algorithm,
        Err(error) => return Ok(Err(error)),
    };
    let now = run.context.step.unix;
    match &plan.keys {
        KeySource::Template(line) => {
            let key = own_key(line, algorithm, run)?;
            Ok(plan.rules.verify(&token, TokenKeys::One(&key), now))
        }
        KeySource::Jwks(jwks) => {
            let keys = keys(jwks, token.kid.as_deref(), run).await?;
            Ok(plan.rules.verify(&token, TokenKeys::Set(&keys), now))
        }
    }
}

/// A key that a secret or an earlier reply gives.
fn own_key(line: &crate::template::Line, algorithm: Algorithm, run: &Run<'_>) -> Result<VerifyingKey, Stop> {
    let mut text = zeroize::Zeroizing::new(Vec::new());
    line.render(&run.context, Charset::UTF_8, &mut text)?;
    let key = str::from_utf8(&text).ok().map(|text| VerifyingKey::read(algorithm, text));
    let why = match key {
        Some(Ok(key)) => return Ok(key),
        Some(Err(error)) => error.to_string(),
        None => "it is no text".to_owned(),
    };
    let what = format!("the key of `jwt` cannot be used: {why}");
    let from_reply = line.holes().any(|hole| matches!(hole.variable, crate::context::Variable::Step { .. }));
    let error = if from_reply { RenderError::FromReply { what } } else { RenderError::Unfit { what } };
    Err(error.into())
}

/// The keys of a JWK Set: those that are kept, or new ones. One login asks while the others wait.
async fn keys(jwks: &JwksPlan, kid: Option<&str>, run: &Run<'_>) -> Result<Arc<[Jwk]>, Stop> {
    let failed = |why: String| Stop::unavailable(Cause::UpstreamError, why);
    // Golden cases and a single login have no other logins to share with.
    if run.ports.step_cache.is_none() {
        return fetch(jwks, run).await;
    }
    if let Cached::Keys(keys) = jwks.cache.look_up(kid, Instant::now()) {
        return Ok(keys);
    }
    let turn = tokio::time::timeout_at(run.deadline, jwks.cache.flight.lock()).await;
    let Ok(_turn) = turn else {
        let why = "the deadline passed while another login asked for the keys of tokens";
        return Err(Stop::unavailable(Cause::Timeout, why));
    };
    match jwks.cache.look_up(kid, Instant::now()) {
        Cached::Keys(keys) => Ok(keys),
        Cached::Failed(why) => Err(failed(why)),
        Cached::Ask => {
            let fetched = fetch(jwks, run).await;
            // This login's deadline may be earlier than that of others.
            if !matches!(&fetched, Err(Stop { ending: Ending::Unavailable(Cause::Timeout), .. })) {
                let kept = fetched.as_ref().map(Arc::clone).map_err(|stop| stop.explain.clone());
                jwks.cache.keep(&kept, Instant::now());
            }
            fetched
        }
    }
}

async fn fetch(jwks: &JwksPlan, run: &Run<'_>) -> Result<Arc<[Jwk]>, Stop> {
    let prepared = jwks.request.render(&Context::default(), run.node(&jwks.request).as_ref())?;
    let request = Outgoing {
        method: prepared.method,
        url: prepared.url,
        headers: prepared.headers,
        spellings: prepared.spellings,
        body: None,
        carries_credential: false,
        path_template: jwks.request.path_template(),
    };
    let reply = run.ports.exchange.send(&request, run.deadline).await;
    let reply = reply.map_err(|fault| {
        Stop::unavailable(fault.cause, format!("the keys of tokens (jwks_url) cannot be had: {}", fault.explain))
    })?;
    if reply.status != 200 {
        let line = format!("the keys of tokens (jwks_url) cannot be had: the server answers HTTP {}", reply.status);
        return Err(Stop::unavailable(Cause::UpstreamError, line));
    }
    let page = reply.headers.get(CONTENT_TYPE).is_some_and(|of| of.as_bytes().starts_with(b"text/html"));
    let keys = read_jwks(&reply.body).map_err(|why| {
        let page = if page { "; it is an HTML page" } else { "" };
        let line = format!("the keys of tokens (jwks_url) are no JWK Set: {why}{page}");
        Stop::unavailable(Cause::UnexpectedReply, line)
    })?;
    Ok(keys.into())
}
