//! One life of a Redis: from its start, or from when it became the primary, to its end as that.
//!
//! What a Redis took lives in its memory. Restarted from a snapshot, or replaced by a replica that lagged behind, it has what
//! was used up already; so a challenge is good in the life that it was opened in, and in no other. The name of a life is
//! read where the challenge is, in the same script: a connection may meet another Redis at any time.

use crate::crypto::digest::{Algorithm, digest};

/// The hash of a name, as it is sealed.
pub(super) const BYTES: usize = 16;

/// As the scripts give it: `run_id`, which each start draws, and `master_replid`, which each promotion draws.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Life(pub(super) String);

impl Life {
    pub(super) fn sealed(&self) -> [u8; BYTES] {
        let mut hash = [0; BYTES];
        hash.copy_from_slice(&digest(Algorithm::Sha256, self.0.as_bytes())[..BYTES]);
        hash
    }
}
