//! What one login came to, as data. Replies, audit lines, metrics and the send test are functions of it.
//!
//! It decides nothing and prints nothing. The parts under `trace` hold values in clear and exist only when a
//! send test asked for them; whoever shows them goes through `trace`, which masks by allow-list.

use std::time::Duration;

use crate::document::Value;
use crate::request::ShapePart;
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

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepEnd {
    /// Its success was true.
    Success,
    /// Right so far.
    More,
    /// Its `when` was false.
    Skipped,
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
    /// From its start to its end.
    pub took: Duration,
    /// Every stage, when the run was asked for a trace.
    pub trace: Option<Box<StepTrace>>,
}

/// The stages of one step, with values in clear.
#[derive(Debug, Default)]
pub struct StepTrace {
    /// `env.*` after the variables script.
    pub env: Vec<(String, Value)>,
    /// What was sent.
    pub request: Option<SentTrace>,
    /// What came back.
    pub reply: Option<ReplyTrace>,
    /// Each leaf of each condition that was asked, in the order of judging.
    pub leaves: Vec<LeafTrace>,
    /// What `capture` kept.
    pub captures: Vec<CaptureTrace>,
    /// Milliseconds of each stage that ran: `variables`, `render`, `send`, `decode`, `preprocess`, `judge`.
    pub timings: Vec<(&'static str, Duration)>,
    /// Names whose values the connector declares public for this step.
    pub public: Vec<String>,
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
}

/// One leaf of one condition.
#[derive(Debug, Clone)]
pub struct LeafTrace {
    /// `reject[0]`, `unavailable`, `more`, `success`, `when`.
    pub rule: String,
    /// The leaf as it was written: `field code equals 200`.
    pub text: String,
    /// Whether it held.
    pub truth: Truth,
    /// The value that was found, if any.
    pub found: Option<Value>,
    /// Whether its operand is a literal, without holes.
    pub literal: bool,
    /// Whether this leaf decided the verdict.
    pub decisive: bool,
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
