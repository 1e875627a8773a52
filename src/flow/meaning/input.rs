//! The input of judging a reply, and its results.

use url::Url;

use crate::condition::Facts;
use crate::connector::Step;
use crate::context::Context;
use crate::document::Value;
use crate::flow::conceal::Secrecy;
use crate::flow::report::{CaptureTrace, IdentityTrace, MapTrace, RuleTrace};
use crate::flow::state::StepResult;
use crate::mask::Mask;
use crate::response::source::ReplyView;
use crate::verdict::Mapped;

#[derive(Clone, Copy)]
pub(super) struct JudgeInput<'a> {
    pub(super) secrecy: Secrecy<'a>,
    pub(super) step: &'a Step,
    pub(super) context: &'a Context,
    pub(super) mask: &'a Mask,
    /// The name that identity is compared with.
    pub(super) claimed: &'a str,
    pub(super) tracing: bool,
    pub(super) view: Option<&'a ReplyView<'a>>,
    /// The URL that was asked.
    pub(super) asked: Option<&'a Url>,
    /// What a verified token claims.
    pub(super) claims: Option<&'a Value>,
}

impl<'a> JudgeInput<'a> {
    pub(super) fn facts(self) -> Facts<'a> {
        Facts { context: self.context, reply: self.view, claims: self.claims }
    }
}

/// What is entered into the run whatever the judgement is.
#[derive(Default)]
pub(super) struct Findings {
    /// Steps with `cache` whose captures the reply invalidates.
    pub(super) stale: Vec<usize>,
    /// Whether the status is no answer to a login, and nothing was decided.
    pub(super) unjudged_status: bool,
    /// Whether the reply says that no code was sent.
    pub(super) unsent: bool,
    /// Error code and message of the reply; none in a step without a request.
    pub(super) error: Option<(Option<String>, Option<String>)>,
    /// Extension and attributes of a rejecting reply.
    pub(super) refused: Option<Mapped>,
    pub(super) rules: Vec<RuleTrace>,
    pub(super) captures: Vec<CaptureTrace>,
    pub(super) identity: Option<IdentityTrace>,
    pub(super) map: Option<MapTrace>,
}

/// A step that succeeded.
pub(super) struct StepSuccess {
    pub(super) result: StepResult,
    /// The upstream's name for the user.
    pub(super) subject: Option<String>,
    /// Whether it was compared, and the comparison counts.
    pub(super) compared: bool,
    pub(super) mapped: Mapped,
}
