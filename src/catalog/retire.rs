//! Stops the script workers of replaced generations when they are idle.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::entry::CatalogEntry;
use crate::script::Pool;

/// Lets the workers of replaced generations end when they are idle: at once where only running logins still use them, some
/// time after each call where a connector keeps its last good revision.
pub(super) fn run_on_demand(before: &BTreeMap<String, CatalogEntry>, now: &BTreeMap<String, CatalogEntry>) {
    let held = |by_stale: bool| -> Vec<&Arc<Pool>> {
        let entries = now.values().filter_map(|entry| match entry {
            CatalogEntry::Live { live, stale } if *stale == by_stale => live.scripts.as_ref(),
            CatalogEntry::Live { .. } | CatalogEntry::Broken { .. } => None,
        });
        entries.collect()
    };
    let (fresh, stale) = (held(false), held(true));
    let among = |pools: &[&Arc<Pool>], pool| pools.iter().any(|one| Arc::ptr_eq(one, pool));
    for entry in before.values() {
        let CatalogEntry::Live { live, .. } = entry else { continue };
        let Some(pool) = &live.scripts else { continue };
        if !among(&fresh, pool) {
            pool.run_on_demand(if among(&stale, pool) { Duration::MAX } else { Duration::ZERO });
        }
    }
}
