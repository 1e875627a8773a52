//! Stage 7, for a step with `response.jwt`: the token of the reply, or of the answer, is verified. What it claims is known to the rules
//! then; of one that is not believed nothing is, and the line of explanation says why.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use tokio::time::Instant;
use url::Url;

use super::decode::Received;
use super::recorder::Recorder;
use super::state::Run;
use super::stop::{Ending, Stop};
use crate::condition::is_judged_status;
use crate::connector::Step;
use crate::context::Context;
use crate::crypto::jws::{Algorithm, VerifyingKey};
use crate::crypto::jwt::Token;
use crate::document::Value;
use crate::response::{
    Cached, JWKS_PATIENCE, Jwk, JwksPlan, JwtPlan, KeySource, KeysFault, TokenError, TokenKeys, TokenPlace, WantedKeys,
    find_token, is_of_login, read_jwks,
};
use crate::template::{Charset, RenderError};
use crate::upstream::Outgoing;
use crate::verdict::Cause;

/// What came of the token.
#[derive(Default)]
pub(super) struct Verified {
    /// What it claims, when it is believed.
    pub claims: Option<Value>,
    /// Why it is not, or that there is none.
    pub unverified: Option<String>,
}

/// Verifies the token of the reply, or of the answer, if the step looks for one.
pub(super) async fn verify(
    step: &Step,
    run: &Run<'_>,
    received: Option<&Received>,
    recorder: &mut Recorder,
) -> Result<Verified, Stop> {
    let Some(plan) = &step.response.jwt else { return Ok(Verified::default()) };
    let (token, place) = match &plan.place {
        TokenPlace::Field(field) => {
            let judged = |of: &&Received| is_judged_status(of.reply.status, &step.response.named_statuses);
            let document = received.filter(judged).and_then(|received| received.decoded.document.as_ref().ok());
            let Some(document) = document else { return Ok(Verified::default()) };
            let Some(token) = find_token(field, document) else {
                return Ok(Verified::not(format!("the reply has no token in field \"{field}\"")));
            };
            (token, format!("field \"{field}\""))
        }
        TokenPlace::Answer(name) => {
            let Some(token) = run.context.answers.get(name) else {
                return Ok(Verified::not(format!("there is no answer \"{name}\"")));
            };
            (Ok(token.expose()), format!("the answer \"{name}\""))
        }
    };
    let claims = match token {
        Ok(text) => {
            recorder.enter("verify");
            // Boxed: the future of every login would be larger by it.
            Box::pin(claims(plan, text, run)).await?
        }
        Err(error) => Err(error),
    };
    Ok(match claims {
        Ok(claims) => Verified { claims: Some(claims), unverified: None },
        Err(error) => Verified::not(format!("the token in {place} {error}")),
    })
}

impl Verified {
    fn not(why: String) -> Self {
        Self { claims: None, unverified: Some(why) }
    }
}

async fn claims(plan: &JwtPlan, text: &str, run: &Run<'_>) -> Result<Result<Value, TokenError>, Stop> {
    let claims = signed_claims(plan, text, run).await?;
    let Some(nonce) = &plan.nonce else { return Ok(claims) };
    let mut wanted = zeroize::Zeroizing::new(Vec::new());
    nonce.render(&run.context, Charset::UTF_8, &mut wanted)?;
    Ok(claims.and_then(|claims| is_of_login(&claims, &wanted).map(|()| claims)))
}

/// What a token claims whose signature, times, issuer and audience are right.
async fn signed_claims(plan: &JwtPlan, text: &str, run: &Run<'_>) -> Result<Result<Value, TokenError>, Stop> {
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
            let kept = keys(jwks, WantedKeys::Key(token.kid.as_deref()), run).await?;
            let verified = plan.rules.verify(&token, TokenKeys::Set(&kept), now);
            if !matches!(verified, Err(TokenError::Signature | TokenError::NoKey)) {
                return Ok(verified);
            }
            // A server may replace a key under its old name. Whether it did is asked as seldom as for an unknown one.
            match keys(jwks, WantedKeys::Newer(&kept), run).await {
                Ok(newer) if !Arc::ptr_eq(&newer, &kept) => Ok(plan.rules.verify(&token, TokenKeys::Set(&newer), now)),
                _ => Ok(verified),
            }
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
async fn keys(jwks: &JwksPlan, wanted: WantedKeys<'_>, run: &Run<'_>) -> Result<Arc<[Jwk]>, Stop> {
    let node = run.node(&jwks.request);
    // Golden cases and a single login have no other logins to share with.
    if run.ports.step_cache.is_none() {
        return match wanted {
            WantedKeys::Newer(asked) => Ok(Arc::clone(asked)),
            WantedKeys::Key(_) => fetch(jwks, node.as_ref(), run).await,
        };
    }
    let cache = jwks.caches.of(node.as_ref());
    if let Cached::Keys(keys) = cache.look_up(wanted, Instant::now()) {
        return Ok(keys);
    }
    let turn = tokio::time::timeout_at(run.deadline, cache.flight.lock()).await;
    let Ok(_turn) = turn else {
        let why = "the deadline passed while another login asked for the keys of tokens";
        return Err(Stop::unavailable(Cause::Timeout, why));
    };
    let began = Instant::now();
    match cache.look_up(wanted, began) {
        Cached::Keys(keys) => Ok(keys),
        Cached::Failed(fault) => Err(Stop::unavailable(fault.cause, fault.explain)),
        Cached::Ask => {
            let fetched = fetch(jwks, node.as_ref(), run).await;
            let now = Instant::now();
            // A login with little time left says nothing about the server to those that have more.
            if fetched.is_ok() || now < run.deadline || now - began >= JWKS_PATIENCE {
                cache.keep(fetched.as_ref().map(Arc::clone).map_err(fault_of), now);
            }
            fetched
        }
    }
}

/// What is told to the other logins.
fn fault_of(stop: &Stop) -> KeysFault {
    let cause = if let Ending::Unavailable(cause) = stop.ending { cause } else { Cause::UpstreamError };
    KeysFault { cause, explain: stop.explain.clone() }
}

async fn fetch(jwks: &JwksPlan, node: Option<&Url>, run: &Run<'_>) -> Result<Arc<[Jwk]>, Stop> {
    let prepared = jwks.request.render(&Context::default(), node)?;
    let request = Outgoing {
        method: prepared.method,
        url: prepared.url,
        headers: prepared.headers,
        spellings: prepared.spellings,
        body: None,
        carries_credential: false,
        path_template: jwks.request.path_template(),
        own: None,
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
