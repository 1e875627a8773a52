//! The budget of one call for matching patterns and filtering by paths.

use std::sync::atomic::{AtomicU64, Ordering};

/// In bytes read, times the size of the compiled pattern in units of 4 KiB. A pattern of ordinary size may read a page
/// of a megabyte some 50 times, one of the largest that load twice; both take seconds in the worst case.
const MAX_UNITS: u64 = 256 << 20;

/// What one call has spent so far.
#[derive(Debug, Default)]
pub struct Work(AtomicU64);

impl Work {
    /// Spends `units`; false when the budget is exhausted.
    pub fn spend(&self, units: u64) -> bool {
        let before = self.0.fetch_add(units.min(MAX_UNITS + 1), Ordering::Relaxed);
        before.saturating_add(units) <= MAX_UNITS
    }

    /// How much was spent, refused units included.
    pub fn spent(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether anything was refused.
    pub fn is_spent(&self) -> bool {
        self.spent() > MAX_UNITS
    }
}

/// A copy has spent as much.
impl Clone for Work {
    fn clone(&self) -> Self {
        Self(AtomicU64::new(self.0.load(Ordering::Relaxed)))
    }
}
