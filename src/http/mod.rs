//! How any router is served: listeners, TLS, connections with a deadline for each state, and the watch on connector files.
//!
//! What is served is a [`Served`]: this knows no endpoint and no verdict.

mod accept;
mod connection;
mod connection_slots;
pub mod descriptors;
mod flood;
pub mod listen;
pub mod tls;
pub mod watch;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::response::Response;
use http::Uri;

use crate::config::Limits;
use crate::metrics::Metrics;

pub use accept::{Server, SharedTls};
pub(crate) use connection_slots::ConnectionSlot;

/// Writes the reply to a request that has none of the router.
pub type FaultReply = Arc<dyn Fn(&Uri, Fault) -> Response + Send + Sync>;

/// A router, and how it is served.
#[derive(Clone)]
pub struct Served {
    /// What requests are given to.
    pub router: Router,
    /// The reply where the router gives none. It depends on the path, since each way in has its own format.
    pub on_fault: FaultReply,
    /// The bounds of connections, as they are now.
    pub limits: Arc<ArcSwap<Limits>>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
}

/// The address at the other end of a request's connection, among the extensions of the request; none at a Unix socket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) Option<std::net::IpAddr>);

/// Why a request has no reply of the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An HTTP/1.1 request without a Host, with several, or with one that is no host.
    Host,
    /// How the body is framed can be read in two ways.
    Framing,
    /// The head is over its limit.
    Head,
    /// The router panicked.
    Panic,
}
