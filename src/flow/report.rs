//! The result of one login as data. Replies, audit lines, metrics and the send test are functions of it.
//!
//! The parts under `trace` hold values in clear text and exist only when a send test asked for them; they are shown
//! through the module `trace` only, which masks by allow-list.

use std::time::Duration;

use tokio::time::Instant;

use crate::connector::FromEnvironment;
use crate::cookies::Dropped;
use crate::document::Value;
use crate::request::ShapePart;
use crate::secret::Secret;
use crate::signing::Addition;
use crate::upstream::Timings;
use crate::verdict::{Truth, Verdict};

/// One login (or one part of it, up to a challenge).
#[derive(Debug)]
pub struct Report {
    /// The connector's id.
    pub connector: String,
    /// Hash of connector, scripts and settings.
    pub revision: String,
    /// The console's request id, or one drawn here.
    pub request_id: String,
    /// The user name as it was sent.
    pub username: String,
    /// The name for the audit trail: the user name, or of a packed one its field `user`; the other fields are secret.
    pub account: String,
    /// How it ended.
    pub verdict: Verdict,
    /// One masked line for an administrator: which step, what was seen, why that means this verdict.
    pub explain: String,
    /// Every step of the connector that was reached, in order.
    pub steps: Vec<StepReport>,
    /// How many requests that carry the user's credential were written to an upstream.
    pub credential_sends: u32,
    /// From the call to the verdict.
    pub took: Duration,
}

/// Which login a report is about.
#[derive(Debug, Clone, Default)]
pub struct LoginNames {
    /// The connector's id.
    pub connector: String,
    /// Hash of connector, scripts and settings.
    pub revision: String,
    /// The console's request id, or one drawn here.
    pub request_id: String,
    /// The user name as it was sent.
    pub username: String,
    /// The name for the audit trail.
    pub account: String,
}

impl Report {
    /// The report of a login of which no step ran, and which took no time.
    pub fn without_run(names: LoginNames, verdict: Verdict, explain: impl Into<String>) -> Self {
        let LoginNames { connector, revision, request_id, username, account } = names;
        Self {
            connector,
            revision,
            request_id,
            username,
            account,
            verdict,
            explain: explain.into(),
            steps: Vec::new(),
            credential_sends: 0,
            took: Duration::ZERO,
        }
    }
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepEnd {
    /// Its success was true.
    Success,
    /// Right so far.
    More,
    /// Its `when` was false.
    Skipped,
    /// The run pauses before it: the user is asked.
    Asked,
    /// Not confirmed yet.
    Pending,
    /// The run ended here without success of this step.
    Ended,
}

impl StepEnd {
    /// The word in logs, audit lines and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::More => "more",
            Self::Skipped => "skipped",
            Self::Asked => "asked",
            Self::Pending => "pending",
            Self::Ended => "ended",
        }
    }
}

/// One step of a run.
#[derive(Debug)]
pub struct StepReport {
    /// The step's name.
    pub name: String,
    /// Whether it can prove the user.
    pub factor: bool,
    /// What it came to.
    pub end: StepEnd,
    /// The HTTP status of the reply, if there was one.
    pub status: Option<u16>,
    /// The status is no answer to a login, and no rule that holds names it: it says nothing about the user.
    pub unjudged_status: bool,
    /// When it started.
    pub began: Instant,
    /// From its start to its end.
    pub took: Duration,
    /// Every stage, when the run was asked for a trace.
    pub trace: Option<Box<StepTrace>>,
}

/// The stages of one step, with values in clear.
#[derive(Debug, Default)]
pub struct StepTrace {
    /// Each leaf of `when`, as a rule of that name.
    pub when: Option<RuleTrace>,
    /// What the user is asked.
    pub ask: Option<AskTrace>,
    /// `env.*` after the variables script.
    pub env: Vec<(String, Value)>,
    /// What was sent.
    pub request: Option<SentTrace>,
    /// What came back.
    pub reply: Option<ReplyTrace>,
    /// Cookies that replies set and that were not kept.
    pub dropped_cookies: Vec<Dropped>,
    /// Each rule that was evaluated, in the order of judging; the last one decided.
    pub rules: Vec<RuleTrace>,
    /// How it used the cache.
    pub cache: Vec<CacheTrace>,
    /// What `capture` kept.
    pub captures: Vec<CaptureTrace>,
    /// How the upstream's name for the user was compared.
    pub identity: Option<IdentityTrace>,
    /// What `map` gave.
    pub map: Option<MapTrace>,
    /// How long each stage took that ran: `variables`, `render`, `send`, `decode`, `preprocess`, `judge`, `map`.
    pub timings: Vec<(&'static str, Duration)>,
    /// Names whose values the connector declares public for this step.
    pub public: Vec<String>,
    /// Secrets of the user and the connector, for the second layer of redaction.
    pub credentials: Vec<Secret>,
    /// Texts of settings that come from the environment.
    pub settings: Vec<FromEnvironment>,
}

/// What the user is asked, without the id and without what could answer it.
#[derive(Debug)]
pub struct AskTrace {
    /// `sms`, `totp`, ...
    pub kind: String,
    /// The message to the user.
    pub message: Option<String>,
    /// The names of the answers.
    pub fields: Vec<String>,
    /// How many answers are left.
    pub attempts_left: u32,
    /// How long the challenge lives.
    pub expires_in: Duration,
}

/// A request as it was sent.
#[derive(Debug)]
pub struct SentTrace {
    /// `GET`, `POST`.
    pub method: String,
    /// The whole URL, user data included.
    pub url: String,
    /// Where each value of it came from; the allow-list works on this.
    pub shape: Vec<ShapePart>,
    /// What `auth` added: headers, and fields of query and body.
    pub signed: Vec<Addition>,
    /// Cookies that earlier replies of this login set.
    pub from_jar: Vec<(String, Vec<u8>)>,
}

/// A reply as it was read.
#[derive(Debug)]
pub struct ReplyTrace {
    /// The HTTP status.
    pub status: u16,
    /// Header names and values as they came.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Bytes of the decoded body.
    pub body_bytes: usize,
    /// What the body was taken as, or why it could not be read.
    pub read_as: String,
    /// The document that rules read (after the preprocess script).
    pub document: Option<Value>,
    /// Whether a preprocess script made that document.
    pub preprocessed: bool,
    /// Where the time of the exchange went.
    pub timings: Timings,
}

/// One rule over one reply.
#[derive(Debug)]
pub struct RuleTrace {
    /// `reject[0]`, `unavailable`, `more`, `pending`, `success`, `when`.
    pub name: String,
    /// What it came to.
    pub truth: Truth,
    /// What it evaluated, in order.
    pub leaves: Vec<LeafTrace>,
}

/// One leaf of one condition.
#[derive(Debug)]
pub struct LeafTrace {
    /// The leaf as it was written: `field code equals 200`.
    pub text: String,
    /// Whether it held.
    pub truth: Truth,
    /// The value that was found, if any.
    pub found: Option<Value>,
    /// Why there was none.
    pub because: Option<String>,
    /// How much of the value the leaf itself reveals.
    pub tells: Tells,
    /// Whether this leaf decided the step.
    pub decisive: bool,
}

/// How much the truth of a leaf reveals of its value. What it reveals anyway may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    /// Nothing: it asks whether a value exists, or compares with a value that is not in the file.
    Nothing,
    /// Something: it compares with a literal that is not the whole value.
    Part,
    /// When true the value itself, which the file names: `equals`, `in`, the status.
    All,
}

/// How a step used the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheTrace {
    /// The captures were cached.
    Hit,
    /// Another login fetched them.
    Shared,
    /// This login fetched them, and they are cached for this long.
    Kept(Duration),
    /// This login fetched them, and why they are not cached.
    NotKept(String),
    /// The reply invalidated the captures of this step.
    Dropped(String),
}

/// One captured value.
#[derive(Debug)]
pub struct CaptureTrace {
    /// The name.
    pub name: String,
    /// The value; `None` for an optional one that was absent.
    pub value: Option<Value>,
    /// Declared `public: true`.
    pub public: bool,
}

/// The upstream's name for the user beside the name that was sent.
#[derive(Debug)]
pub struct IdentityTrace {
    /// Where it stands.
    pub source: String,
    /// What the upstream says; `None` when it says nothing.
    pub said: Option<String>,
    /// Whether the names are the same, as the connector compares them; `None` when they were not compared.
    pub same: Option<bool>,
}

/// What `map` of one step gave.
#[derive(Debug, Default)]
pub struct MapTrace {
    /// The upstream's code, as text.
    pub error_code: Option<String>,
    /// The upstream's message, plain.
    pub error_message: Option<String>,
    /// Whether one of the two comes from a secret: a variable that holds a credential, a capture.
    pub kept: bool,
    /// Data for the app.
    pub extension: Option<Value>,
    /// Named attributes of the user.
    pub attributes: Vec<(String, Value)>,
}
