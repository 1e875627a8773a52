//! Tokens of the service's own: asked for once, kept for all logins of a connector, asked for again before they expire.
//!
//! A store belongs to one revision of one connector and goes with it. It holds nothing of a user: what a token request is made of
//! are secrets, settings and times (`Compile::own_template`). One login asks and the others wait for it, each until its own deadline;
//! a failure is told to those who wait and forgotten after a second.

mod reply;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Method};
use indexmap::IndexMap;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use self::reply::{Given, read};
use super::target::add_header;
use super::{ServerReply, SignError, Signature, SigningPorts};
use crate::crypto::digest::{Algorithm, digest};
use crate::request::{ACCEPT_JSON, Prepared, RequestPlan};
use crate::secret::Secret;
use crate::upstream::Outgoing;
use crate::verdict::Cause;

/// Token requests of one connector; a file that has more than this makes a new one for each login.
const MAX_KEPT: usize = 16;

/// How long before its end a token is replaced: a login takes seconds, and clocks differ. Of a short life a tenth: one of 30 seconds is
/// kept for 27.
const MARGIN_MS: u64 = 60_000;

/// How long a token is good when the server does not say.
const USUAL_LIFE_MS: u64 = 300_000;

/// No server's token is kept longer than this.
const LONGEST_LIFE_MS: u64 = 24 * 3_600_000;

/// A token of this age may be refused because it is no longer good; a younger one is not asked for again.
const YOUNG_MS: u64 = 10_000;

/// How long a failure is told to the logins that waited for it.
const FAILURE_MS: u64 = 1_000;

/// A server that says nothing for so long has failed for all. A login with less time left learns nothing about it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The tokens of one revision of a connector, by the digest of what asks for them.
#[derive(Debug, Default)]
pub struct TokenStore(Mutex<IndexMap<[u8; 32], Slot>>);

type Slot = Arc<tokio::sync::Mutex<Kept>>;

#[derive(Debug, Default)]
struct Kept {
    token: Option<Token>,
    /// In place of the file's, when the server gave a new one (RFC 6749 section 6).
    refresh_token: Option<Secret>,
    failed: Option<Failed>,
}

#[derive(Debug)]
struct Token {
    value: Secret,
    since: u64,
    /// When another is asked for.
    until: u64,
    /// When it is no longer good.
    ends: u64,
}

#[derive(Debug, Clone)]
struct Failed {
    until: u64,
    why: Failure,
}

/// Why there is no token; names no value.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    Unavailable(Cause, String),
    Misconfigured(String),
}

impl From<Failure> for SignError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(cause, what) => Self::Unavailable(cause, what),
            Failure::Misconfigured(what) => Self::Misconfigured(what),
        }
    }
}

impl TokenStore {
    fn slot(&self, key: [u8; 32]) -> Slot {
        // Nothing panics under the lock.
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&key) {
            return Arc::clone(slot);
        }
        if slots.len() >= MAX_KEPT {
            slots.shift_remove_index(0);
        }
        Arc::clone(slots.entry(key).or_default())
    }
}

/// What asks for a token.
pub(super) struct TokenRequest {
    /// The token endpoint, rendered.
    pub to: Prepared,
    /// The fields of the form but those that differ each time.
    pub fields: Fields,
    /// What else tells this request from another: keys that sign.
    pub also: Vec<Zeroizing<Vec<u8>>>,
    /// The value of the header Authorization.
    pub authorization: Option<Zeroizing<String>>,
}

/// Fields of a form.
pub(super) type Fields = Vec<(&'static str, Zeroizing<String>)>;

impl TokenRequest {
    pub(super) fn to(plan: &RequestPlan, ports: &SigningPorts<'_>) -> Result<Self, SignError> {
        let to = plan.render(ports.context, None)?;
        Ok(Self { to, fields: Vec::new(), also: Vec::new(), authorization: None })
    }

    fn key(&self) -> [u8; 32] {
        let mut all = Zeroizing::new(Vec::new());
        let mut add = |part: &[u8]| {
            all.extend_from_slice(&part.len().to_be_bytes());
            all.extend_from_slice(part);
        };
        add(self.to.url.as_str().as_bytes());
        add(self.authorization.as_ref().map_or(&[], |value| value.as_bytes()));
        for (name, value) in &self.fields {
            add(name.as_bytes());
            add(value.as_bytes());
        }
        for part in &self.also {
            add(part);
        }
        let mut key = [0; 32];
        key.copy_from_slice(&digest(Algorithm::Sha256, &all));
        key
    }

    /// A token that is good; `refused`: the one that there is was refused.
    async fn token(
        self,
        scheme: &dyn TokenScheme,
        refused: bool,
        ports: &SigningPorts<'_>,
    ) -> Result<Secret, SignError> {
        let slot = ports.tokens.slot(self.key());
        let waited = timeout_at(ports.deadline, slot.lock()).await;
        let mut kept = waited.map_err(|_| {
            SignError::Unavailable(
                Cause::Timeout,
                "the token that another login asks for did not come in time".to_owned(),
            )
        })?;
        let now = ports.ambient.unix_ms();
        // One that was refused a moment after it was given is not replaced: another would be refused as well.
        kept.token.take_if(|token| now >= token.ends || (refused && token.is_old(now)));
        if let Some(token) = kept.token.as_ref().filter(|token| now < token.until) {
            return Ok(token.value.clone());
        }
        let failed = kept.failed.as_ref().filter(|failed| now < failed.until).map(|failed| failed.why.clone());
        let renewed = match failed {
            Some(why) => Err(why.into()),
            None => self.renew(&mut kept, scheme, ports).await,
        };
        match (renewed, &kept.token) {
            // An endpoint that is down holds nobody up while the token that there is has some time left.
            (Err(SignError::Unavailable(..)), Some(token)) => Ok(token.value.clone()),
            (renewed, _) => renewed,
        }
    }

    /// Asks for a token and keeps it, or why there is none.
    async fn renew(
        self,
        kept: &mut Kept,
        scheme: &dyn TokenScheme,
        ports: &SigningPorts<'_>,
    ) -> Result<Secret, SignError> {
        let began = Instant::now();
        match self.ask(scheme.fresh_fields(kept.refresh_token.as_ref(), ports)?, ports).await {
            Ok(given) => {
                let now = ports.ambient.unix_ms();
                let value = given.token.clone();
                let life = life(given.expires_in);
                let (until, ends) = (now + life - MARGIN_MS.min(life / 10), now + life);
                kept.token = Some(Token { value: given.token, since: now, until, ends });
                kept.refresh_token = given.refresh_token.or(kept.refresh_token.take());
                kept.failed = None;
                Ok(value)
            }
            Err(why) => {
                let ended = Instant::now();
                let in_a_hurry = ended >= ports.deadline && ended - began < PATIENCE;
                let until = ports.ambient.unix_ms() + FAILURE_MS;
                kept.failed = (!in_a_hurry).then(|| Failed { until, why: why.clone() });
                Err(why.into())
            }
        }
    }

    /// Forgets the token that was refused, so that the next login asks for another.
    fn forget(&self, ports: &SigningPorts<'_>) {
        let slot = ports.tokens.slot(self.key());
        let now = ports.ambient.unix_ms();
        // Whoever asks for a token right now gets a new one anyway.
        if let Ok(mut kept) = slot.try_lock() {
            kept.token.take_if(|token| token.is_old(now));
        }
    }

    async fn ask(self, fresh: Fields, ports: &SigningPorts<'_>) -> Result<Given, Failure> {
        let sent = ports.exchange.send(&self.outgoing(&fresh)?, ports.deadline).await;
        let reply =
            sent.map_err(|fault| Failure::Unavailable(fault.cause, format!("the token endpoint: {}", fault.explain)))?;
        read(&reply)
    }

    fn outgoing(&self, fresh: &[(&'static str, Zeroizing<String>)]) -> Result<Outgoing, Failure> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.fields.iter().chain(fresh) {
            form.append_pair(name, value);
        }
        let mut headers = self.to.headers.clone();
        headers.retain(|(name, _)| name != ACCEPT);
        headers.push((ACCEPT, HeaderValue::from_static(ACCEPT_JSON)));
        headers.push((CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")));
        if let Some(value) = &self.authorization {
            headers.push((AUTHORIZATION, sensitive(value)?));
        }
        Ok(Outgoing {
            method: Method::POST,
            url: self.to.url.clone(),
            headers,
            spellings: self.to.spellings.clone(),
            body: Some(Bytes::from_owner(Zeroizing::new(form.finish().into_bytes()))),
            carries_credential: false,
            path_template: None,
            own: None,
        })
    }
}

fn sensitive(value: &str) -> Result<HeaderValue, Failure> {
    let unfit = |_| Failure::Misconfigured("the client's secret does not fit into a header".to_owned());
    let mut value = HeaderValue::from_str(value).map_err(unfit)?;
    value.set_sensitive(true);
    Ok(value)
}

/// How long a token is good, in milliseconds.
fn life(expires_in: Option<u64>) -> u64 {
    expires_in.map_or(USUAL_LIFE_MS, |seconds| seconds.saturating_mul(1000)).min(LONGEST_LIFE_MS)
}

impl Token {
    fn is_old(&self, now: u64) -> bool {
        now.saturating_sub(self.since) >= YOUNG_MS
    }
}

/// A scheme whose requests carry a token of the service's own.
pub(super) trait TokenScheme: Sync {
    /// What asks for the token.
    fn token_request(&self, ports: &SigningPorts<'_>) -> Result<TokenRequest, SignError>;

    /// The fields of the form that differ each time; `newest` is the refresh token that the server gave last.
    fn fresh_fields(&self, newest: Option<&Secret>, ports: &SigningPorts<'_>) -> Result<Fields, SignError>;
}

/// Signs with a token that is good.
pub(super) async fn sign(
    scheme: &dyn TokenScheme,
    request: &mut Prepared,
    ports: &SigningPorts<'_>,
) -> Result<Signature, SignError> {
    let token = scheme.token_request(ports)?.token(scheme, false, ports).await?;
    bearer(request, &token)
}

/// Signs once more after a 401, with a new token. A request that must not be repeated leaves the new token to the next login.
pub(super) async fn sign_again(
    scheme: &dyn TokenScheme,
    request: &mut Prepared,
    server: ServerReply<'_>,
    ports: &SigningPorts<'_>,
) -> Result<Option<Signature>, SignError> {
    if server.reply.status != 401 || server.rounds > 0 {
        return Ok(None);
    }
    let asks = scheme.token_request(ports)?;
    if !server.repeatable {
        asks.forget(ports);
        return Ok(None);
    }
    let token = asks.token(scheme, true, ports).await?;
    bearer(request, &token).map(Some)
}

/// `Authorization: Bearer …`
fn bearer(request: &mut Prepared, token: &Secret) -> Result<Signature, SignError> {
    let name: HeaderName = AUTHORIZATION;
    let value = Zeroizing::new(format!("Bearer {}", token.expose()));
    Ok(Signature::of(add_header(request, name, &value)?))
}
