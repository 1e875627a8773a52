//! What the caller of a running login may know about it: whether the user's credential has left the house.
//!
//! A login whose caller went away ends, unless an upstream may have counted the attempt already: then it is finished
//! and audited. The flow raises the flag in the same poll in which it starts to write; it never lowers it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared by a run and whoever waits for it. Cloning shares.
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
