//! What attempts ask of the catalog: find a connector, say what it wants, run it.
//!
//! Traits rather than the catalog itself, so that tests can use connectors that hang or panic. An implementation always
//! answers within the connector's deadline.

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use indexmap::IndexMap;

pub use crate::catalog::Reloaded;
pub use crate::connector::{AskFacts, ConnectorKind, LoginFacts};

use crate::flow::progress::Progress;
use crate::flow::report::Report;
use crate::flow::{ChallengeStore, Login, Resumption, UtilityCall, UtilityReport};
use crate::otel::LoginSpan;
use crate::script::Sandbox;

/// All connectors of the daemon, swapped whole on reload.
pub trait Connectors: Send + Sync + 'static {
    /// The connector with this id in the present generation.
    fn find(&self, id: &str) -> Option<Arc<dyn Connector>>;
    /// All of them, by id.
    fn list(&self) -> Vec<Arc<dyn Connector>>;
    /// How many of them can run. Asked for by each login, so it costs nothing.
    fn running(&self) -> usize {
        self.list().len()
    }
    /// Reads the connector files again.
    fn reload(&self) -> BoxFuture<'_, Reloaded>;
    /// What holds all script workers in; `None` where no connector has a script.
    fn sandbox(&self) -> Option<Sandbox> {
        None
    }
}

/// One revision of one connector.
pub trait Connector: Send + Sync + 'static {
    /// What it is and wants.
    fn about(&self) -> &ConnectorSummary;
    /// Runs one login to its end, or to a challenge. Raises `call.progress` before the credential leaves.
    fn run(self: Arc<Self>, login: Login, call: Call) -> BoxFuture<'static, Report>;
    /// Goes on with a login that waits; its state is of this revision.
    fn resume(self: Arc<Self>, resumption: Resumption, call: Call) -> BoxFuture<'static, Report>;
    /// Goes through a login up to its first request and sends nothing.
    fn dry_run(self: Arc<Self>, login: Login) -> BoxFuture<'static, DryRun>;
    /// Makes one utility call to its end. A connector that authenticates answers misconfigured.
    fn utility(self: Arc<Self>, call: UtilityCall) -> BoxFuture<'static, UtilityReport>;
    /// The account that a user name as sent stands for: itself, or the field `user` packed in it. Log and audit show it.
    fn account<'a>(&self, username: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(username)
    }
}

/// What a run may use of the daemon.
#[derive(Clone)]
pub struct Call {
    /// Called before the user's credential is sent.
    pub progress: Progress,
    /// Where challenges of this caller wait.
    pub challenges: Arc<dyn ChallengeStore>,
    /// The span of this login, where logins are traced.
    pub span: Option<Arc<LoginSpan>>,
}

/// A run that sent nothing.
#[derive(Debug)]
pub struct DryRun {
    /// What was gone through.
    pub report: Report,
    /// Whether a request was ready: then the report's verdict means nothing. If not, it says what stopped the run before.
    pub ready: bool,
}

/// What a caller may know about a connector before a login.
#[derive(Debug, Clone, Default)]
pub struct ConnectorSummary {
    /// The id: the file's name without its extension.
    pub id: String,
    /// For people.
    pub title: Option<String>,
    /// Whether it can say accept at all.
    pub kind: ConnectorKind,
    /// Hash of connector, scripts and settings.
    pub revision: String,
    /// Whether anything reads the user name: a utility then wants one.
    pub username: bool,
    /// A login brings no password: its first factor is a code.
    pub no_password: bool,
    /// The declared `user.*` attributes.
    pub attributes: IndexMap<String, Attribute>,
    /// How fields are packed in the password, if they are: `json5`, `form`, `pairs`.
    pub password_fields: Option<&'static str>,
    /// How fields are packed in the user name, if they are.
    pub username_fields: Option<&'static str>,
    /// What doors may lean on.
    pub facts: LoginFacts,
    /// Whether what runs is what the file says.
    pub health: Health,
}

/// Whether what runs is what the file says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Health {
    /// It is.
    #[default]
    Current,
    /// The file became invalid; the last good revision runs.
    Stale,
    /// It was never valid; every login is misconfigured.
    Invalid,
}

impl Health {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Stale => "stale",
            Self::Invalid => "invalid",
        }
    }
}

/// A declared attribute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attribute {
    /// Whether a login without it is refused.
    pub required: bool,
    /// Most characters that its text may have.
    pub max: Option<usize>,
}
