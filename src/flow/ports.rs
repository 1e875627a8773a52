//! What a run needs from outside: the upstream, scripts, clock, randomness, quotas and stores.
//!
//! Traits, so that golden tests and the probe run the very same flow over replies from a file.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::progress::Progress;
use crate::budget::Budget;
use crate::clock::Ambient;
use crate::connector::Live;
use crate::connector::step_cache::StepCache;
use crate::script::{CallOutcome, Input, Pool, ScriptId};
use crate::state::ChallengeState;
pub use crate::upstream::Exchange;
use crate::upstream::{Outgoing, Reply, SendFault};

/// Calls a compiled script.
pub trait Scripts: Send + Sync {
    /// Ends by `deadline`.
    fn call(&self, script: ScriptId, input: Input, deadline: Instant) -> BoxFuture<'_, CallOutcome>;
}

impl Scripts for Pool {
    fn call(&self, script: ScriptId, input: Input, deadline: Instant) -> BoxFuture<'_, CallOutcome> {
        Box::pin(Pool::call(self, script, input, deadline))
    }
}

/// Stores the state of a login that waits for an answer.
pub trait ChallengeStore: Send + Sync {
    /// Stores `state` under `id` for `ttl`, sealed, for the caller of this login alone. Ends by `deadline`; an error
    /// says why, without data.
    fn put<'a>(
        &'a self,
        id: &'a str,
        state: ChallengeState<'a>,
        ttl: Duration,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<(), String>>;
}

/// One code that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct CodeSend<'a> {
    /// The connector's id.
    pub connector: &'a str,
    /// The recipient: the account of a login, the phone number (or another input) of a utility call.
    pub account: &'a str,
    /// The address of the user's device, if the console sent it.
    pub client_ip: Option<IpAddr>,
}

/// Why a code may not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendRefusal {
    /// Too many were; when the next one is due.
    TooOften(Duration),
    /// It cannot be counted, and is not sent uncounted.
    Uncounted,
}

/// The quota of codes.
pub trait Sends: Send + Sync {
    /// Counts one code, if it may be sent. Waits for a second at most.
    fn may_send<'a>(&'a self, send: CodeSend<'a>) -> BoxFuture<'a, Result<(), SendRefusal>>;

    /// Takes back the count of the last code for `send`: it was not sent.
    fn not_sent<'a>(&'a self, send: CodeSend<'a>) -> BoxFuture<'a, ()>;
}

/// No quota.
#[derive(Debug, Clone, Copy)]
pub struct Unbounded;

impl Sends for Unbounded {
    fn may_send<'a>(&'a self, _: CodeSend<'a>) -> BoxFuture<'a, Result<(), SendRefusal>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn not_sent<'a>(&'a self, _: CodeSend<'a>) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// Everything outside a run.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The upstream.
    pub exchange: &'a dyn Exchange,
    /// The script workers.
    pub scripts: &'a dyn Scripts,
    /// Clock and randomness.
    pub ambient: &'a dyn Ambient,
    /// Set before the user's credential is written.
    pub progress: &'a Progress,
    /// Asked before a step that sends a code.
    pub sends: &'a dyn Sends,
    /// Stores challenges.
    pub challenges: &'a dyn ChallengeStore,
    /// For steps with `cache`; `None`: each login fetches for itself.
    pub step_cache: Option<&'a StepCache>,
    /// The memory for replies of all logins of the connector; `None`: only each login's own limit.
    pub replies: Option<&'a Arc<Budget>>,
}

impl<'a> Ports<'a> {
    /// Those of a live connector, without a send quota and without a challenge store.
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
            challenges: &NoChallengeStore,
            step_cache: Some(&live.step_cache),
            replies: Some(&live.replies),
        }
    }

    /// For tests: an upstream, clock and randomness, and nothing else.
    #[cfg(test)]
    pub(super) fn bare(exchange: &'a dyn Exchange, progress: &'a Progress) -> Self {
        Self {
            exchange,
            scripts: &NoScripts,
            ambient: &crate::clock::System,
            progress,
            sends: &Unbounded,
            challenges: &NoChallengeStore,
            step_cache: None,
            replies: None,
        }
    }
}

/// For connectors without scripts.
#[derive(Debug, Clone, Copy)]
pub struct NoScripts;

impl Scripts for NoScripts {
    fn call(&self, _: ScriptId, _: Input, _: Instant) -> BoxFuture<'_, CallOutcome> {
        Box::pin(std::future::ready(CallOutcome::BadResult { what: "there is no such script".to_owned() }))
    }
}

/// Refuses every challenge.
#[derive(Debug, Clone, Copy)]
pub struct NoChallengeStore;

impl ChallengeStore for NoChallengeStore {
    fn put<'a>(
        &'a self,
        _: &'a str,
        _: ChallengeState<'a>,
        _: Duration,
        _: Instant,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(std::future::ready(Err("challenges cannot be stored here".to_owned())))
    }
}

/// Stores the one challenge of a login that runs in this process: golden cases, the command line.
#[derive(Default)]
pub struct InMemoryStore(Mutex<Option<(String, Zeroizing<Vec<u8>>)>>);

impl InMemoryStore {
    /// Removes and returns the state, if it is stored under `id`.
    pub fn take(&self, id: &str) -> Option<Zeroizing<Vec<u8>>> {
        let mut kept = self.0.lock().ok()?;
        kept.take_if(|(known, _)| known == id).map(|(_, state)| state)
    }
}

impl ChallengeStore for InMemoryStore {
    fn put<'a>(
        &'a self,
        id: &'a str,
        ChallengeState { bytes, .. }: ChallengeState<'a>,
        _: Duration,
        _: Instant,
    ) -> BoxFuture<'a, Result<(), String>> {
        let kept = self.0.lock().map(|mut kept| *kept = Some((id.to_owned(), Zeroizing::new(bytes.to_vec()))));
        Box::pin(std::future::ready(kept.map_err(|_| "a panic broke the lock".to_owned())))
    }
}

/// An exchange that sends nothing; the request is in the trace of the step.
#[derive(Debug, Default)]
pub struct Rehearsal(std::sync::atomic::AtomicBool);

impl Rehearsal {
    /// Whether a request was ready to be sent. The run ended there, and its verdict means nothing.
    pub fn was_asked(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Acquire)
    }
}

impl Exchange for Rehearsal {
    fn send<'a>(&'a self, _: &'a Outgoing, _: Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
        self.0.store(true, std::sync::atomic::Ordering::Release);
        let explain = "nothing was sent: this is a dry run".to_owned();
        // A cause that is never retried.
        let fault = SendFault { cause: crate::verdict::Cause::UnexpectedReply, written: false, explain, word: None };
        Box::pin(std::future::ready(Err(fault)))
    }
}
