//! A bound of bytes that many share: what is held is taken from it and given back when whoever holds it is done.
//!
//! It counts and refuses; nobody waits for it. What is counted is what its holders say, so they say what memory really takes
//! (`document::Value::bytes`), not how long something was on the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bytes may be held, and how many are.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    held: AtomicUsize,
    /// The budget that this one is a part of.
    whole: Option<Arc<Budget>>,
}

/// There is not so much left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the memory for replies is used up")]
pub struct UsedUp;

impl Budget {
    /// A budget of `most` bytes.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, held: AtomicUsize::new(0), whole: None })
    }

    /// A part of `whole`: what is held counts in both.
    pub fn part_of(whole: &Arc<Self>, most: usize) -> Arc<Self> {
        Arc::new(Self { most, held: AtomicUsize::new(0), whole: Some(Arc::clone(whole)) })
    }

    /// How many bytes are held now.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> Result<(), UsedUp> {
        let more = |held: usize| held.checked_add(bytes).filter(|held| *held <= self.most);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|_| UsedUp)?;
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

/// So much of a holder is not counted: it is part of what any login costs, which `limits.in_flight` bounds, and nearly all logins then
/// touch no counter that others touch.
const NOT_COUNTED: usize = 16 * 1024;

/// What one holder has of a budget; given back when it is dropped.
#[derive(Debug, Default)]
pub struct Share {
    budget: Option<Arc<Budget>>,
    taken: usize,
}

impl Share {
    /// An empty share; without a budget there is no bound.
    pub fn of(budget: Option<&Arc<Budget>>) -> Self {
        Self { budget: budget.cloned(), taken: 0 }
    }

    /// Says that `bytes` are held now, whatever were before. When there is not so much left, what was held is still counted.
    pub fn hold(&mut self, bytes: usize) -> Result<(), UsedUp> {
        let Some(budget) = &self.budget else { return Ok(()) };
        let wanted = bytes.saturating_sub(NOT_COUNTED);
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
        // Giving back cannot fail.
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
        assert_eq!(first.hold(100 << 10), Err(UsedUp), "more than the part");
        assert_eq!(second.hold(70 << 10), Err(UsedUp), "more than the whole");
        assert_eq!((one.held(), other.held(), whole.held()), (54 << 10, 0, 54 << 10), "a refusal takes nothing");
        assert_eq!(first.hold(20 << 10), Ok(()));
        assert_eq!(second.hold(70 << 10), Ok(()));
        drop((first, second));
        assert_eq!((one.held(), other.held(), whole.held()), (0, 0, 0));
    }

    #[test]
    fn a_small_login_touches_no_counter_and_without_a_budget_there_is_no_bound() {
        let budget = Budget::new(0);
        assert_eq!(Share::of(Some(&budget)).hold(NOT_COUNTED), Ok(()));
        assert_eq!(Share::of(Some(&budget)).hold(NOT_COUNTED + 1), Err(UsedUp));
        assert_eq!(Share::default().hold(usize::MAX), Ok(()));
    }
}
