//! Connections whose caller is not authenticated yet: they are closed before any other when there are too many.
//!
//! `/healthz` needs no token, and neither does a connection that sends nothing. So a connection is a guest until a call on it
//! was an authenticated client's. Guests are bounded below the number of all connections, and one more closes the oldest: a
//! console that connects gets in and is no guest any more after its first call. Each client may have as many authenticated
//! connections as it leaves to others; what it has beyond that stays a guest, or it alone could hold all of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;

/// All guests, by age.
#[derive(Debug)]
pub(super) struct Guests {
    connections: usize,
    max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    evict: BTreeMap<u64, Arc<Notify>>,
    /// Authenticated connections of each client.
    authenticated: HashMap<String, usize>,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Guest {
    number: u64,
    /// Whose it is, once it is authenticated.
    client: OnceLock<String>,
    evict: Arc<Notify>,
    guests: Arc<Guests>,
}

impl Guests {
    /// A quarter of `connections` is for authenticated clients.
    pub(crate) fn of(connections: usize) -> Arc<Self> {
        let max = (connections - connections / 4).max(1);
        Arc::new(Self { connections, max, state: Mutex::default() })
    }

    /// Adds a connection; evicts the oldest guest when there are too many.
    pub(crate) fn enter(self: &Arc<Self>) -> Arc<Guest> {
        let closed = Arc::new(Notify::new());
        let mut state = self.state();
        if state.evict.len() >= self.max {
            evict(state.evict.pop_first());
        }
        let number = state.next;
        state.next += 1;
        state.evict.insert(number, Arc::clone(&closed));
        drop(state);
        Arc::new(Guest { number, client: OnceLock::new(), evict: closed, guests: Arc::clone(self) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn evict(oldest: Option<(u64, Arc<Notify>)>) -> bool {
    oldest.map(|(_, evict)| evict.notify_one()).is_some()
}

impl Guest {
    /// Evicts the oldest other guest for this one. False when there is none, or it was evicted already.
    pub(crate) fn evict_oldest(&self) -> bool {
        let mut state = self.guests.state();
        let oldest = state.evict.first_key_value().map(|(number, _)| *number);
        oldest.is_some_and(|oldest| oldest != self.number) && evict(state.evict.pop_first())
    }

    /// A call was `client`'s, which may be the only one.
    pub(crate) fn authenticated(&self, client: &str, alone: bool) {
        if self.client.get().is_some() {
            return;
        }
        let mut state = self.guests.state();
        let all: usize = state.authenticated.values().sum();
        let own = state.authenticated.get(client).copied().unwrap_or(0);
        let has_its_share = !alone && own >= self.guests.connections.saturating_sub(all);
        // Two calls of one connection may come at once.
        if !has_its_share && self.client.set(client.to_owned()).is_ok() {
            *state.authenticated.entry(client.to_owned()).or_default() += 1;
            state.evict.remove(&self.number);
        }
    }

    /// Returns when this connection has to be closed.
    pub(crate) async fn evicted(&self) {
        self.evict.notified().await;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut state = self.guests.state();
        match self.client.get() {
            None => drop(state.evict.remove(&self.number)),
            Some(client) => {
                if let Some(own) = state.authenticated.get_mut(client) {
                    *own = own.saturating_sub(1);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn the_oldest_guest_gives_way_and_known_callers_stay() {
        let guests = Guests::of(4);
        let inside: Vec<_> = (0..3).map(|_| guests.enter()).collect();
        inside[0].authenticated("console", true);
        let one_more = guests.enter();
        assert!(inside.iter().all(|guest| guest.evicted().now_or_never().is_none()), "three guests may be there");
        let another = guests.enter();
        let out: Vec<bool> = inside.iter().map(|guest| guest.evicted().now_or_never().is_some()).collect();
        assert_eq!(out, [false, true, false]);
        drop(inside);
        assert!(another.evict_oldest(), "one_more is older");
        assert!(one_more.evicted().now_or_never().is_some());
        assert!(!another.evict_oldest(), "no other connection is there");
        assert!(another.evicted().now_or_never().is_none());
    }

    #[test]
    fn no_client_makes_all_connections_its_own() {
        let guests = Guests::of(8);
        let inside: Vec<_> = (0..8).map(|_| guests.enter()).collect();
        let known = |inside: &[Arc<Guest>]| inside.iter().filter(|guest| guest.client.get().is_some()).count();
        for guest in &inside[2..] {
            guest.authenticated("one", false);
        }
        assert_eq!(known(&inside), 4);
        let late = guests.enter();
        assert!(late.evict_oldest(), "what the client has beyond its share gives way");
        late.authenticated("another", false);
        assert!(late.client.get().is_some());
        drop(inside);
        assert_eq!(guests.state().authenticated.values().sum::<usize>(), 1, "what is gone counts no more");
        let alone: Vec<_> = (0..7).map(|_| guests.enter()).collect();
        for guest in &alone {
            guest.authenticated("one", true);
        }
        assert_eq!(known(&alone), 7);
    }
}
