//! How many requests of one connector are on their way at a time, and how many wait.
//!
//! A slow upstream fills its own gate and nobody else's (TRAPS 14). It counts; it does not know what is sent.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

/// The longest wait in the queue: long enough for a burst, short enough that a login that will fail fails soon.
const MAX_WAIT: Duration = Duration::from_millis(250);

/// A gate with `places`, and a queue of as many.
pub(super) struct Gate {
    places: usize,
    free: Semaphore,
    waiting: AtomicUsize,
}

/// The queue is full, or the wait was too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Full {
    Queue,
    Wait,
}

impl Gate {
    pub(super) fn new(places: usize) -> Self {
        let places = places.clamp(1, Semaphore::MAX_PERMITS);
        Self { places, free: Semaphore::new(places), waiting: AtomicUsize::new(0) }
    }

    pub(super) fn places(&self) -> usize {
        self.places
    }

    /// A place, kept until the permit is dropped.
    pub(super) async fn enter(&self) -> Result<SemaphorePermit<'_>, Full> {
        if let Ok(permit) = self.free.try_acquire() {
            return Ok(permit);
        }
        let queued = Queued::join(self).ok_or(Full::Queue)?;
        let permit = tokio::time::timeout(MAX_WAIT, self.free.acquire()).await;
        drop(queued);
        // The semaphore is never closed, so an error of its own cannot be.
        permit.map_err(|_| Full::Wait)?.map_err(|_| Full::Wait)
    }
}

/// A place in the queue, given back also when the waiter is dropped.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn join(gate: &'a Gate) -> Option<Self> {
        if gate.waiting.fetch_add(1, Ordering::Relaxed) < gate.places {
            return Some(Self(&gate.waiting));
        }
        gate.waiting.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_then_a_queue_of_as_many_then_no_more() {
        let gate = Gate::new(1);
        let inside = gate.enter().await;
        assert!(inside.is_ok());
        // The second waits, the third finds the queue full at once, and the second gives up after 250 ms.
        let (second, third) = tokio::join!(gate.enter(), gate.enter());
        assert_eq!(second.err(), Some(Full::Wait));
        assert_eq!(third.err(), Some(Full::Queue));
        drop(inside);
        assert!(gate.enter().await.is_ok());
    }
}
