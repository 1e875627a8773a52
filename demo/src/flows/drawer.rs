//! What a server hands out to be brought back: tickets, sessions, tokens of applications.
//!
//! A name is 128 random bits, holds one value, and is good until its time is over or somebody takes it. The drawer is
//! bounded: who asks for tickets all day pushes out the oldest ones, no more.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use subtle::ConstantTimeEq as _;

use crate::token;

/// How many things a drawer holds. A demo has a handful of users.
const PLACES: usize = 256;

/// Things by name, each until its time is over.
pub(super) struct Drawer<T> {
    /// How long each is good, in milliseconds.
    lifetime: u64,
    held: Mutex<VecDeque<Held<T>>>,
}

struct Held<T> {
    name: String,
    until: u64,
    value: T,
}

impl<T> Drawer<T> {
    /// A drawer whose things are good for so many seconds.
    pub(super) fn for_seconds(seconds: u64) -> Self {
        Self { lifetime: seconds * 1000, held: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Held<T>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts `value` in at the time `now` (milliseconds) and returns its name.
    pub(super) fn put(&self, now: u64, value: T) -> String {
        let name = token();
        let mut held = self.lock();
        if held.len() == PLACES {
            held.pop_front();
        }
        held.push_back(Held { name: name.clone(), until: now + self.lifetime, value });
        name
    }

    /// Takes it out: nobody finds it again.
    pub(super) fn take(&self, now: u64, name: &str) -> Option<T> {
        let mut held = self.lock();
        let at = held.iter().position(|held| held.is(now, name))?;
        held.remove(at).map(|held| held.value)
    }

    /// Looks at it, and changes it perhaps.
    pub(super) fn with<R>(&self, now: u64, name: &str, look: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.lock().iter_mut().find(|held| held.is(now, name)).map(|held| look(&mut held.value))
    }

    /// The newest thing that `wanted` fits, with its name.
    pub(super) fn newest<R>(&self, now: u64, mut wanted: impl FnMut(&mut T) -> Option<R>) -> Option<R> {
        self.lock().iter_mut().rev().filter(|held| now < held.until).find_map(|held| wanted(&mut held.value))
    }

    /// Throws everything away.
    pub(super) fn empty(&self) {
        self.lock().clear();
    }
}

impl<T> Held<T> {
    fn is(&self, now: u64, name: &str) -> bool {
        now < self.until && bool::from(self.name.as_bytes().ct_eq(name.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Drawer, PLACES};

    #[test]
    fn a_thing_is_taken_once_and_not_after_its_time() {
        let drawer = Drawer::for_seconds(10);
        let (first, second) = (drawer.put(0, "a"), drawer.put(0, "b"));
        assert_ne!(first, second);
        assert_eq!(drawer.take(9_999, &first), Some("a"));
        assert_eq!(drawer.take(9_999, &first), None);
        assert_eq!(drawer.with(9_999, &second, |value| *value), Some("b"));
        assert_eq!(drawer.with(10_000, &second, |value| *value), None);
        assert_eq!(drawer.take(0, ""), None);
    }

    #[test]
    fn it_is_bounded() {
        let drawer = Drawer::for_seconds(10);
        let first = drawer.put(0, 0);
        for number in 1..=PLACES {
            drawer.put(0, number);
        }
        assert_eq!(drawer.take(0, &first), None);
        assert_eq!(drawer.lock().len(), PLACES);
    }
}
