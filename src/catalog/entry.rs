//! The state of one connector of the daemon.

use std::sync::Arc;

use crate::connector::Live;

/// One connector of the current generation.
#[derive(Clone)]
pub enum CatalogEntry {
    /// It runs; `stale` when its file has become invalid since.
    Live {
        /// What runs.
        live: Arc<Live>,
        /// Whether its file has become invalid since.
        stale: bool,
    },
    /// Its file was never valid.
    Broken {
        /// The operator's egress rules forbid one of its origins, and nothing else is wrong.
        forbidden: bool,
    },
}
