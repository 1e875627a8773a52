//! One challenge: what is stored of it, under which key, and what its store returns.

use std::net::IpAddr;
use std::time::Duration;

use zeroize::Zeroizing;

use super::instance::InstanceId;
use super::lua;
use crate::crypto::digest::{Algorithm, digest};

/// The largest state: what later steps name, a cookie jar, and little else.
pub const MAX_BYTES: usize = 64 * 1024;

/// The longest wait for a store, however late the deadline is: a store beside the daemon answers in milliseconds, and a
/// user at a prompt should learn soon that it does not.
pub const STORE_TIMEOUT: Duration = Duration::from_secs(1);

/// The state of a login that waits for an answer, and what eviction needs to know of its owner.
#[derive(Debug, Clone, Copy)]
pub struct ChallengeState<'a> {
    /// What is sealed.
    pub bytes: &'a [u8],
    /// Whether a factor has succeeded before the challenge.
    pub after_factor: bool,
    /// The connector's id.
    pub connector: &'a str,
    /// The name that identity and guard use.
    pub account: &'a str,
    /// The address of the user's device.
    pub client_ip: Option<IpAddr>,
}

/// A challenge that was taken out of its store.
#[derive(Debug)]
pub struct TakenChallenge {
    /// The opened state.
    pub bytes: Zeroizing<Vec<u8>>,
    /// The right to put it back.
    pub claim: Claim,
}

/// The right of the call that took a challenge, and of no other, to put it back.
#[derive(Debug, Clone, Default)]
pub struct Claim {
    pub(super) nonce: [u8; lua::NONCE_BYTES],
    pub(super) instance: InstanceId,
}

/// What a store returns for a key.
#[derive(Debug)]
pub(super) enum Taken {
    Nothing,
    Unreadable,
    /// Opened before Redis was restarted or replaced.
    OtherInstance,
    State(Zeroizing<Vec<u8>>),
}

/// A hash of owner and id: another owner's id finds nothing, and the keys of a store reveal neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct StoreKey(pub(super) [u8; 32]);

impl StoreKey {
    pub(super) fn of(owner: &str, id: &str) -> Self {
        let mut all = b"doorward challenge\0".to_vec();
        // Each part is preceded by its length, so that no two pairs give the same bytes.
        for part in [owner, id] {
            all.extend_from_slice(&(part.len() as u64).to_be_bytes());
            all.extend_from_slice(part.as_bytes());
        }
        let mut key = [0; 32];
        key.copy_from_slice(&digest(Algorithm::Sha256, &all));
        Self(key)
    }
}
