//! Whether the user's credential may already have been written to the upstream.
//!
//! A login whose caller disconnected is cancelled, unless an upstream may have counted the attempt already: then it is
//! finished and audited. The flow sets the flag in the same poll in which it starts to write, and never clears it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared by a run and its caller. Clones share the flag.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicBool>);

impl Progress {
    /// To be called right before the first byte of a request that carries the user's credential may be written.
    pub fn credential_leaves(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether an upstream may have seen the user's credential.
    pub fn credential_left(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
