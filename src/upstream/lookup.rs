//! Names to addresses: one question at a time for each name, however many logins wait for the answer.
//!
//! `getaddrinfo` cannot be cancelled and holds a thread of the blocking pool while a name server is silent, so a
//! name of one connector may hold one thread, not one for each login. Answers are not kept: what was asked for is
//! what is checked and dialled. Nothing here judges an address.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// What [`Lookup::lookup`] returns.
pub type LookupFuture = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// A resolver. Tests bring their own.
pub trait Lookup: Send + Sync + 'static {
    /// All addresses of a canonical name, in the order in which to try them.
    fn lookup(&self, name: &str) -> LookupFuture;
}

/// The system's resolver (`getaddrinfo`: hosts file, DNS, order of RFC 6724).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: &str) -> LookupFuture {
        let name = name.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|addr| addr.ip()).collect()) })
    }
}

/// An answer that all waiters share; the error is the resolver's own text.
type Answer = Result<Arc<[IpAddr]>, Arc<str>>;
type Pending = watch::Receiver<Option<Answer>>;

/// Joins questions for the same name.
#[derive(Clone)]
pub(super) struct Resolver {
    lookup: Arc<dyn Lookup>,
    pending: Arc<Mutex<HashMap<String, Pending>>>,
}

impl Resolver {
    pub(super) fn new(lookup: Arc<dyn Lookup>) -> Self {
        Self { lookup, pending: Arc::default() }
    }

    /// The addresses of `name`. The caller brings the deadline; the question goes on without it.
    pub(super) async fn resolve(&self, name: &str) -> Answer {
        let mut pending = self.join(name);
        match pending.wait_for(Option::is_some).await {
            Ok(answer) => answer.clone().unwrap_or_else(|| Err("no answer".into())),
            // The task that asks was dropped: the runtime is shutting down.
            Err(_) => Err("the look-up was abandoned".into()),
        }
    }

    fn join(&self, name: &str) -> Pending {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = pending.get(name) {
            return running.clone();
        }
        let (sender, receiver) = watch::channel(None);
        pending.insert(name.to_owned(), receiver.clone());
        let resolving = self.lookup.lookup(name);
        let forget = Forget { pending: Arc::clone(&self.pending), name: name.to_owned() };
        tokio::spawn(async move {
            let answer = resolving.await;
            drop(forget);
            let _ = sender.send(Some(answer.map(Arc::from).map_err(|error| Arc::from(error.to_string()))));
        });
        receiver
    }
}

/// Takes the question off the list when it is answered, and also when its task is dropped or panics.
struct Forget {
    pending: Arc<Mutex<HashMap<String, Pending>>>,
    name: String,
}

impl Drop for Forget {
    fn drop(&mut self) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}
