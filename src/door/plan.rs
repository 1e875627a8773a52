//! A door that runs: everything that its file says, checked and compiled.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};

use super::look::Reading;
use super::network::Network;
use super::raw::AskBody;
use super::source::RequestSource;
use crate::document::Value;
use crate::request::{ReplyParts, ReplyPlan};
use crate::verdict::{Cause, Reason};
use crate::words::words;

/// A door.
#[derive(Debug)]
pub struct Door {
    /// The file's name without its ending.
    pub id: String,
    /// A hash of the file.
    pub revision: String,
    /// For people.
    pub title: Option<String>,
    /// What its console makes of a reply.
    pub reading: Reading,
    /// Which connector is asked.
    pub connector: ConnectorChoice,
    /// Where the console asks.
    pub at: AskedAt,
    /// The client of doorward.yaml.
    pub client: String,
    /// Where its token stands; `None`: it shows its certificate, or is known by its network alone.
    pub token: Option<RequestSource>,
    /// Where it asks from; empty: from anywhere.
    pub from: Vec<Network>,
    /// Its address is all that it shows.
    pub network_only: bool,
    /// Where the login stands.
    pub login: LoginSources,
    /// How more is asked of the user.
    pub challenge: ChallengePlan,
    /// What is answered.
    pub replies: Replies,
    /// Closed tables.
    pub tables: Vec<Table>,
    /// Side questions.
    pub also: Vec<Also>,
    /// The most that a login takes.
    pub deadline: Duration,
}

/// Which connector is asked.
#[derive(Debug, Clone)]
pub enum ConnectorChoice {
    /// Always this one.
    One(String),
    /// By the value of an attribute.
    By {
        /// Its name.
        attribute: String,
        /// Value to id.
        ids: BTreeMap<String, String>,
    },
}

/// Where a console asks.
#[derive(Debug, Clone)]
pub struct AskedAt {
    /// As it stands in the request.
    pub path: String,
    /// Everything below it, too.
    pub below: bool,
    /// `None`: any.
    pub method: Option<Method>,
    /// What the body is.
    pub body: AskBody,
}

impl AskedAt {
    /// Whether a request for `path` comes here, whatever its method.
    pub fn is_asked_by(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.path.as_str());
        rest.is_some_and(|rest| rest.is_empty() || (self.below && rest.starts_with('/')))
    }

    /// Whether some request may come to both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.is_asked_by(&other.path) || other.is_asked_by(&self.path)
    }

    /// Whether it takes `method`.
    pub fn takes(&self, method: &Method) -> bool {
        self.method.as_ref().is_none_or(|own| own == method)
    }
}

/// Where the parts of a login stand.
#[derive(Debug)]
pub struct LoginSources {
    /// The user name.
    pub username: RequestSource,
    /// The password.
    pub password: Option<RequestSource>,
    /// The address of the user's device.
    pub client_ip: Option<RequestSource>,
    /// The connector's attributes.
    pub attributes: Vec<(String, RequestSource)>,
}

/// How more is asked of the user; nothing: it is a refusal.
#[derive(Debug, Default)]
pub struct ChallengePlan {
    /// How a later request finds the challenge.
    pub carried: Option<Carried>,
    /// An answer that came with the login.
    pub inline: Option<Inline>,
    /// Several fields are several questions.
    pub one_by_one: bool,
    /// How long a confirmation elsewhere is waited for.
    pub push: Option<Duration>,
    /// The reply shows a picture.
    pub shows_image: bool,
    /// The reply shows a link.
    pub shows_url: bool,
}

impl ChallengePlan {
    /// Whether the password is the answer to a first question.
    pub fn asks_for_password(&self) -> bool {
        let first = |carried: &Carried| matches!(&carried.by, CarriedBy::Console { first_ask: Some(_) });
        self.carried.as_ref().is_some_and(first)
    }
}

/// How a later request finds the challenge, and where it has the answer.
#[derive(Debug)]
pub struct Carried {
    /// Whose id.
    pub by: CarriedBy,
    /// Where the id stands.
    pub id: RequestSource,
    /// Where the answer stands.
    pub answer: RequestSource,
}

/// Whose id finds a challenge.
#[derive(Debug)]
pub enum CarriedBy {
    /// Ours, which the reply for `challenge` has.
    Ours,
    /// The console's, of the whole conversation. The question for the password, where the first round has none.
    Console {
        /// What the user reads.
        first_ask: Option<String>,
    },
}

/// Where an answer stands that came with the login.
#[derive(Debug)]
pub enum Inline {
    /// OpenVPN's envelope in the password.
    Scrv1,
    /// Behind the last of these in the password.
    Separator(String),
    /// In a place of its own.
    From(RequestSource),
}

words! {
    /// What is answered.
    pub enum ReplyKind {
        /// The user is who they say they are.
        Accept = "accept",
        /// The user is refused.
        Reject = "reject",
        /// More is wanted.
        Challenge = "challenge",
        /// Undetermined.
        Unavailable = "unavailable",
        /// Set up wrong.
        Misconfigured = "misconfigured",
        /// No name or no password: no verdict.
        Anonymous = "anonymous",
        /// The request cannot be read: no verdict.
        Malformed = "malformed",
        /// The caller is not the door's: no verdict.
        Stranger = "stranger",
    }
}

/// The replies of each kind; none of them is without rows.
#[derive(Debug)]
pub struct Replies(pub BTreeMap<ReplyKind, Arc<[Row]>>);

impl Replies {
    /// The rows of `kind`.
    pub fn of(&self, kind: ReplyKind) -> &[Row] {
        self.0.get(&kind).map_or(&[], |rows| rows)
    }
}

/// One reply.
#[derive(Debug)]
pub struct Row {
    /// Sent when the reason is one of these; empty: whatever it is.
    pub reasons: Vec<Reason>,
    /// Sent when the cause is one of these; empty: whatever it is.
    pub causes: Vec<Cause>,
    /// The status.
    pub status: StatusCode,
    /// Headers and body.
    pub plan: ReplyPlan,
}

/// `{{table.NAME}}`
#[derive(Debug)]
pub struct Table {
    /// `table.NAME`
    pub name: String,
    /// The whole name of what is looked up: `accept.attributes.group`.
    pub of: String,
    /// Value to result.
    pub results: BTreeMap<String, Value>,
    /// For every other value, and for none.
    pub otherwise: Value,
}

/// A side question.
#[derive(Debug)]
pub struct Also {
    /// Where it is asked.
    pub at: AskedAt,
    /// When `yes` is answered.
    pub when: Question,
    /// The answer when it holds.
    pub yes: ConstantReply,
    /// The answer when it does not; `None`: the reply for reject.
    pub no: Option<ConstantReply>,
}

/// A reply without holes.
#[derive(Debug)]
pub struct ConstantReply {
    /// The status.
    pub status: StatusCode,
    /// Headers and body.
    pub parts: ReplyParts,
}

/// A condition over a request.
#[derive(Debug)]
pub enum Question {
    /// Every one holds; none is always true.
    All(Vec<Question>),
    /// The value is one of these.
    OneOf(RequestSource, Vec<String>),
    /// The value begins with this.
    StartsWith(RequestSource, String),
}
