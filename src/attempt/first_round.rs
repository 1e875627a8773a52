//! The first round of a conversation, which has the user's name and no password yet: what it said waits in the store of challenges, for
//! the round that brings the password.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::App;
use super::callers::Caller;
use super::door_rules::DoorRules;
use super::outcome::{Mode, TooManyCalls};
use crate::account::bounded;
use crate::state::{ChallengeState, STORE_TIMEOUT, StateError};

/// How long a user may take to type a password.
pub(crate) const FIRST_ANSWER: Duration = Duration::from_mins(2);

/// What the first round of a conversation said.
#[derive(Serialize, Deserialize)]
pub(crate) struct FirstRound {
    pub username: String,
    /// Some consoles say it in their first round only.
    pub client_ip: Option<IpAddr>,
    pub attributes: Vec<(String, String)>,
}

/// Why a first round is not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKept {
    /// The client has too many calls open.
    #[error("the client has as many calls open as it may")]
    TooMany,
    /// The store says why.
    #[error(transparent)]
    State(StateError),
}

impl From<TooManyCalls> for NotKept {
    fn from(_: TooManyCalls) -> Self {
        Self::TooMany
    }
}

impl App {
    /// Keeps the first round of the conversation of `rules`, for the connector that will be asked.
    pub(crate) async fn begin_conversation(
        &self,
        caller: &Caller,
        rules: &dyn DoorRules,
        connector: &str,
        round: &FirstRound,
    ) -> Result<(), NotKept> {
        let _permit = self.call_permit(caller)?;
        let bytes = serde_json::to_vec(round).unwrap_or_default();
        let account = bounded(&round.username);
        let client_ip = round.client_ip;
        let state = ChallengeState { bytes: &bytes, after_factor: false, connector, account: &account, client_ip };
        let (owner, id) = (first_owner(caller, rules), rules.conversation().unwrap_or_default());
        let kept = self.challenges.put((&owner, id), &state, FIRST_ANSWER, Instant::now() + STORE_TIMEOUT).await;
        kept.map_err(NotKept::State)
    }

    /// What the first round of this conversation said; nobody gets it twice. `None`: its password came already, or there was none.
    pub(crate) async fn first_round(
        &self,
        caller: &Caller,
        rules: &dyn DoorRules,
    ) -> Result<Option<FirstRound>, StateError> {
        let id = rules.conversation().unwrap_or_default();
        let taken = self.challenges.take(&first_owner(caller, rules), id, Instant::now() + STORE_TIMEOUT).await?;
        Ok(taken.and_then(|taken| serde_json::from_slice(&taken.bytes).ok()))
    }
}

/// Another owner than that of the conversation's challenge, which has the same id.
fn first_owner(caller: &Caller, rules: &dyn DoorRules) -> String {
    format!("first {}", caller.challenge_owner(Mode::Login, Some(rules)))
}
