//! The script workers of one generation of the catalog. A call always ends with an outcome by its deadline, whatever
//! its script does.
//!
//! A pool holds every script of its generation compiled, in crews of workers, so that a connector with expensive
//! scripts slows only the few that share its crew. A reload starts a new pool and drops the old one, which drains.
//! `lane` decides which script killed a worker; `state` has the queues, the slots and the quarantine.

mod crew;
mod job;
mod lane;
mod limits;
mod live;
mod share;
mod start;
mod state;
mod watch;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use self::crew::{Crew, Shared};
pub use self::limits::{Limits, Quarantine, Stats};
pub use self::start::FailedConnector;
use super::launch::{StartError, Worker};
use super::outcome::CallOutcome;
use super::source::{Input, ScriptId, Source};
use super::worker::sandbox::Sandbox;

/// Most bytes of a call's parameters. A reply body of 256 KiB, the document made of it, and all captures stay below a
/// third of this.
const MAX_INPUT: usize = 4 * 1024 * 1024;

/// Worker processes with the scripts of one generation.
#[derive(Debug)]
pub struct Pool {
    /// The first always runs; the others are on demand.
    crews: Vec<Crew>,
    /// By script id; `None` for a script whose connector did not start.
    slots: Vec<Option<Slot>>,
    timed_out: AtomicU64,
}

/// Which crew runs a script, and the script's number there.
#[derive(Debug, Clone, Copy)]
struct Slot {
    crew: usize,
    script: usize,
}

impl Pool {
    /// Starts the workers of a generation and returns when the first is ready; the others follow. Source number N must
    /// have the id N. Must be called within a tokio runtime. Fails with the error of the first connector whose scripts
    /// do not start.
    pub async fn start(worker: Worker, limits: Limits, sources: Vec<Source>) -> Result<Self, StartError> {
        let (pool, failed) = Self::start_each(worker, limits, sources).await;
        match failed.into_iter().next() {
            Some(FailedConnector { why, .. }) => Err(why),
            None => Ok(pool),
        }
    }

    /// As [`Pool::start`], but connectors whose scripts do not start are returned and all others run.
    pub async fn start_each(worker: Worker, limits: Limits, sources: Vec<Source>) -> (Self, Vec<FailedConnector>) {
        start::each(worker, limits, sources).await
    }

    /// Runs a script and returns by `deadline`. Never panics, and never repeats a call that killed its worker.
    pub async fn call(&self, id: ScriptId, input: Input, deadline: Instant) -> CallOutcome {
        let slot = usize::try_from(id.0).ok().and_then(|index| self.slots.get(index).copied().flatten());
        let Some(Slot { crew, script }) = slot else {
            return CallOutcome::BadResult { what: "there is no such script".to_owned() };
        };
        if input.json().len() > MAX_INPUT {
            return CallOutcome::BadResult { what: "the parameters are larger than 4 MiB".to_owned() };
        }
        let answer = match self.crews[crew].submit(script, &input) {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        drop(input);
        match timeout_at(deadline, answer).await {
            Ok(Ok(outcome)) => outcome,
            // The job was dropped unanswered: the pool is closing.
            Ok(Err(_)) => CallOutcome::Overloaded,
            Err(_) => {
                self.timed_out.fetch_add(1, Ordering::Relaxed);
                CallOutcome::TimedOut
            }
        }
    }

    /// For a pool whose generation has been replaced while logins still use it: from now on its workers start when a
    /// call waits and end after `idle` without one. Otherwise each reload would leave idle processes behind for as long
    /// as the longest login.
    pub fn run_on_demand(&self, idle: Duration) {
        for crew in &self.crews {
            crew.run_on_demand(idle);
        }
    }

    /// Counts since the start.
    pub fn stats(&self) -> Stats {
        let sum = self.crews.iter().fold(Stats::default(), |sum, crew| sum.plus(&crew.shared.state().snapshot()));
        Stats { timed_out: sum.timed_out + self.timed_out.load(Ordering::Relaxed), ..sum }
    }

    /// The restrictions that every worker started so far has.
    pub fn sandbox(&self) -> Sandbox {
        let of_each = self.crews.iter().filter_map(|crew| crew.shared.sandbox());
        of_each.reduce(Sandbox::and).unwrap_or_default()
    }

    /// Process ids of the workers that take calls now; within a crew the isolation lanes come last.
    pub fn pids(&self) -> Vec<u32> {
        let mut pids = Vec::new();
        for crew in &self.crews {
            let state = crew.shared.state();
            let live = state.lanes.iter().filter_map(|lane| lane.live.as_ref());
            pids.extend(live.filter_map(|live| u32::try_from(live.pid.as_raw_nonzero().get()).ok()));
        }
        pids
    }
}
