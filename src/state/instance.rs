//! Which Redis a challenge was stored in: one instance lasts from a start or a promotion to the next.
//!
//! A Redis that was restarted from a snapshot, or a replica that was promoted, may still hold challenges that were
//! taken already; so a challenge is valid only in the instance that it was stored in. The id is read in the same script
//! that reads or writes the challenge, because a connection may reach another Redis at any time.

use crate::crypto::digest::{Algorithm, digest};

/// The hash of an id, as it is sealed.
pub(super) const BYTES: usize = 16;

/// As the scripts give it: `run_id`, which each start draws, and `master_replid`, which each promotion draws.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct InstanceId(pub(super) String);

impl InstanceId {
    pub(super) fn sealed(&self) -> [u8; BYTES] {
        let mut hash = [0; BYTES];
        hash.copy_from_slice(&digest(Algorithm::Sha256, self.0.as_bytes())[..BYTES]);
        hash
    }
}
