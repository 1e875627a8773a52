//! Challenges in their store: one that was taken to go on with, and where a run leaves its own.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::sessions::SessionWish;
use crate::flow::ChallengeStore;
use crate::state::{ChallengeState, Challenges, Claim};

/// A challenge that was taken from the store.
pub(super) struct PendingChallenge {
    pub id: String,
    pub bytes: Zeroizing<Vec<u8>>,
    /// The right to put it back.
    pub claim: Claim,
}

/// The store of challenges, for one owner.
pub(super) struct ChallengesOfCaller {
    pub challenges: Arc<Challenges>,
    pub owner: String,
    /// Where they wait instead of under their own ids: a door's console has an id for the whole conversation.
    pub conversation: Option<String>,
    /// What the caller wants of the login's accept.
    pub wish: Option<SessionWish>,
    /// The id of a login that goes on, and the right to put it back.
    pub taken: Option<(String, Claim)>,
}

impl ChallengeStore for ChallengesOfCaller {
    fn put<'a>(
        &'a self,
        id: &'a str,
        state: ChallengeState<'a>,
        ttl: Duration,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let place = self.conversation.as_deref().unwrap_or(id);
            let sealed = self.wish.map(|wish| wish.sealed_with(state.bytes));
            let state = ChallengeState { bytes: sealed.as_deref().map_or(state.bytes, Vec::as_slice), ..state };
            let stored = match &self.taken {
                Some((known, claim)) if known == id => {
                    self.challenges.put_back((&self.owner, place, claim), &state, ttl, deadline).await
                }
                _ => self.challenges.put((&self.owner, place), &state, ttl, deadline).await,
            };
            stored.map_err(|error| error.to_string())
        }
        .boxed()
    }
}
