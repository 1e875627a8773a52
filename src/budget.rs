//! A shared limit on bytes of memory: a holder reserves what it holds, and the reservation ends with the holder.
//!
//! A reservation beyond the limit fails at once, it never waits. Holders report what they take in memory
//! (`document::Value::bytes`), not the length on the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A limit, and how much of it is reserved.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    held: AtomicUsize,
    /// The budget that this one is a part of.
    whole: Option<Arc<Budget>>,
}

/// The reservation would exceed the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the memory for replies is used up")]
pub struct BudgetExceeded;

impl Budget {
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, held: AtomicUsize::new(0), whole: None })
    }

    /// A part of `whole`: reservations count in both.
    pub fn part_of(whole: &Arc<Self>, most: usize) -> Arc<Self> {
        Arc::new(Self { most, held: AtomicUsize::new(0), whole: Some(Arc::clone(whole)) })
    }

    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> Result<(), BudgetExceeded> {
        let more = |held: usize| held.checked_add(bytes).filter(|held| *held <= self.most);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|_| BudgetExceeded)?;
        let of_whole = self.whole.as_ref().map_or(Ok(()), |whole| whole.take(bytes));
        if of_whole.is_err() {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
        }
        of_whole
    }

    fn give_back(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.give_back(bytes);
        }
    }
}

/// Bytes of each holder that are not counted. `limits.in_flight` bounds them already, and most logins then never touch
/// the shared counter.
const UNCOUNTED: usize = 16 * 1024;

/// The reservation of one holder; given back on drop.
#[derive(Debug, Default)]
pub struct Share {
    budget: Option<Arc<Budget>>,
    taken: usize,
}

impl Share {
    /// An empty reservation; without a budget there is no limit.
    pub fn of(budget: Option<&Arc<Budget>>) -> Self {
        Self { budget: budget.cloned(), taken: 0 }
    }

    /// Changes the reservation to `bytes`. On an error the old reservation stays.
    pub fn hold(&mut self, bytes: usize) -> Result<(), BudgetExceeded> {
        let Some(budget) = &self.budget else { return Ok(()) };
        let wanted = bytes.saturating_sub(UNCOUNTED);
        if wanted > self.taken {
            budget.take(wanted - self.taken)?;
        } else if wanted < self.taken {
            budget.give_back(self.taken - wanted);
        }
        self.taken = wanted;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // Shrinking cannot fail.
        let _ = self.hold(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_counts_in_the_part_and_in_the_whole() {
        let whole = Budget::new(100 << 10);
        let (one, other) = (Budget::part_of(&whole, 80 << 10), Budget::part_of(&whole, 80 << 10));
        let (mut first, mut second) = (Share::of(Some(&one)), Share::of(Some(&other)));
        assert_eq!(first.hold(70 << 10), Ok(()));
        assert_eq!((one.held(), whole.held()), (54 << 10, 54 << 10));
        assert_eq!(first.hold(100 << 10), Err(BudgetExceeded), "more than the part");
        assert_eq!(second.hold(70 << 10), Err(BudgetExceeded), "more than the whole");
        assert_eq!((one.held(), other.held(), whole.held()), (54 << 10, 0, 54 << 10), "a refusal takes nothing");
        assert_eq!(first.hold(20 << 10), Ok(()));
        assert_eq!(second.hold(70 << 10), Ok(()));
        drop((first, second));
        assert_eq!((one.held(), other.held(), whole.held()), (0, 0, 0));
    }

    #[test]
    fn a_small_login_touches_no_counter_and_without_a_budget_there_is_no_bound() {
        let budget = Budget::new(0);
        assert_eq!(Share::of(Some(&budget)).hold(UNCOUNTED), Ok(()));
        assert_eq!(Share::of(Some(&budget)).hold(UNCOUNTED + 1), Err(BudgetExceeded));
        assert_eq!(Share::default().hold(usize::MAX), Ok(()));
    }
}
