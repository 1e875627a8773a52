//! What a run needs from outside: an upstream to ask, scripts to call, a clock and randomness.
//!
//! Traits, so that golden tests and the probe run the very same flow over replies from a file.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use zeroize::Zeroizing;

use super::progress::Progress;
use crate::budget::Budget;
use crate::clock::Ambient;
use crate::connector::Live;
use crate::connector::step_cache::StepCache;
use crate::script::{CallOutcome, Input, Pool, ScriptId};
use crate::state::Pause;
pub use crate::upstream::{Exchange, Waiting};
use crate::upstream::{Outgoing, Reply, SendFault};

/// Calls a compiled script.
pub trait Scripts: Send + Sync {
    /// Ends by `deadline`.
    fn call(&self, script: ScriptId, input: Input, deadline: Instant) -> Waiting<'_, CallOutcome>;
}

impl Scripts for Pool {
    fn call(&self, script: ScriptId, input: Input, deadline: Instant) -> Waiting<'_, CallOutcome> {
        Box::pin(Pool::call(self, script, input, deadline))
    }
}

/// Keeps the state of a login that waits for an answer.
pub trait Pauses: Send + Sync {
    /// Keeps `pause` under `id` for `ttl`, sealed, for the caller of this login alone. Ends by `deadline`; an error says why,
    /// without data.
    fn put<'a>(
        &'a self,
        id: &'a str,
        pause: Pause<'a>,
        ttl: Duration,
        deadline: Instant,
    ) -> Waiting<'a, Result<(), String>>;
}

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

    /// The code that was counted last for `send` did not go out: it counts no more.
    fn not_sent(&self, send: &CodeSend<'_>);
}

/// No quota.
#[derive(Debug, Clone, Copy)]
pub struct Unbounded;

impl Sends for Unbounded {
    fn may_send(&self, _: &CodeSend<'_>) -> Result<(), Duration> {
        Ok(())
    }

    fn not_sent(&self, _: &CodeSend<'_>) {}
}

/// Everything outside a run.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// The upstream.
    pub exchange: &'a dyn Exchange,
    /// The script workers.
    pub scripts: &'a dyn Scripts,
    /// Clock and randomness.
    pub ambient: &'a dyn Ambient,
    /// Told before the user's credential leaves.
    pub progress: &'a Progress,
    /// Asked before a step that sends a code.
    pub sends: &'a dyn Sends,
    /// Where challenges wait.
    pub pauses: &'a dyn Pauses,
    /// The cache of steps with `cache`; `None`: each login fetches for itself.
    pub step_cache: Option<&'a StepCache>,
    /// What all logins of the connector may hold of replies; `None`: no bound but each login's own.
    pub replies: Option<&'a Arc<Budget>>,
}

impl<'a> Tools<'a> {
    /// The tools of a connector that runs for real, without a send quota and where no challenge can wait.
    pub fn of(live: &'a Live, ambient: &'a dyn Ambient, progress: &'a Progress) -> Self {
        let scripts: &dyn Scripts = match &live.scripts {
            Some(pool) => &**pool,
            None => &NoScripts,
        };
        Self {
            exchange: &live.client,
            scripts,
            ambient,
            progress,
            sends: &Unbounded,
            pauses: &NoPauses,
            step_cache: Some(&live.step_cache),
            replies: Some(&live.replies),
        }
    }

    /// Those of a test: an upstream, and nothing else of the world but clock and randomness.
    #[cfg(test)]
    pub(super) fn bare(exchange: &'a dyn Exchange, progress: &'a Progress) -> Self {
        Self {
            exchange,
            scripts: &NoScripts,
            ambient: &crate::clock::System,
            progress,
            sends: &Unbounded,
            pauses: &NoPauses,
            step_cache: None,
            replies: None,
        }
    }
}

/// For connectors of a generation without scripts.
#[derive(Debug, Clone, Copy)]
pub struct NoScripts;

impl Scripts for NoScripts {
    fn call(&self, _: ScriptId, _: Input, _: Instant) -> Waiting<'_, CallOutcome> {
        Box::pin(std::future::ready(CallOutcome::BadResult { what: "there is no such script".to_owned() }))
    }
}

/// Where no challenge can wait.
#[derive(Debug, Clone, Copy)]
pub struct NoPauses;

impl Pauses for NoPauses {
    fn put<'a>(&'a self, _: &'a str, _: Pause<'a>, _: Duration, _: Instant) -> Waiting<'a, Result<(), String>> {
        Box::pin(std::future::ready(Err("nobody keeps challenges here".to_owned())))
    }
}

/// Keeps the one challenge of a login that runs in this very process: golden cases, the command line.
#[derive(Default)]
pub struct Pocket(Mutex<Option<(String, Zeroizing<Vec<u8>>)>>);

impl Pocket {
    /// Takes the state away, if it is kept under `id`.
    pub fn take(&self, id: &str) -> Option<Zeroizing<Vec<u8>>> {
        let mut kept = self.0.lock().ok()?;
        kept.take_if(|(known, _)| known == id).map(|(_, state)| state)
    }
}

impl Pauses for Pocket {
    fn put<'a>(
        &'a self,
        id: &'a str,
        Pause { state, .. }: Pause<'a>,
        _: Duration,
        _: Instant,
    ) -> Waiting<'a, Result<(), String>> {
        let kept = self.0.lock().map(|mut kept| *kept = Some((id.to_owned(), Zeroizing::new(state.to_vec()))));
        Box::pin(std::future::ready(kept.map_err(|_| "a panic broke the lock".to_owned())))
    }
}

/// An exchange that sends nothing: what would be sent is in the trace of the step that asked.
#[derive(Debug, Default)]
pub struct Rehearsal(std::sync::atomic::AtomicBool);

impl Rehearsal {
    /// Whether a request was ready to be sent. The run ended there, and its verdict means nothing.
    pub fn was_asked(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Acquire)
    }
}

impl Exchange for Rehearsal {
    fn send<'a>(&'a self, _: &'a Outgoing, _: Instant) -> Waiting<'a, Result<Reply, SendFault>> {
        self.0.store(true, std::sync::atomic::Ordering::Release);
        let explain = "nothing was sent: this is a rehearsal".to_owned();
        // A cause that no step tries again on.
        let fault = SendFault { cause: crate::verdict::Cause::UnexpectedReply, written: false, explain, word: None };
        Box::pin(std::future::ready(Err(fault)))
    }
}
