//! Scripts: JavaScript before a request and on a reply, in worker processes that can be killed.
//!
//! The engine cannot be interrupted, so it never runs in the daemon: [`inspect`] checks scripts in a worker process
//! when connectors load, and a [`Pool`] runs them for the logins of one generation. JSON text goes in, JSON text comes
//! out.

mod engine;
mod inspect;
mod launch;
mod outcome;
mod pool;
mod reads;
mod source;
mod usage;
mod wire;
pub mod worker;

pub use inspect::inspect;
pub use launch::{COMMAND, StartError, Worker};
pub use outcome::{Budget, CallOutcome};
pub use pool::{FailedConnector, Limits, Pool, Quarantine, Stats};
pub use reads::{Names, Reads, ScriptPosition};
pub use source::{CODE_UTIL, CompileError, Input, ScriptId, ScriptKind, Source};
pub use worker::sandbox::Sandbox;
