//! Everything that templates, conditions and scripts of one login may read, by name.
//!
//! A context lives for one login and is never shared between two (invariant 7). It answers with values or says
//! what is missing; it never renders, because a value must not become text without the encoder of its position.

mod lazy;
mod page;
mod variable;
mod work;

pub use lazy::{FilterSeed, LazyTexts, LoginSeed, LoginTexts, LoginValues, StepSeed, StepTexts, StepValues};
pub use page::{Enctype, Field, FieldKind, Form, PageFacts};
pub use variable::{
    LoginValue, RandomValue, SignedPart, SignedWord, StepValue, TimeValue, Variable, VariableError, known_names,
};
pub use work::Work;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::document::{Object, Value};
use crate::secret::Secret;

/// The user as the console sent them.
#[derive(Debug, Clone, Default)]
pub struct User {
    /// The name, byte for byte.
    pub username: String,
    /// The password, byte for byte.
    pub password: Secret,
    /// What was packed into the password or the user name; secret as a whole.
    pub fields: IndexMap<String, Secret>,
    /// The address of the user's device.
    pub client_ip: Option<IpAddr>,
    /// The declared attributes that were sent.
    pub attributes: Object,
}

/// How a step ended, as later conditions read it (`steps.x.outcome`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// Its success was true.
    Success,
    /// Right so far, a further factor is owed.
    More,
    /// Not confirmed yet.
    Pending,
    /// Its `when` was false.
    Skipped,
}

impl StepOutcome {
    /// The word that conditions compare with.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::More => "more",
            Self::Pending => "pending",
            Self::Skipped => "skipped",
        }
    }
}

/// What later steps may read of one step.
#[derive(Debug, Clone)]
pub struct StepFacts {
    /// How it ended.
    pub outcome: StepOutcome,
    /// The HTTP status, if a request was sent.
    pub status: Option<u16>,
    /// What `capture` kept; `None` for an optional one that the reply lacked.
    pub captures: IndexMap<String, Option<Value>>,
    /// Forms and link bases for requests of later steps ([`StepValue::Form`], [`StepValue::Address`]).
    pub page: PageFacts,
}

/// The variables of one login at one step.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// `user.*`
    pub user: User,
    /// `env.*`, filled by variables scripts.
    pub env: Object,
    /// `steps.*`
    pub steps: IndexMap<String, StepFacts>,
    /// `secret.*`, read when the connector was loaded.
    pub secrets: Arc<BTreeMap<String, Secret>>,
    /// `answer.*` of the challenge that this step asked.
    pub answers: IndexMap<String, Secret>,
    /// `request.id`
    pub request_id: String,
    /// `request.*` of the request that is being signed, as far as its signature reads them; else empty.
    pub signed: BTreeMap<SignedPart, Secret>,
    /// `body.inner` of the request that is being rendered.
    pub inner_body: Option<Secret>,
    /// `login.*`
    pub login: LoginValues,
    /// `time.*` and `random.*`
    pub step: StepValues,
    /// What patterns have spent in this call.
    pub work: Work,
    /// What the reply of a door may say of its verdict, by whole name (`accept.subject`); else empty.
    pub verdict: Object,
}

/// Why a variable that may exist has no value in this login.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The console or the user did not send it: reject(invalid_input).
    #[error("{0} was not sent")]
    Input(String),
    /// A reply lacked it or its step did not run: unavailable(unexpected_reply).
    #[error("{0} was not captured")]
    Capture(String),
    /// No script set it, or the name does not exist here: misconfigured.
    #[error("{0} has no value: no script set it")]
    Unset(String),
}

impl Context {
    /// The value of `variable`. An optional capture that the reply lacked is `null`.
    pub fn get(&self, variable: &Variable) -> Result<Cow<'_, Value>, Missing> {
        let input = || Missing::Input(variable.to_string());
        let unset = || Missing::Unset(variable.to_string());
        let owned = |text: &str| Cow::Owned(Value::from(text));
        Ok(match variable {
            Variable::Username => owned(&self.user.username),
            // Every read of a credential here goes into a template, a rule or a script of this login's own request.
            Variable::Password => owned(self.user.password.expose()),
            Variable::Field(name) => owned(self.user.fields.get(name).ok_or_else(input)?.expose()),
            Variable::ClientIp => owned(&self.user.client_ip.ok_or_else(input)?.to_string()),
            Variable::Attribute(name) => Cow::Borrowed(self.user.attributes.get(name).ok_or_else(input)?),
            Variable::Env(name) => Cow::Borrowed(self.env.get(name).ok_or_else(unset)?),
            Variable::Step { step, value } => self.step_value(variable, step, value)?,
            Variable::Secret(name) => owned(self.secrets.get(name).ok_or_else(unset)?.expose()),
            Variable::Answer(name) => owned(self.answers.get(name).ok_or_else(input)?.expose()),
            Variable::Login(LoginValue::State) => owned(self.login.state.expose()),
            Variable::Login(LoginValue::Nonce) => owned(self.login.nonce.expose()),
            Variable::Login(LoginValue::PkceVerifier) => owned(self.login.pkce_verifier.expose()),
            Variable::Login(LoginValue::PkceChallenge) => owned(&self.login.pkce_challenge),
            Variable::RequestId => owned(&self.request_id),
            Variable::Verdict(name) => Cow::Borrowed(self.verdict.get(name).ok_or_else(input)?),
            Variable::Signed(part) => owned(self.signed.get(part).ok_or_else(unset)?.expose()),
            Variable::InnerBody => owned(self.inner_body.as_ref().ok_or_else(unset)?.expose()),
            Variable::Time(TimeValue::Unix) => Cow::Owned(Value::from(self.step.unix)),
            Variable::Time(TimeValue::UnixMs) => Cow::Owned(Value::from(self.step.unix_ms)),
            Variable::Time(TimeValue::Iso8601) => owned(&self.step.texts.iso8601),
            Variable::Time(TimeValue::Compact) => owned(&self.step.texts.compact),
            Variable::Random(RandomValue::Hex16) => owned(&self.step.texts.hex16),
            Variable::Random(RandomValue::Uuid) => owned(&self.step.texts.uuid),
            Variable::Random(RandomValue::Digits6) => owned(&self.step.texts.digits6),
        })
    }

    fn step_value(&self, variable: &Variable, step: &str, value: &StepValue) -> Result<Cow<'_, Value>, Missing> {
        let missing = || Missing::Capture(variable.to_string());
        let facts = self.steps.get(step).ok_or_else(missing)?;
        match value {
            StepValue::Outcome => Ok(Cow::Owned(Value::from(facts.outcome.as_str()))),
            StepValue::Status => {
                facts.status.map(|status| Cow::Owned(Value::from(u64::from(status)))).ok_or_else(missing)
            }
            StepValue::Capture(name) => match facts.captures.get(name) {
                Some(Some(value)) => Ok(Cow::Borrowed(value)),
                Some(None) => Ok(Cow::Owned(Value::Null)),
                None => Err(missing()),
            },
            // These are no values; `request` reads them.
            StepValue::Form(_) | StepValue::Address => Err(missing()),
        }
    }
}
