//! The way to the customer's server: which addresses may be dialled, connections and TLS, one exchange, and a
//! cause with one line of explanation for everything that can go wrong.
//!
//! This layer stands on hyper's connections directly and keeps its own small pool, because the rules of docs/contract.md
//! need what a general client hides: the address that was checked is the one dialled, a request is known to be
//! written or not, a credential is sent once, and bytes after a reply empty the pool. It follows no redirect,
//! keeps no cookie, reads no proxy variable, repeats nothing that was written. It knows no connector.

mod address;
mod attempt;
mod certificate;
mod chain;
mod client;
mod coding;
mod config;
mod dial;
mod egress;
mod exchange;
mod fault;
mod gate;
#[cfg(feature = "legacy-tls")]
mod legacy_tls;
mod look;
mod lookup;
mod nodes;
mod origin;
mod own;
mod pool;
mod proxy;
mod reply;
mod spelled;
mod stream;
mod tls;
mod tls_error;
mod wire;

pub use certificate::{parse_pin, pin_text};
pub use chain::cause;
pub use client::{Client, ClientError};
pub use config::{TlsConfig, TlsVersion, TransportConfig};
pub use egress::{Egress, EgressError, EgressRules, Refused};
pub use exchange::Exchange;
pub use fault::SendFault;
pub use gate::{Full, Gate};
pub use look::{ServerCertificate, present};
pub use lookup::{Lookup, LookupFuture, SystemLookup};
pub use nodes::{Nodes, Pick};
pub use origin::{Host, Origin, OriginError, Scheme};
pub use own::OwnConnection;
pub use reply::{Reply, Timings};
pub use tls::TlsError;
pub use wire::Outgoing;
