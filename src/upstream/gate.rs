//! How many things of one connector are done at a time, and how many wait: requests on their way, large replies being
//! decoded.
//!
//! A slow upstream fills its own gate only (docs/security.md, failure 14). The gate counts; it does not know what the permits are for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// The longest wait in the queue: long enough for a burst, short enough that a login that will fail fails soon.
const MAX_WAIT: Duration = Duration::from_millis(250);

/// Places and a queue.
#[derive(Debug)]
pub struct Gate {
    places: usize,
    queue: usize,
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// Why there was no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// As many wait as may.
    Queue,
    /// The wait was too long.
    Wait,
}

impl Gate {
    /// A gate with `places`, before which `queue` may wait.
    pub fn new(places: usize, queue: usize) -> Self {
        let places = places.clamp(1, Semaphore::MAX_PERMITS);
        Self { places, queue, free: Arc::new(Semaphore::new(places)), waiting: AtomicUsize::new(0) }
    }

    /// How many may be inside.
    pub fn places(&self) -> usize {
        self.places
    }

    /// A place, kept until the permit is dropped, on whatever thread that is. The wait ends by `deadline`.
    pub async fn enter_by(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, Full> {
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            return Ok(permit);
        }
        let _queued = Queued::join(self).ok_or(Full::Queue)?;
        let permit = tokio::time::timeout_at(deadline, Arc::clone(&self.free).acquire_owned()).await;
        permit.map_err(|_| Full::Wait)?.map_err(|_| Full::Wait)
    }

    /// A place, kept until the permit is dropped. The wait is short, whatever time is left.
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
        if gate.waiting.fetch_add(1, Ordering::Relaxed) < gate.queue {
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
    async fn places_then_a_queue_then_no_more() {
        let gate = Gate::new(1, 1);
        let inside = gate.enter().await;
        assert!(inside.is_ok());
        // The second waits, the third finds the queue full at once, and the second gives up after 250 ms.
        let (second, third) = tokio::join!(gate.enter(), gate.enter());
        assert_eq!(second.err(), Some(Full::Wait));
        assert_eq!(third.err(), Some(Full::Queue));
        drop(inside);
        assert!(gate.enter().await.is_ok());
    }

    #[tokio::test]
    async fn a_wait_ends_by_the_deadline_and_gives_its_turn_back() {
        let gate = Gate::new(1, 1);
        let inside = gate.enter_by(Instant::now()).await;
        assert!(inside.is_ok());
        for _ in 0..2 {
            assert_eq!(gate.enter_by(Instant::now()).await.err(), Some(Full::Wait));
        }
        let far = Instant::now() + Duration::from_mins(10);
        let (second, third, ()) = tokio::join!(gate.enter_by(far), gate.enter_by(far), async { drop(inside) });
        assert!(second.is_ok());
        assert_eq!(third.err(), Some(Full::Queue));
    }
}
