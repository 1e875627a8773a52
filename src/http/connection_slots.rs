//! Connections whose caller is not authenticated yet: they are closed before any other when there are too many.
//!
//! `/healthz` needs no token, and neither does a connection that sends nothing. So a connection is unauthenticated until a call on it
//! was an authenticated client's. Unauthenticated ones are bounded below the number of all connections, and one more closes the oldest: a
//! console that connects gets a slot and is authenticated after its first call. Each client may have as many authenticated
//! connections as it leaves to others; what it has beyond that counts as unauthenticated, or it alone could hold all of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;

/// All unauthenticated connections, by age.
#[derive(Debug)]
pub(super) struct ConnectionSlots {
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
pub(crate) struct ConnectionSlot {
    number: u64,
    /// The client, after the first authenticated call.
    client: OnceLock<String>,
    evict: Arc<Notify>,
    slots: Arc<ConnectionSlots>,
}

impl ConnectionSlots {
    /// A quarter of `connections` is for authenticated clients.
    pub(crate) fn of(connections: usize) -> Arc<Self> {
        let max = (connections - connections / 4).max(1);
        Arc::new(Self { connections, max, state: Mutex::default() })
    }

    /// Adds a connection; evicts the oldest unauthenticated one when there are too many.
    pub(crate) fn enter(self: &Arc<Self>) -> Arc<ConnectionSlot> {
        let closed = Arc::new(Notify::new());
        let mut state = self.state();
        if state.evict.len() >= self.max {
            evict(state.evict.pop_first());
        }
        let number = state.next;
        state.next += 1;
        state.evict.insert(number, Arc::clone(&closed));
        drop(state);
        Arc::new(ConnectionSlot { number, client: OnceLock::new(), evict: closed, slots: Arc::clone(self) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn evict(oldest: Option<(u64, Arc<Notify>)>) -> bool {
    oldest.map(|(_, evict)| evict.notify_one()).is_some()
}

impl ConnectionSlot {
    /// Evicts the oldest other unauthenticated connection for this one. False when there is none, or it was evicted already.
    pub(crate) fn evict_oldest(&self) -> bool {
        let mut state = self.slots.state();
        let oldest = state.evict.first_key_value().map(|(number, _)| *number);
        oldest.is_some_and(|oldest| oldest != self.number) && evict(state.evict.pop_first())
    }

    /// A call was `client`'s, which may be the only one.
    pub(crate) fn authenticated(&self, client: &str, alone: bool) {
        if self.client.get().is_some() {
            return;
        }
        let mut state = self.slots.state();
        let all: usize = state.authenticated.values().sum();
        let own = state.authenticated.get(client).copied().unwrap_or(0);
        let has_its_share = !alone && own >= self.slots.connections.saturating_sub(all);
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

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut state = self.slots.state();
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
        let slots = ConnectionSlots::of(4);
        let inside: Vec<_> = (0..3).map(|_| slots.enter()).collect();
        inside[0].authenticated("console", true);
        let one_more = slots.enter();
        assert!(
            inside.iter().all(|slot| slot.evicted().now_or_never().is_none()),
            "three unauthenticated connections may be open"
        );
        let another = slots.enter();
        let out: Vec<bool> = inside.iter().map(|slot| slot.evicted().now_or_never().is_some()).collect();
        assert_eq!(out, [false, true, false]);
        drop(inside);
        assert!(another.evict_oldest(), "one_more is older");
        assert!(one_more.evicted().now_or_never().is_some());
        assert!(!another.evict_oldest(), "no other connection is there");
        assert!(another.evicted().now_or_never().is_none());
    }

    #[test]
    fn no_client_makes_all_connections_its_own() {
        let slots = ConnectionSlots::of(8);
        let inside: Vec<_> = (0..8).map(|_| slots.enter()).collect();
        let known = |inside: &[Arc<ConnectionSlot>]| inside.iter().filter(|slot| slot.client.get().is_some()).count();
        for slot in &inside[2..] {
            slot.authenticated("one", false);
        }
        assert_eq!(known(&inside), 4);
        let late = slots.enter();
        assert!(late.evict_oldest(), "what the client has beyond its share gives way");
        late.authenticated("another", false);
        assert!(late.client.get().is_some());
        drop(inside);
        assert_eq!(slots.state().authenticated.values().sum::<usize>(), 1, "what is gone counts no more");
        let alone: Vec<_> = (0..7).map(|_| slots.enter()).collect();
        for slot in &alone {
            slot.authenticated("one", true);
        }
        assert_eq!(known(&alone), 7);
    }
}
