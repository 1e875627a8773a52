//! Slots for logins in flight, shared fairly: no connector and no client takes all of them.
//!
//! Each connector and each client may hold as many slots as it leaves free. One alone so gets half of all, two get a third
//! each, and one that holds none always finds room. A fixed number would not do: several connectors whose upstreams hang
//! would fill any number together. A client's share is divided among its connectors in the same way, or those that hang
//! would leave nothing for the others. Where only one exists, it may have all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Names without a slot are kept up to this number, so that a login allocates none.
const MAX_NAMES: usize = 4096;

/// The slots of all logins.
pub(super) struct LoginSlots {
    /// A reload may change it.
    max: AtomicUsize,
    held: Mutex<ShareCounts>,
    /// Notified when the last slot is given back.
    drained: Notify,
}

#[derive(Default)]
struct ShareCounts {
    all: usize,
    connectors: Counts,
    clients: HashMap<Arc<str>, OfClient>,
}

#[derive(Default)]
struct OfClient {
    all: usize,
    connectors: Counts,
}

type Counts = HashMap<Arc<str>, usize>;

/// Whose login wants a slot.
#[derive(Clone, Copy)]
pub(super) struct SlotRequest<'a> {
    pub connector: &'a str,
    pub client: &'a str,
    /// No other connector can run.
    pub only_connector: bool,
    /// No other client may log in.
    pub only_client: bool,
    /// The client may use no other connector.
    pub client_has_one: bool,
}

/// Why no slot is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoSlot {
    /// All are taken.
    Daemon,
    /// The connector has its share.
    Connector,
    /// The client has its share.
    Client,
}

/// One slot, given back when dropped.
pub(super) struct LoginSlot {
    logins: Arc<LoginSlots>,
    connector: Arc<str>,
    client: Arc<str>,
}

impl LoginSlots {
    pub(super) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max: AtomicUsize::new(max), held: Mutex::default(), drained: Notify::new() })
    }

    /// From now on so many; what is held beyond stays held.
    pub(super) fn resize(&self, max: usize) {
        self.max.store(max, Ordering::Relaxed);
    }

    /// A slot for a login.
    pub(super) fn take(self: &Arc<Self>, wanted: SlotRequest<'_>) -> Result<LoginSlot, NoSlot> {
        // Under the lock, so that the number of free slots does not change between the check and the taking.
        let mut held = self.held();
        let free = self.max.load(Ordering::Relaxed).saturating_sub(held.all);
        if free == 0 {
            return Err(NoSlot::Daemon);
        }
        held.have_room(wanted, free)?;
        held.all += 1;
        let connector = count_one(&mut held.connectors, wanted.connector);
        let (client, of_client) = entry(&mut held.clients, wanted.client, |it| it.all > 0);
        of_client.all += 1;
        count_one(&mut of_client.connectors, wanted.connector);
        drop(held);
        Ok(LoginSlot { logins: Arc::clone(self), connector, client })
    }

    /// Waits until no login runs.
    pub(super) async fn all_free(&self) {
        loop {
            // Before the look, so that the last one that is given back in between is heard.
            let none = self.drained.notified();
            if self.held().all == 0 {
                return;
            }
            none.await;
        }
    }

    fn held(&self) -> MutexGuard<'_, ShareCounts> {
        // Nothing panics under the lock.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ShareCounts {
    fn have_room(&self, wanted: SlotRequest<'_>, free: usize) -> Result<(), NoSlot> {
        let count = |counts: &Counts| counts.get(wanted.connector).copied().unwrap_or(0);
        if !wanted.only_connector && count(&self.connectors) >= free {
            return Err(NoSlot::Connector);
        }
        let of_client = self.clients.get(wanted.client);
        let all = of_client.map_or(0, |it| it.all);
        if !wanted.only_client && all >= free {
            return Err(NoSlot::Client);
        }
        // What the client may still take: each place that it takes is one that it does not leave free.
        let room = if wanted.only_client { free } else { (free - all).div_ceil(2) };
        let only = wanted.only_connector || wanted.client_has_one;
        if !only && of_client.is_some_and(|it| count(&it.connectors) >= room) { Err(NoSlot::Connector) } else { Ok(()) }
    }
}

fn count_one(counts: &mut Counts, name: &str) -> Arc<str> {
    let (name, own) = entry(counts, name, |own| *own > 0);
    *own += 1;
    name
}

/// The entry of `name`, made when it is new; then those that hold nothing go, if there are too many.
fn entry<'a, T: Default>(
    map: &'a mut HashMap<Arc<str>, T>,
    name: &str,
    in_use: impl Fn(&T) -> bool,
) -> (Arc<str>, &'a mut T) {
    let known = map.get_key_value(name).map(|(name, _)| Arc::clone(name));
    if known.is_none() && map.len() >= MAX_NAMES {
        map.retain(|_, it| in_use(it));
    }
    let name = known.unwrap_or_else(|| name.into());
    let value = map.entry(Arc::clone(&name)).or_default();
    (name, value)
}

fn give_back(counts: &mut Counts, name: &str) {
    if let Some(own) = counts.get_mut(name) {
        *own = own.saturating_sub(1);
    }
}

impl Drop for LoginSlot {
    fn drop(&mut self) {
        let mut held = self.logins.held();
        held.all -= 1;
        if held.all == 0 {
            self.logins.drained.notify_waiters();
        }
        give_back(&mut held.connectors, &self.connector);
        if let Some(of_client) = held.clients.get_mut(&self.client) {
            of_client.all = of_client.all.saturating_sub(1);
            give_back(&mut of_client.connectors, &self.connector);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants<'a>(connector: &'a str, client: &'a str) -> SlotRequest<'a> {
        SlotRequest { connector, client, only_connector: false, only_client: false, client_has_one: false }
    }

    /// How many slots each of these gets when they ask in turn.
    fn fill(logins: &Arc<LoginSlots>, wanted: &[SlotRequest<'_>], held: &mut Vec<LoginSlot>) -> Vec<usize> {
        let mut counts = vec![0; wanted.len()];
        loop {
            let before = held.len();
            for (wanted, count) in wanted.iter().zip(&mut counts) {
                if let Ok(running) = logins.take(*wanted) {
                    held.push(running);
                    *count += 1;
                }
            }
            if held.len() == before {
                return counts;
            }
        }
    }

    #[test]
    fn nobody_takes_what_others_need() {
        // Each connector by a client of its own; then all of them by one client, which is the only one, or not.
        let own = |name| SlotRequest { client_has_one: true, ..wants(name, name) };
        let alone = |name| SlotRequest { only_client: true, ..wants(name, "client") };
        let others = |name| wants(name, "client");
        for (wanted, shares) in [
            (vec![own("a")], &[512][..]),
            (vec![own("a"), own("b")], &[342, 341]),
            (vec![own("a"), own("b"), own("c"), own("d")], &[205, 205, 205, 205]),
            (vec![alone("a")], &[512]),
            (vec![alone("a"), alone("b"), alone("c"), alone("d")], &[205, 205, 205, 205]),
            (vec![others("a")], &[256]),
            (vec![others("a"), others("b"), others("c"), others("d")], &[103, 103, 102, 102]),
            (vec![SlotRequest { client_has_one: true, ..others("a") }], &[512]),
            (vec![SlotRequest { only_connector: true, ..others("a") }], &[512]),
        ] {
            let logins = LoginSlots::new(1024);
            let mut held = Vec::new();
            assert_eq!(fill(&logins, &wanted, &mut held), shares);
            assert!(logins.take(wants("late", "late")).is_ok(), "one that holds none finds room");
            let late = SlotRequest { connector: "late", ..wanted[0] };
            assert_eq!(logins.take(late).is_ok(), !wanted[0].client_has_one && !wanted[0].only_connector);
            held.clear();
            assert_eq!(fill(&logins, &wanted, &mut held), shares, "what was given back is there again");
        }
    }

    #[test]
    fn who_is_alone_may_have_all() {
        let logins = LoginSlots::new(8);
        let alone = SlotRequest { only_connector: true, only_client: true, ..wants("a", "c") };
        let held: Vec<_> = (0..8).map(|_| logins.take(alone)).collect();
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(logins.take(alone).err(), Some(NoSlot::Daemon));
    }

    #[tokio::test]
    async fn a_change_of_the_number_holds_at_once_and_takes_none_away() {
        let logins = LoginSlots::new(1);
        let alone = SlotRequest { only_connector: true, only_client: true, ..wants("a", "c") };
        let mut held = vec![logins.take(alone).unwrap()];
        assert!(logins.take(alone).is_err());
        logins.resize(3);
        held.extend([logins.take(alone).unwrap(), logins.take(alone).unwrap()]);
        logins.resize(1);
        held.pop();
        assert!(logins.take(alone).is_err(), "two are held still");
        let waiting = Arc::clone(&logins);
        let waiting = tokio::spawn(async move { waiting.all_free().await });
        held.clear();
        waiting.await.unwrap();
        assert!(logins.take(alone).is_ok());
    }

    #[test]
    fn one_place_is_anybody_s() {
        let logins = LoginSlots::new(1);
        let one = logins.take(wants("a", "c"));
        assert!(one.is_ok());
        assert_eq!(logins.take(wants("b", "c")).err(), Some(NoSlot::Daemon));
        drop(one);
        assert!(logins.take(wants("b", "c")).is_ok());
    }
}
