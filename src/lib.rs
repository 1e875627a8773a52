//! Doorward: a zero-trust external HTTP(S) authentication connector daemon.
//!
//! A console asks whether a user's password (or code) is right; Doorward asks the customer's own
//! authentication server over HTTP(S), as a connector file declares, and answers with one of five verdicts.

pub mod audit;
pub mod config;
pub mod connector;
pub mod context;
pub mod diagnostic;
pub mod document;
pub mod flow;
pub mod guard;
pub mod log;
pub mod metrics;
pub mod request;
pub mod secret;
pub mod server;
pub mod verdict;
pub mod yaml;
