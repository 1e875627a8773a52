//! The connectors that send tests run: each as it was last tested, so that its challenges find it again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use indexmap::IndexMap;

use crate::attempt::connectors::{Connector, Connectors, Reloaded};

/// A person tests one or two at a time; each holds its workers.
const MOST: usize = 8;

#[derive(Default)]
pub(super) struct UnderTest(Mutex<IndexMap<String, Arc<dyn Connector>>>);

impl UnderTest {
    /// A challenge of another revision of the same connector ends with this.
    pub(super) fn put(&self, connector: Arc<dyn Connector>) {
        let mut all = self.all();
        let id = connector.about().id.clone();
        all.shift_remove(&id);
        if all.len() >= MOST {
            all.shift_remove_index(0);
        }
        all.insert(id, connector);
    }

    fn all(&self) -> MutexGuard<'_, IndexMap<String, Arc<dyn Connector>>> {
        // Nothing panics under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connectors for UnderTest {
    fn find(&self, id: &str) -> Option<Arc<dyn Connector>> {
        self.all().get(id).cloned()
    }

    fn list(&self) -> Vec<Arc<dyn Connector>> {
        self.all().values().cloned().collect()
    }

    fn reload(&self) -> BoxFuture<'_, Reloaded> {
        async { Reloaded::default() }.boxed()
    }
}
