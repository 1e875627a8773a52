//! Connections whose caller has not shown who it is: they give way before any other.
//!
//! `/healthz` needs no token, and neither does a connection that sends nothing. So a connection is a guest until a call on it
//! was a known client's. Guests are bounded below the number of all connections, and when one more comes, the oldest of them
//! is closed: a console that connects gets in and is no guest any more with its first call. Of the connections of one client
//! as many are known as it leaves to others; what it has beyond that stay guests, or it alone could hold all of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;

/// All guests, by age.
#[derive(Debug)]
pub(crate) struct Guests {
    connections: usize,
    most: usize,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    next: u64,
    leave: BTreeMap<u64, Arc<Notify>>,
    /// How many connections of each client are known.
    known: HashMap<String, usize>,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Guest {
    number: u64,
    /// Whose it is, once it is known.
    client: OnceLock<String>,
    leave: Arc<Notify>,
    guests: Arc<Guests>,
}

impl Guests {
    /// Of `connections`, a quarter is for callers that are known.
    pub(crate) fn of(connections: usize) -> Arc<Self> {
        let most = (connections - connections / 4).max(1);
        Arc::new(Self { connections, most, inside: Mutex::default() })
    }

    /// Lets a connection in; the oldest guest gives way to it when there are too many.
    pub(crate) fn enter(self: &Arc<Self>) -> Arc<Guest> {
        let leave = Arc::new(Notify::new());
        let mut inside = self.inside();
        if inside.leave.len() >= self.most {
            push_out(inside.leave.pop_first());
        }
        let number = inside.next;
        inside.next += 1;
        inside.leave.insert(number, Arc::clone(&leave));
        drop(inside);
        Arc::new(Guest { number, client: OnceLock::new(), leave, guests: Arc::clone(self) })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Nothing panics under the lock.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn push_out(oldest: Option<(u64, Arc<Notify>)>) -> bool {
    oldest.map(|(_, leave)| leave.notify_one()).is_some()
}

impl Guest {
    /// Has the oldest other guest give way to this one. False when there is none, or it did so already.
    pub(crate) fn push_another(&self) -> bool {
        let mut inside = self.guests.inside();
        let oldest = inside.leave.first_key_value().map(|(number, _)| *number);
        oldest.is_some_and(|oldest| oldest != self.number) && push_out(inside.leave.pop_first())
    }

    /// A call was a known client's, which may be the only one.
    pub(crate) fn is_known(&self, client: &str, alone: bool) {
        if self.client.get().is_some() {
            return;
        }
        let mut inside = self.guests.inside();
        let all: usize = inside.known.values().sum();
        let own = inside.known.get(client).copied().unwrap_or(0);
        let has_its_share = !alone && own >= self.guests.connections.saturating_sub(all);
        // Two calls of one connection may come at once.
        if !has_its_share && self.client.set(client.to_owned()).is_ok() {
            *inside.known.entry(client.to_owned()).or_default() += 1;
            inside.leave.remove(&self.number);
        }
    }

    /// Returns when this connection has to give way.
    pub(crate) async fn pushed_out(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut inside = self.guests.inside();
        match self.client.get() {
            None => drop(inside.leave.remove(&self.number)),
            Some(client) => {
                if let Some(own) = inside.known.get_mut(client) {
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
        inside[0].is_known("console", true);
        let one_more = guests.enter();
        assert!(inside.iter().all(|guest| guest.pushed_out().now_or_never().is_none()), "three guests may be there");
        let another = guests.enter();
        let out: Vec<bool> = inside.iter().map(|guest| guest.pushed_out().now_or_never().is_some()).collect();
        assert_eq!(out, [false, true, false]);
        drop(inside);
        assert!(another.push_another(), "one_more is older");
        assert!(one_more.pushed_out().now_or_never().is_some());
        assert!(!another.push_another(), "nobody else is there");
        assert!(another.pushed_out().now_or_never().is_none());
    }

    #[test]
    fn no_client_makes_all_connections_its_own() {
        let guests = Guests::of(8);
        let inside: Vec<_> = (0..8).map(|_| guests.enter()).collect();
        let known = |inside: &[Arc<Guest>]| inside.iter().filter(|guest| guest.client.get().is_some()).count();
        for guest in &inside[2..] {
            guest.is_known("one", false);
        }
        assert_eq!(known(&inside), 4);
        let late = guests.enter();
        assert!(late.push_another(), "what the client has beyond its share gives way");
        late.is_known("another", false);
        assert!(late.client.get().is_some());
        drop(inside);
        assert_eq!(guests.inside().known.values().sum::<usize>(), 1, "what is gone counts no more");
        let alone: Vec<_> = (0..7).map(|_| guests.enter()).collect();
        for guest in &alone {
            guest.is_known("one", true);
        }
        assert_eq!(known(&alone), 7);
    }
}
