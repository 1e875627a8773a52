//! The state of a login that waits for an answer, as bytes to seal: what later steps read, and nothing else
//! (docs/contract.md section 9, invariant 6).
//!
//! The bytes hold credentials in clear text: the store seals them (`state`), and they are never logged. They are read
//! back only by the same revision of the same connector, so their format needs no compatibility.

use std::net::IpAddr;
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::state::Run;
use crate::connector::ask::{Ask, SLOWEST_POLL};
use crate::context::{LoginTexts, PageFacts, StepFacts, StepOutcome, StepValue, User, Variable};
use crate::cookies::Jar;
use crate::document::{Object, Value};
use crate::secret::Secret;
use crate::state::{ChallengeState, MAX_BYTES};
use crate::verdict::{Mapped, Proven};

/// Incremented when the meaning of a member changes: two versions of this program may share a store.
const FORMAT: u32 = 4;

/// A login that waits for an answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct SavedLogin {
    format: u32,
    pub(super) connector: String,
    pub(super) revision: String,
    pub(super) request_id: String,
    pub(super) username: String,
    pub(super) claimed: String,
    pub(super) client_ip: Option<IpAddr>,
    pub(super) challenge: OpenChallenge,
    redirects: bool,
    /// How many fields are asked for.
    fields_asked: usize,
    /// Answers of the first of them, where they come one by one.
    given: Vec<(String, SealedSecret)>,
    pub(super) proven: Proven,
    pub(super) subject: Option<String>,
    pub(super) named: bool,
    pub(super) compared: Vec<usize>,
    pub(super) node: Option<usize>,
    pub(super) jar: Jar,
    extension: Option<Value>,
    mapped_attributes: Vec<(String, Value)>,
    password: Option<SealedSecret>,
    fields: Vec<(String, SealedSecret)>,
    attributes: Vec<(String, Value)>,
    env: Vec<(String, Value)>,
    answers: Vec<(String, SealedSecret)>,
    steps: Vec<(String, SavedStep)>,
    state: SealedSecret,
    nonce: SealedSecret,
    pkce_verifier: SealedSecret,
    pkce_challenge: String,
}

/// The open challenge, and which tries are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OpenChallenge {
    /// The index of the step that asks.
    pub step: usize,
    /// Milliseconds since 1970 when the challenge ends.
    pub expires_at: u64,
    pub attempts_left: u32,
    pub resends_left: u32,
    /// Milliseconds since 1970: the code may be sent again from then on.
    pub resend_at: u64,
    /// Milliseconds since 1970: the upstream may be polled from then on.
    pub poll_at: u64,
}

pub(super) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedStep {
    outcome: StepOutcome,
    status: Option<u16>,
    captures: Vec<(String, Option<Value>)>,
    page: PageFacts,
}

/// A secret that is serialised into the sealed state, and nowhere else.
#[derive(Debug, Clone)]
struct SealedSecret(Secret);

impl Serialize for SealedSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for SealedSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

impl SavedLogin {
    /// What `run` needs to go on at `challenge`.
    pub(super) fn of(run: &Run<'_>, challenge: OpenChallenge) -> Self {
        let (context, needs) = (&run.context, run.connector.needs_from(challenge.step));
        let kept = |secret: &Secret| SealedSecret(secret.clone());
        let user = &context.user;
        let named = |variable: fn(String) -> Variable, name: &String| needs.keeps(&variable(name.clone()));
        Self {
            format: FORMAT,
            connector: run.connector.id.clone(),
            revision: run.connector.revision.clone(),
            request_id: context.request_id.clone(),
            username: user.username.clone(),
            claimed: run.claimed.clone(),
            client_ip: user.client_ip,
            challenge,
            redirects: asks(run, challenge).is_some_and(Ask::wants_state),
            fields_asked: asks(run, challenge).map_or(0, |ask| ask.fields.len()),
            given: run.given.iter().map(|(name, secret)| (name.clone(), kept(secret))).collect(),
            proven: run.ledger.proven(),
            subject: run.subject.clone(),
            named: run.named,
            compared: run.compared.clone(),
            node: run.pick.as_ref().map(crate::upstream::Pick::index),
            jar: run.jar.clone(),
            extension: run.mapped.extension.clone(),
            mapped_attributes: run.mapped.attributes.clone(),
            password: needs.keeps(&Variable::Password).then(|| kept(&user.password)),
            fields: keep(user.fields.iter(), |name| named(Variable::Field, name), kept),
            attributes: keep(user.attributes.iter(), |name| named(Variable::Attribute, name), Value::clone),
            env: keep(context.env.iter(), |name| named(Variable::Env, name), Value::clone),
            answers: keep(context.answers.iter(), |name| named(Variable::Answer, name), kept),
            steps: context.steps.iter().map(|(name, facts)| (name.clone(), step(name, facts, &needs))).collect(),
            state: kept(&context.login.state),
            nonce: kept(&context.login.nonce),
            pkce_verifier: kept(&context.login.pkce_verifier),
            pkce_challenge: context.login.pkce_challenge.clone(),
        }
    }

    /// The bytes to seal; wiped when dropped. One byte over the limit when they are too large: the store reports that.
    pub(super) fn bytes_of(run: &Run<'_>, challenge: OpenChallenge) -> Zeroizing<Vec<u8>> {
        if !may_fit(run, challenge) {
            return Zeroizing::new(vec![0; TOO_MANY]);
        }
        Self::of(run, challenge).to_bytes()
    }

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Allocated at the largest size, because a buffer that grows leaves copies behind.
        let mut capped = Capped(Zeroizing::new(Vec::with_capacity(TOO_MANY)));
        // Strings, numbers and our own values into memory: serialising fails at the cap only.
        let _ = serde_json::to_writer(&mut capped, self);
        capped.0
    }

    /// Reads opened bytes; `None` for those of another version of this program.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|saved: &Self| saved.format == FORMAT)
    }

    /// The connector's id.
    pub fn connector(&self) -> &str {
        &self.connector
    }

    /// The connector's revision when the challenge was opened.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The console's id of the login.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The user name as it was sent.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The name for the audit trail.
    pub fn account(&self) -> &str {
        &self.claimed
    }

    /// The address of the user's device.
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.client_ip
    }

    /// `login.state`, which a redirect must bring back.
    pub fn login_state(&self) -> &Secret {
        &self.state.0
    }

    /// Whether a factor succeeded, or was right so far, before this challenge.
    pub fn is_proven(&self) -> bool {
        self.proven.is_something()
    }

    /// For the store; `bytes` are this login's.
    pub fn challenge_state<'a>(&'a self, bytes: &'a [u8]) -> ChallengeState<'a> {
        ChallengeState {
            bytes,
            after_factor: self.is_proven(),
            connector: &self.connector,
            account: &self.claimed,
            client_ip: self.client_ip,
        }
    }

    /// Whether the answer must bring `login.state` back.
    pub fn wants_state(&self) -> bool {
        self.redirects
    }

    /// Whether the user types anything; else the challenge is confirmed elsewhere.
    pub fn wants_text(&self) -> bool {
        self.fields_asked > 0
    }

    /// The answers that came so far, one by one.
    pub(super) fn given(&self) -> IndexMap<String, Secret> {
        self.given.iter().map(|(name, SealedSecret(answer))| (name.clone(), answer.clone())).collect()
    }

    /// Milliseconds until the challenge expires; 0 when it has.
    pub fn left_ms(&self, now_ms: u64) -> u64 {
        self.challenge.expires_at.saturating_sub(now_ms)
    }

    /// Whether a poll comes before the time that the last answer named. A clock that was set back delays no poll.
    pub fn is_early(&self, now_ms: u64) -> bool {
        (1..=milliseconds(SLOWEST_POLL)).contains(&self.challenge.poll_at.saturating_sub(now_ms))
    }

    /// What was mapped so far.
    pub(super) fn mapped(&self) -> Mapped {
        Mapped { extension: self.extension.clone(), attributes: self.mapped_attributes.clone(), ..Mapped::default() }
    }

    /// Everything that steps may read, as it was.
    pub(super) fn context(self, secrets: std::sync::Arc<std::collections::BTreeMap<String, Secret>>) -> super::Context {
        let secret = |(name, SealedSecret(value)): (String, SealedSecret)| (name, value);
        super::Context {
            user: User {
                username: self.username,
                password: self.password.map(|SealedSecret(password)| password).unwrap_or_default(),
                fields: self.fields.into_iter().map(secret).collect(),
                client_ip: self.client_ip,
                attributes: self.attributes.into_iter().collect::<Object>(),
            },
            env: self.env.into_iter().collect(),
            steps: self.steps.into_iter().map(|(name, step)| (name, step.facts())).collect(),
            secrets,
            answers: self.answers.into_iter().map(secret).collect(),
            request_id: self.request_id,
            login: LoginTexts {
                state: self.state.0,
                nonce: self.nonce.0,
                pkce_verifier: self.pkce_verifier.0,
                pkce_challenge: self.pkce_challenge,
            }
            .into(),
            ..super::Context::default()
        }
    }
}

/// One more than a state may have.
const TOO_MANY: usize = MAX_BYTES + 1;

/// A writer that fails beyond [`TOO_MANY`] bytes.
struct Capped(Zeroizing<Vec<u8>>);

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = TOO_MANY - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if room == 0 && !bytes.is_empty() {
            Err(std::io::ErrorKind::FileTooLarge.into())
        } else {
            Ok(bytes.len().min(room))
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether the values that `run` must keep may fit, before any of them is copied: a document may be a thousand times
/// too large.
fn may_fit(run: &Run<'_>, challenge: OpenChallenge) -> bool {
    let needs = run.connector.needs_from(challenge.step);
    let mapped = run.mapped.extension.iter().chain(run.mapped.attributes.iter().map(|(_, value)| value));
    let env = run.context.env.iter().filter(|(name, _)| needs.keeps(&Variable::Env((*name).clone())));
    let captures = run.context.steps.iter().flat_map(|(step, facts)| {
        let needs = &needs;
        facts.captures.iter().filter_map(move |(name, value)| {
            let variable = Variable::Step { step: step.clone(), value: StepValue::Capture(name.clone()) };
            value.as_ref().filter(|_| needs.keeps(&variable))
        })
    });
    let mut left = MAX_BYTES;
    mapped.chain(env.map(|(_, value)| value)).chain(captures).all(|value| value.may_fit(&mut left))
}

fn asks<'r>(run: &'r Run<'_>, challenge: OpenChallenge) -> Option<&'r Ask> {
    run.connector.steps.get(challenge.step)?.ask.as_ref()
}

/// The members that are `wanted`, in order.
fn keep<'a, V: 'a, K>(
    members: impl Iterator<Item = (&'a String, &'a V)>,
    wanted: impl Fn(&String) -> bool,
    kept: impl Fn(&V) -> K,
) -> Vec<(String, K)> {
    members.filter(|(name, _)| wanted(name)).map(|(name, value)| (name.clone(), kept(value))).collect()
}

/// Every step keeps its outcome; captures and parts of its page are kept only if a later step names them.
fn step(name: &str, facts: &StepFacts, needs: &crate::connector::Needs) -> SavedStep {
    let of_step = |value| Variable::Step { step: name.to_owned(), value };
    let wanted = |capture: &String| needs.keeps(&of_step(StepValue::Capture(capture.clone())));
    // Scripts cannot read these, so a script that may read everything does not keep them.
    let named = |value| needs.variables.contains(&of_step(value));
    let forms = facts.page.forms.iter().filter(|(css, _)| named(StepValue::Form((*css).clone())));
    let linked = named(StepValue::Address);
    let page = PageFacts {
        url: facts.page.url.clone().filter(|_| linked),
        base: facts.page.base.clone().filter(|_| linked),
        forms: forms.map(|(css, form)| (css.clone(), form.clone())).collect(),
    };
    SavedStep {
        outcome: facts.outcome,
        status: facts.status,
        captures: keep(facts.captures.iter(), wanted, Option::clone),
        page,
    }
}

impl SavedStep {
    fn facts(self) -> StepFacts {
        StepFacts {
            outcome: self.outcome,
            status: self.status,
            captures: self.captures.into_iter().collect::<IndexMap<_, _>>(),
            page: self.page,
        }
    }
}

#[cfg(test)]
mod tests;
