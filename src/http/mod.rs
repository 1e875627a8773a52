//! How any router is served: listeners, TLS, connections with a deadline for each state, and the watch on the connector files.

mod accept;
mod calm;
mod connection;
pub mod descriptors;
pub(crate) mod guests;
pub mod listen;
pub mod tls;
pub mod watch;

pub use accept::{Server, SharedTls};
