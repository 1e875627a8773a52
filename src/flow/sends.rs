//! Whether a code may be sent: asked before a step runs that makes the upstream send one to the user.
//!
//! A trait, so that the flow knows no guard; golden cases and the command line have no quota.

use std::net::IpAddr;
use std::time::Duration;

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
