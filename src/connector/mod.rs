//! A connector as it runs: everything in a file resolved, compiled and checked.
//!
//! Immutable once built; a change makes another one with another revision (docs/security.md, failure 20). What was written is `raw`, how
//! one becomes the other is `check`.

pub mod ask;
pub mod cache;
pub mod check;
pub mod evidence;
mod key_owners;
mod live;
mod login_facts;
mod needs;
#[cfg(test)]
mod random;
pub mod raw;
mod schema;
mod script_input;
pub mod step_cache;
pub mod usual;

pub use ask::Ask;
pub use cache::CachePlan;
pub use live::Live;
pub use login_facts::{AskFacts, LoginFacts};
pub use needs::Needs;
pub use raw::connector::ConnectorKind;
pub use raw::response::Match;
pub use raw::step::Role;
pub use schema::{schema, schema_text};
pub use script_input::Script;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use self::evidence::Weakness;
use crate::condition::{Condition, StepRules, Test, ValueSource};
use crate::context::Variable;
use crate::cookies::DeliveryPlan;
use crate::mapping::MapPlan;
use crate::packing::Packing;
use crate::request::RequestPlan;
use crate::response::{Decoding, DecryptPlan, JwtPlan, Most};
use crate::secret::Secret;
use crate::signing::Scheme;
use crate::upstream::{Gate, Nodes};

/// One declared attribute of the user.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Its name, `user.<name>`.
    pub name: String,
    /// Whether a login without it is refused.
    pub required: bool,
    /// The most characters.
    pub max: usize,
}

/// What a login brings.
#[derive(Debug, Default)]
pub struct Input {
    /// Declared attributes.
    pub attributes: Vec<Attribute>,
    /// Fields packed into the password.
    pub password_fields: Option<Packing>,
    /// Fields packed into the user name.
    pub username_fields: Option<Packing>,
    /// Whether a login brings no password: its first factor is a code.
    pub no_password: bool,
    /// Whether an empty user name or password is sent on.
    pub allow_empty_password: bool,
    /// Whether anything reads `user.username`: a utility then wants one.
    pub username: bool,
}

/// Names of one kind, of which a script may use more than its text tells.
#[derive(Debug, Default)]
pub struct NameSet {
    /// By name.
    pub names: BTreeSet<String>,
    /// All of them: a script's text does not tell which.
    pub all: bool,
}

impl NameSet {
    /// Whether `name` is one.
    pub fn covers(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }
}

/// The text of a setting that comes from the environment. The author of a connector may name any variable of the daemon's
/// environment, so it is shown only where the operator has bounds for it: in the origin and the path of a URL.
#[derive(Debug, Clone)]
pub struct FromEnvironment {
    /// The text.
    pub value: Secret,
    /// Whether it stands in the origin or the path of a URL of the file.
    pub in_url: bool,
}

/// A captured part of a reply.
#[derive(Debug)]
pub struct Capture {
    /// `steps.<step>.<name>`
    pub name: String,
    /// Where it is.
    pub source: ValueSource,
    /// Whether a trace may show it.
    pub public: bool,
    /// Whether a reply may lack it.
    pub optional: bool,
}

/// The user that the upstream names.
#[derive(Debug)]
pub struct Identity {
    /// Where it says so.
    pub source: ValueSource,
    /// How it is compared.
    pub how: Match,
    /// Whether the comparison verifies the user who was proven: in a factor, or in a helper whose request has a capture of
    /// a factor. The reply to a user name only echoes the name that was sent.
    pub counts: bool,
}

/// How a reply is decoded, judged and mapped.
#[derive(Debug)]
pub struct ResponsePlan {
    /// How a body is decrypted first.
    pub decrypt: Option<DecryptPlan>,
    /// How the body becomes a document.
    pub decoding: Decoding,
    /// How the token in it is verified.
    pub jwt: Option<JwtPlan>,
    /// The script on the document.
    pub preprocess: Option<Box<Script>>,
    /// When it means what.
    pub rules: StepRules,
    /// What else than a value of the reply `success` or `more` may rest on, as the file acknowledges: the probe leaves it out.
    pub waived: BTreeSet<Weakness>,
    /// Statuses beyond the usual ones that a rule names.
    pub named_statuses: Vec<u16>,
    /// The user that the upstream names.
    pub identity: Option<Identity>,
    /// What later steps may read.
    pub captures: Vec<Capture>,
    /// What goes back.
    pub map: MapPlan,
}

impl ResponsePlan {
    /// Every source that rules, identity, captures and mapping read; of a list each one.
    pub fn sources(&self) -> impl Iterator<Item = &ValueSource> {
        let leaves = self.rules.conditions().flat_map(|(_, condition)| condition.leaves());
        let compared = leaves.filter_map(|(leaf, _)| match &leaf.test {
            Test::Compare(source, _) => Some(source),
            Test::Status(_) => None,
        });
        let identity = self.identity.iter().map(|identity| &identity.source);
        let captured = self.captures.iter().map(|capture| &capture.source);
        let all = compared.chain(identity).chain(captured).chain(self.map.sources());
        all.flat_map(ValueSource::each)
    }
}

/// A code that a step makes the upstream send.
#[derive(Debug)]
pub struct SendsCode {
    /// Who gets it.
    pub to: Variable,
    /// When the reply says that one went out; without it by what the step came to.
    pub when: Option<Condition>,
}

/// One step. `check` builds it once, complete: what it knows of other steps it knows of earlier ones.
#[derive(Debug)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// What it can prove.
    pub role: Role,
    /// Whether it runs.
    pub when: Option<Condition>,
    /// The pause before it.
    pub ask: Option<Ask>,
    /// The script before the request.
    pub variables: Option<Box<Script>>,
    /// The request; none in a step that only asks.
    pub request: Option<RequestPlan>,
    /// How the request authenticates itself.
    pub auth: Option<Box<dyn Scheme>>,
    /// Every variable that request and `auth` read.
    pub variables_read: BTreeSet<Variable>,
    /// Whether the request carries the user's credential or something computed from it.
    pub carries_credential: bool,
    /// What is done with the reply.
    pub response: ResponsePlan,
    /// How often a helper is tried again.
    pub retry: u32,
    /// Whether its captures are kept for other logins, and how.
    pub cache: Option<CachePlan>,
    /// Earlier steps with `cache` whose captures a reply of this one can invalidate (`drop_when`).
    pub invalidates: Vec<usize>,
    /// Names whose values a trace may show.
    pub public: Vec<String>,
    /// Who gets the code that the step sends, for the send quota: what the file says, else the user of a login whose ask
    /// sends again by this step.
    pub sends_code_to: Option<SendsCode>,
    /// Everything that it reads, its scripts included.
    pub needs: Needs,
    /// Whether it is a factor that is proven on another device or page, so that a comparison of names must say whose it is.
    pub proven_elsewhere: bool,
    /// The factors proven elsewhere, itself or earlier ones, whose user its `identity` comparison verifies.
    pub compares_for: Vec<usize>,
}

impl Step {
    /// Whether its request may be sent again without the caller's wish: it proves nothing and carries no credential.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.role == Role::Helper && !self.carries_credential
    }
}

/// A checked connector.
#[derive(Debug)]
pub struct Connector {
    /// The file's name without its ending.
    pub id: String,
    /// For people.
    pub title: Option<String>,
    /// What it is for.
    pub kind: ConnectorKind,
    /// Hash of file, scripts and settings.
    pub revision: String,
    /// What a login brings.
    pub input: Input,
    /// Read at load.
    pub secrets: Arc<BTreeMap<String, Secret>>,
    /// Settings that are not to be seen everywhere.
    pub settings_from_env: Vec<FromEnvironment>,
    /// One monotonic deadline a call of the console.
    pub timeout: Duration,
    /// Of `time.iso8601`, `time.compact` and the `date` filter.
    pub time_zone: jiff::tz::TimeZone,
    /// The packed fields that the proof is made of.
    pub proof_fields: NameSet,
    /// The `env.*` that are, or may be, computed from a credential.
    pub secret_env: Arc<NameSet>,
    /// Whether the file acknowledges that a door takes the typed name for the user's.
    pub typed_name: bool,
    /// Whether an accept needs a comparison of names that ran.
    pub identity_required: bool,
    /// Whether the server is told the trace of a login.
    pub traceparent: bool,
    /// The origins of a `nodes` setting, of which each login uses one.
    pub nodes: Option<Nodes>,
    /// What the document of a reply, and all that one login keeps of replies, may take in memory.
    pub max_document: Most,
    /// How many large replies are decoded or judged at a time: one upstream's hostile pages take no more threads than this.
    pub decoders: Gate,
    /// Cookies for the user's browser.
    pub delivery: Option<DeliveryPlan>,
    /// What its regular expressions take when compiled.
    pub pattern_bytes: usize,
    /// In the order of the file.
    pub steps: Arc<[Step]>,
}

impl Connector {
    /// What the steps from the one at `index` on may read, those that send a code once more included.
    pub fn needs_from(&self, index: usize) -> Needs {
        let mut needs = Needs::default();
        for step in self.steps.iter().skip(index) {
            needs.join(&step.needs);
            let resend = step.ask.as_ref().and_then(|ask| ask.resend.as_ref());
            if let Some(sender) = resend.and_then(|resend| self.steps.get(resend.step)) {
                needs.join(&sender.needs);
            }
        }
        needs
    }
}
