//! A login as a run over a connector's steps.
//!
//! `login` leads in and out, `run` is the loop, `step` the order of the stages, `challenge` the pauses, `report` what came of
//! it; `utility` walks the same steps without a verdict. Nothing here writes a log, an HTTP reply or a file.

mod beside;
mod cached;
mod challenge;
mod conceal;
mod decisive;
mod decode;
mod draw;
mod explain;
mod held;
mod identity;
mod input;
mod login;
mod meaning;
mod moved;
mod page;
pub mod progress;
pub mod report;
mod resend;
mod run;
mod saved;
mod send;
mod sends;
mod step;
mod stop;
mod tools;
mod utility;
mod watched;

pub use challenge::{Action, Resumption};
pub use login::{authenticate, resume};
pub use report::Report;
pub use saved::Saved;
pub use sends::{CodeSend, Sends, Unbounded};
pub use tools::{Exchange, NoPauses, NoScripts, Pauses, Pocket, Rehearsal, Scripts, Tools, Waiting};
pub use utility::{Refused, UtilityCall, UtilityEnd, UtilityReport, utility};

use std::net::IpAddr;

use tokio::time::Instant;

use crate::context::Context;
use crate::document::Object;
use crate::secret::Secret;

/// What a console (or the command line) asks.
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

#[cfg(test)]
mod tests;
