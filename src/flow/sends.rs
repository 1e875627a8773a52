//! Whether a code may be sent: asked before a step runs that makes the upstream send one to the user.
//!
//! A trait, so that the flow knows no guard; golden cases and the command line have no quota.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use super::run::Run;
use super::stop::{Ending, Stop};
use crate::connector::Step;
use crate::context::Variable;
use crate::document::Value;

/// One code that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct CodeSend<'a> {
    /// The connector's id.
    pub connector: &'a str,
    /// Who gets it: the account of a login, the phone number (or whatever a utility is told) of a utility call.
    pub account: &'a str,
    /// The address of the user's device, if the console told.
    pub client_ip: Option<IpAddr>,
}

/// Counts the codes.
pub trait Sends: Send + Sync {
    /// Counts one code, or says after which time there is another one. Never waits.
    fn may_send(&self, send: &CodeSend<'_>) -> Result<(), Duration>;
}

/// No quota.
#[derive(Debug, Clone, Copy)]
pub struct Unbounded;

impl Sends for Unbounded {
    fn may_send(&self, _: &CodeSend<'_>) -> Result<(), Duration> {
        Ok(())
    }
}

/// Counts the code that `step` sends, if it sends one; a code beyond the quota ends the run before anything is sent.
pub(super) fn admit(step: &Step, run: &Run<'_>) -> Result<(), Stop> {
    let Some(recipient) = &step.sends_code_to else { return Ok(()) };
    let value = match recipient {
        // Of a packed name the field `user`, as the guard counts it.
        Variable::Username => Cow::Owned(Value::from(run.claimed.as_str())),
        other => run.context.get(other)?,
    };
    let account = value.scalar_text().unwrap_or_default();
    let send = CodeSend { connector: &run.connector.id, account, client_ip: run.context.user.client_ip };
    run.tools.sends.may_send(&send).map_err(|retry_after| Stop {
        ending: Ending::TooMany(retry_after),
        explain: "codes were sent to this user or address too often; nothing was sent".to_owned(),
    })
}
