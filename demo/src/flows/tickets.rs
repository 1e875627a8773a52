//! Tickets: random names under which a server keeps sessions, half-finished logins and tokens of applications.
//!
//! A name has 128 random bits and is good until it expires or is taken. A store is bounded: a new ticket evicts the
//! oldest.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use subtle::ConstantTimeEq as _;

use crate::token;

/// A demo has a handful of users.
const MAX_TICKETS: usize = 256;

/// Values by the names of their tickets.
pub(super) struct TicketStore<T> {
    /// In milliseconds.
    lifetime: u64,
    tickets: Mutex<VecDeque<Ticket<T>>>,
}

struct Ticket<T> {
    name: String,
    until: u64,
    value: T,
}

impl<T> TicketStore<T> {
    /// A store whose tickets expire after so many seconds.
    pub(super) fn for_seconds(seconds: u64) -> Self {
        Self { lifetime: seconds * 1000, tickets: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Ticket<T>>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps `value` from the time `now` (milliseconds) on and returns the ticket's name.
    pub(super) fn put(&self, now: u64, value: T) -> String {
        let name = token();
        let mut tickets = self.lock();
        if tickets.len() == MAX_TICKETS {
            tickets.pop_front();
        }
        tickets.push_back(Ticket { name: name.clone(), until: now + self.lifetime, value });
        name
    }

    /// Takes the value out; the ticket is used up.
    pub(super) fn take(&self, now: u64, name: &str) -> Option<T> {
        let mut tickets = self.lock();
        let at = tickets.iter().position(|ticket| ticket.is(now, name))?;
        tickets.remove(at).map(|ticket| ticket.value)
    }

    /// Reads or changes the value; the ticket stays good.
    pub(super) fn with<R>(&self, now: u64, name: &str, look: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.lock().iter_mut().find(|ticket| ticket.is(now, name)).map(|ticket| look(&mut ticket.value))
    }

    /// What `wanted` makes of the newest ticket that it takes.
    pub(super) fn newest<R>(&self, now: u64, mut wanted: impl FnMut(&mut T) -> Option<R>) -> Option<R> {
        self.lock().iter_mut().rev().filter(|ticket| now < ticket.until).find_map(|ticket| wanted(&mut ticket.value))
    }

    /// Forgets every ticket.
    pub(super) fn empty(&self) {
        self.lock().clear();
    }
}

impl<T> Ticket<T> {
    fn is(&self, now: u64, name: &str) -> bool {
        now < self.until && bool::from(self.name.as_bytes().ct_eq(name.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_TICKETS, TicketStore};

    #[test]
    fn a_thing_is_taken_once_and_not_after_its_time() {
        let tickets = TicketStore::for_seconds(10);
        let (first, second) = (tickets.put(0, "a"), tickets.put(0, "b"));
        assert_ne!(first, second);
        assert_eq!(tickets.take(9_999, &first), Some("a"));
        assert_eq!(tickets.take(9_999, &first), None);
        assert_eq!(tickets.with(9_999, &second, |value| *value), Some("b"));
        assert_eq!(tickets.with(10_000, &second, |value| *value), None);
        assert_eq!(tickets.take(0, ""), None);
    }

    #[test]
    fn it_is_bounded() {
        let tickets = TicketStore::for_seconds(10);
        let first = tickets.put(0, 0);
        for number in 1..=MAX_TICKETS {
            tickets.put(0, number);
        }
        assert_eq!(tickets.take(0, &first), None);
        assert_eq!(tickets.lock().len(), MAX_TICKETS);
    }
}
