//! How much of replies one call may read with patterns, and look at with filters of paths.

use std::sync::atomic::{AtomicU64, Ordering};

/// What one call may spend: bytes read, each as often as the program that reads it has 4 KiB. A pattern of the usual size may read a
/// page of a megabyte some 50 times, one of the largest that load twice; both are seconds at the slowest that matching can be.
const MOST: u64 = 256 << 20;

/// What the patterns of one call have read so far.
#[derive(Debug, Default)]
pub struct Work(AtomicU64);

impl Work {
    /// Whether so much more may be read.
    pub fn spend(&self, units: u64) -> bool {
        let before = self.0.fetch_add(units.min(MOST + 1), Ordering::Relaxed);
        before.saturating_add(units) <= MOST
    }

    /// How much was spent, or asked for in vain.
    pub fn spent(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether something was refused for it.
    pub fn is_spent(&self) -> bool {
        self.spent() > MOST
    }
}

/// What was spent counts for a copy as well.
impl Clone for Work {
    fn clone(&self) -> Self {
        Self(AtomicU64::new(self.0.load(Ordering::Relaxed)))
    }
}
