//! A connection that serves one exchange of several requests, and then nobody: for schemes that authenticate the connection (NTLM), on
//! which any later request would be that user's.
//!
//! It is made for one login and closed with it; the pool never sees it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pool::H1;

/// The place of such a connection. Copies share it.
#[derive(Clone, Default)]
pub struct OwnConnection {
    slot: Arc<Mutex<Slot>>,
    continues: bool,
}

#[derive(Default)]
struct Slot {
    /// With the index of its origin.
    kept: Option<(usize, H1)>,
    end_point: Option<Arc<[u8]>>,
}

impl std::fmt::Debug for OwnConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OwnConnection(continues: {})", self.continues)
    }
}

impl OwnConnection {
    /// The same connection for the next request. `continues`: it answers what the server said on it, so a new one will not do.
    #[must_use]
    pub fn next(&self, continues: bool) -> Self {
        Self { slot: Arc::clone(&self.slot), continues }
    }

    /// The hash of the server's certificate (tls-server-end-point, RFC 5929 section 4); none without TLS.
    pub fn end_point(&self) -> Option<Arc<[u8]>> {
        self.slot().end_point.clone()
    }

    pub(super) fn continues(&self) -> bool {
        self.continues
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, when it stands to this origin and was dialled under the rules of now.
    pub(super) fn take(&self, lane: usize, generation: u64) -> Option<H1> {
        let (of, h1) = self.slot().kept.take()?;
        (of == lane && h1.generation() == generation && h1.sender.is_ready()).then_some(h1)
    }

    /// What the new connection is bound to.
    pub(super) fn opened(&self, end_point: Option<Vec<u8>>) {
        self.slot().end_point = end_point.map(Into::into);
    }

    pub(super) fn keep(&self, lane: usize, h1: H1) {
        self.slot().kept = Some((lane, h1));
    }
}
