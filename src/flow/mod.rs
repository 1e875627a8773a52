//! A login as a run over a connector's steps. Nothing here writes a log, an HTTP reply or a file.
//!
//! # From the call to the report
//!
//! ```text
//! authenticate ─▶ input::admit ─┐                        ┌─▶ Accept, only of the ledger's grant
//! resume ───────▶ saved::SavedLogin ─┴▶ run::steps ─▶ conclude ┼─▶ Reject, Unavailable, Misconfigured
//! resume(Resend) ▶ resend ──────────────────────────────▶ └─▶ Challenge, once its state is stored
//! utility ──────▶ input::admit_call ─▶ run::step, each ──▶ UtilityEnd, which is no verdict
//! ```
//!
//! # The order of one step
//!
//! | function | what it decides |
//! | --- | --- |
//! | `run::steps` | which step is next, and how the run ends. Nothing else does |
//! | `run::step` | whether the step runs (stage 1, `when`), and whether it pauses first (`ask`): `challenge::open` |
//! | `run::answered` | how an answered challenge goes on: the step runs with the answer, or the challenge stays open |
//! | `run::run_step` | counts a code that the step sends, and leaves the step's facts for later steps |
//! | `renew::run` | whether the reply invalidates cached captures (`drop_when`), and whether the step runs once more |
//! | `cached::run` | whether a step with `cache` is fetched, or its captures are there |
//! | `step::run` | the stages, a line each: 2 variables, 3 render, 4 sign, 5 send, 6 decode, 7 preprocess, 8 judge, 9 capture and map |
//!
//! Each calls the next one and none above it. A stage goes on or returns a `Stop`: one ending and one line for the
//! administrator. `challenge::after_failure` decides whether the challenge stays open after its step stopped.
//!
//! # What is carried
//!
//! `state::Run` is the state of one login. Proofs come from `verdict` alone and go into its ledger, and only a closed
//! ledger gives a grant. `recorder::Recorder` writes the report of a step, and its trace when a send test asks for one;
//! `report` is what comes out. `saved::SavedLogin` is the stored state of a login that waits. `ports::Ports` is
//! everything outside: the upstream, scripts, clock, randomness, quotas, stores.

mod cached;
mod challenge;
mod conceal;
mod decisive;
mod decode;
mod decrypt;
mod draw;
mod explain;
mod identity;
mod input;
mod login;
mod meaning;
mod offload;
mod one_by_one;
mod page_facts;
mod ports;
pub mod progress;
mod recorder;
mod redirect;
mod renew;
mod reply_memory;
pub mod report;
mod resend;
mod rule_trace;
mod run;
mod saved;
mod scripts;
mod send;
mod sends;
mod sign;
mod state;
mod step;
mod stop;
mod trial;
mod utility;
mod verify;

pub use challenge::{Action, Resumption};
pub use login::{authenticate, resume};
pub use ports::{
    ChallengeStore, CodeSend, Exchange, InMemoryStore, NoChallengeStore, NoScripts, Ports, Rehearsal, Scripts,
    SendRefusal, Sends, Unbounded,
};
pub use report::Report;
pub use saved::SavedLogin;
pub use trial::Trial;
pub use utility::{Refused, UtilityEnd, UtilityReport, utility};

use std::net::IpAddr;

use tokio::time::Instant;

use crate::context::Context;
use crate::document::Object;
use crate::secret::Secret;

/// A login request of a console or of the command line.
#[derive(Debug)]
pub struct Login {
    /// Byte for byte.
    pub username: String,
    /// Byte for byte.
    pub password: Secret,
    /// The address of the user's device.
    pub client_ip: Option<IpAddr>,
    /// Declared attributes.
    pub attributes: Object,
    /// The console's id for this request, or one drawn by the caller.
    pub request_id: String,
    /// An earlier end than the connector's own timeout, if the console asks for one.
    pub deadline: Option<Instant>,
    /// Whether stages are recorded for a send test.
    pub trace: bool,
}

/// A utility call of a console or of the command line.
#[derive(Debug)]
pub struct UtilityCall {
    /// The user name, where the connector reads it.
    pub username: Option<String>,
    /// The address of the user's device.
    pub client_ip: Option<IpAddr>,
    /// Declared attributes.
    pub inputs: Object,
    /// The console's id for this request, or one drawn by the caller.
    pub request_id: String,
    /// An earlier end than the connector's own timeout, if the console asks for one.
    pub deadline: Option<Instant>,
    /// Whether stages are recorded for a send test.
    pub trace: bool,
}

#[cfg(test)]
mod tests;
