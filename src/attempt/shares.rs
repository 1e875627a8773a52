//! How many logins run, and whose they are: no connector and no client takes all places.
//!
//! Of the places that are left, each connector and each client may hold as many as it leaves free. One alone so comes to half
//! of all, two to a third each, and there is always room for who holds none. A bound by number would not do: some connectors
//! whose upstreams hang fill any number together. Of what one client may hold its connectors have their shares in the same
//! way, or those that hang would leave it nothing for the others. Where only one exists, it may have all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Names that hold nothing are kept up to this number, so that a login allocates none.
const NAMES: usize = 4096;

/// The places of all logins.
pub(crate) struct Logins {
    places: Arc<Semaphore>,
    most: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    connectors: Counts,
    clients: HashMap<Arc<str>, OfClient>,
}

#[derive(Default)]
struct OfClient {
    all: usize,
    connectors: Counts,
}

type Counts = HashMap<Arc<str>, usize>;

/// Who wants a place.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub connector: &'a str,
    pub client: &'a str,
    /// No other connector can run.
    pub only_connector: bool,
    /// No other client may log in.
    pub only_client: bool,
    /// The client may use no other connector.
    pub client_has_one: bool,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// All are taken.
    Daemon,
    /// The connector has its share.
    Connector,
    /// The client has its share.
    Client,
}

/// A place, given back when dropped.
pub(crate) struct Running {
    _place: OwnedSemaphorePermit,
    logins: Arc<Logins>,
    connector: Arc<str>,
    client: Arc<str>,
}

impl Logins {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { places: Arc::new(Semaphore::new(most)), most, held: Mutex::default() })
    }

    /// A place for a login.
    pub(crate) fn enter(self: &Arc<Self>, wanted: Wanted<'_>) -> Result<Running, Full> {
        // Under the lock from here, so that what is free does not change between the look at it and the taking.
        let mut held = self.held();
        let free = self.places.available_permits();
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Full::Daemon)?;
        held.have_room(wanted, free)?;
        let connector = take(&mut held.connectors, wanted.connector);
        let (client, of_client) = entry(&mut held.clients, wanted.client, |it| it.all > 0);
        of_client.all += 1;
        take(&mut of_client.connectors, wanted.connector);
        drop(held);
        Ok(Running { _place: place, logins: Arc::clone(self), connector, client })
    }

    /// Waits until no login runs.
    pub(crate) async fn done(&self) {
        let all = u32::try_from(self.most).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.places.acquire_many(all).await;
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing panics under the lock.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn have_room(&self, wanted: Wanted<'_>, free: usize) -> Result<(), Full> {
        let count = |counts: &Counts| counts.get(wanted.connector).copied().unwrap_or(0);
        if !wanted.only_connector && count(&self.connectors) >= free {
            return Err(Full::Connector);
        }
        let of_client = self.clients.get(wanted.client);
        let all = of_client.map_or(0, |it| it.all);
        if !wanted.only_client && all >= free {
            return Err(Full::Client);
        }
        // What the client may still take: each place that it takes is one that it does not leave free.
        let room = if wanted.only_client { free } else { (free - all).div_ceil(2) };
        let only = wanted.only_connector || wanted.client_has_one;
        if !only && of_client.is_some_and(|it| count(&it.connectors) >= room) { Err(Full::Connector) } else { Ok(()) }
    }
}

fn take(counts: &mut Counts, name: &str) -> Arc<str> {
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
    if known.is_none() && map.len() >= NAMES {
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

impl Drop for Running {
    fn drop(&mut self) {
        let mut held = self.logins.held();
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

    fn wants<'a>(connector: &'a str, client: &'a str) -> Wanted<'a> {
        Wanted { connector, client, only_connector: false, only_client: false, client_has_one: false }
    }

    /// As many places as are to be had by these, one after the other.
    fn fill(logins: &Arc<Logins>, wanted: &[Wanted<'_>], held: &mut Vec<Running>) -> Vec<usize> {
        let mut counts = vec![0; wanted.len()];
        loop {
            let before = held.len();
            for (wanted, count) in wanted.iter().zip(&mut counts) {
                if let Ok(running) = logins.enter(*wanted) {
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
        let own = |name| Wanted { client_has_one: true, ..wants(name, name) };
        let alone = |name| Wanted { only_client: true, ..wants(name, "client") };
        let others = |name| wants(name, "client");
        for (wanted, shares) in [
            (vec![own("a")], &[512][..]),
            (vec![own("a"), own("b")], &[342, 341]),
            (vec![own("a"), own("b"), own("c"), own("d")], &[205, 205, 205, 205]),
            (vec![alone("a")], &[512]),
            (vec![alone("a"), alone("b"), alone("c"), alone("d")], &[205, 205, 205, 205]),
            (vec![others("a")], &[256]),
            (vec![others("a"), others("b"), others("c"), others("d")], &[103, 103, 102, 102]),
            (vec![Wanted { client_has_one: true, ..others("a") }], &[512]),
            (vec![Wanted { only_connector: true, ..others("a") }], &[512]),
        ] {
            let logins = Logins::new(1024);
            let mut held = Vec::new();
            assert_eq!(fill(&logins, &wanted, &mut held), shares);
            assert!(logins.enter(wants("late", "late")).is_ok(), "there is room for who holds none");
            let late = Wanted { connector: "late", ..wanted[0] };
            assert_eq!(logins.enter(late).is_ok(), !wanted[0].client_has_one && !wanted[0].only_connector);
            held.clear();
            assert_eq!(fill(&logins, &wanted, &mut held), shares, "what was given back is there again");
        }
    }

    #[test]
    fn who_is_alone_may_have_all() {
        let logins = Logins::new(8);
        let alone = Wanted { only_connector: true, only_client: true, ..wants("a", "c") };
        let held: Vec<_> = (0..8).map(|_| logins.enter(alone)).collect();
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(logins.enter(alone).err(), Some(Full::Daemon));
    }

    #[test]
    fn one_place_is_anybody_s() {
        let logins = Logins::new(1);
        let one = logins.enter(wants("a", "c"));
        assert!(one.is_ok());
        assert_eq!(logins.enter(wants("b", "c")).err(), Some(Full::Daemon));
        drop(one);
        assert!(logins.enter(wants("b", "c")).is_ok());
    }
}
