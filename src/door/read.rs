//! What one request of a console asks, read: nothing is looked up and nobody is asked. Requests, golden cases and `doorward test
//! --door` read alike.

use std::net::IpAddr;

use super::plan::{Carried, CarriedBy, Door, ReplyKind};
use super::source::{AskedRequest, Malformed};
use crate::secret::Secret;

/// No console's id of a conversation is longer.
const MAX_CONVERSATION: usize = 256;

/// A request, read.
pub struct AskedRound {
    /// The user name; never empty.
    pub username: String,
    /// The address of the user's device.
    pub client_ip: Option<IpAddr>,
    /// What the connector declares, and what chooses it.
    pub attributes: Vec<(String, String)>,
    /// The console's own id of the conversation.
    pub conversation: Option<String>,
    /// What of a login it is.
    pub step: RoundStep,
}

/// What of a login a request is.
pub enum RoundStep {
    /// Its beginning.
    Begins(Credentials),
    /// The beginning of a conversation, in which the password is asked for by this text.
    AsksForPassword(String),
    /// The answer to the challenge of this id.
    Answers {
        /// Ours.
        id: String,
        /// What the user typed.
        answer: Secret,
    },
    /// A later round of the conversation: its password, or an answer to its challenge.
    GoesOn(Secret),
}

/// What a login begins with.
#[derive(Default)]
pub struct Credentials {
    /// Empty where the connector takes none.
    pub password: Secret,
    /// What came with it.
    pub answer: Option<Secret>,
}

/// Why a request comes to no login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unasked {
    /// No name or no password.
    Anonymous,
    /// It cannot be read without doubt.
    Malformed(Malformed),
}

impl From<Malformed> for Unasked {
    fn from(why: Malformed) -> Self {
        Self::Malformed(why)
    }
}

impl Unasked {
    /// The reply.
    pub fn kind(self) -> ReplyKind {
        match self {
            Self::Anonymous => ReplyKind::Anonymous,
            Self::Malformed(_) => ReplyKind::Malformed,
        }
    }
}

impl Door {
    /// Reads a request whose caller is known.
    pub fn read(&self, asked: &AskedRequest<'_>) -> Result<AskedRound, Unasked> {
        let username = self.login.username.read(asked)?.filter(|name| !name.is_empty()).ok_or(Unasked::Anonymous)?;
        let mut conversation = None;
        let step = match &self.challenge.carried {
            None => self.begins(asked)?,
            Some(Carried { by: CarriedBy::Ours, id, answer }) => match id.read(asked)?.filter(|id| !id.is_empty()) {
                Some(id) => RoundStep::Answers { id, answer: Secret::new(answer.read(asked)?.unwrap_or_default()) },
                None => self.begins(asked)?,
            },
            Some(Carried { by: CarriedBy::Console { first_ask }, id, answer }) => {
                let id = id.read(asked)?.filter(|id| (1..=MAX_CONVERSATION).contains(&id.len()));
                conversation = Some(id.ok_or(Malformed("the request is of no conversation"))?);
                match (answer.read(asked)?, first_ask) {
                    (None, Some(label)) => RoundStep::AsksForPassword(label.clone()),
                    (None, None) => self.begins(asked)?,
                    (Some(answer), _) => RoundStep::GoesOn(Secret::new(answer)),
                }
            }
        };
        let client_ip = self.login.client_ip.as_ref().map(|source| source.address(asked)).transpose()?.flatten();
        let mut attributes = Vec::new();
        for (name, source) in &self.login.attributes {
            attributes.extend(source.read(asked)?.map(|value| (name.clone(), value)));
        }
        Ok(AskedRound { username, client_ip, attributes, conversation, step })
    }

    fn begins(&self, asked: &AskedRequest<'_>) -> Result<RoundStep, Unasked> {
        let Some(source) = &self.login.password else { return Ok(RoundStep::Begins(Credentials::default())) };
        self.credentials(Secret::new(source.read(asked)?.unwrap_or_default()), asked).map(RoundStep::Begins)
    }

    /// A password as it was typed, taken apart where an answer came with it.
    pub fn credentials(&self, typed: Secret, asked: &AskedRequest<'_>) -> Result<Credentials, Unasked> {
        let credentials = match &self.challenge.inline {
            Some(inline) if !typed.expose().is_empty() => inline.split(typed.expose(), asked)?,
            _ => Credentials { password: typed, answer: None },
        };
        if credentials.password.expose().is_empty() { Err(Unasked::Anonymous) } else { Ok(credentials) }
    }
}
