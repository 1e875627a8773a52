//! The workers of one generation of the catalog: calls in, outcomes out, whatever a script does.
//!
//! A pool holds every script of its generation compiled, in crews of workers: what the scripts of a connector cost to start and
//! to hold is paid by the few that share its crew. A reload starts a new pool and drops the old one, which drains.
//! Nothing here looks into what scripts compute; the rules of blame are in `lane`, of slots and quarantine in `state`.

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
pub use self::start::Lost;
use super::launch::{StartError, Worker};
use super::outcome::Outcome;
use super::source::{Input, ScriptId, Source};
use super::worker::sandbox::Sandbox;

/// Bytes of parameters at most. A reply body of 256 KiB, the document made of it, and what was captured stay below a
/// third of it.
const MAX_INPUT: usize = 4 * 1024 * 1024;

/// Worker processes with the scripts of one generation.
#[derive(Debug)]
pub struct Pool {
    /// The first never sleeps.
    crews: Vec<Crew>,
    /// By the number of a script; none for one whose connector did not start.
    places: Vec<Option<Place>>,
    timed_out: AtomicU64,
}

/// Where a script is.
#[derive(Debug, Clone, Copy)]
struct Place {
    crew: usize,
    /// Its number there.
    script: usize,
}

impl Pool {
    /// Starts the workers of a generation and returns when the first is ready; the others follow. Source number N must
    /// have the id N. To be called within a tokio runtime. The error is of the first connector whose scripts do not start.
    pub async fn start(worker: Worker, limits: Limits, sources: Vec<Source>) -> Result<Self, StartError> {
        let (pool, lost) = Self::start_each(worker, limits, sources).await;
        match lost.into_iter().next() {
            Some(Lost { why, .. }) => Err(why),
            None => Ok(pool),
        }
    }

    /// As [`Pool::start`], each connector on its own: those whose scripts do not start are named, and all others run.
    pub async fn start_each(worker: Worker, limits: Limits, sources: Vec<Source>) -> (Self, Vec<Lost>) {
        start::each(worker, limits, sources).await
    }

    /// Runs a script, by `deadline` at the latest. Never waits longer, never panics, never repeats a script that
    /// killed its worker.
    pub async fn call(&self, id: ScriptId, input: Input, deadline: Instant) -> Outcome {
        let place = usize::try_from(id.0).ok().and_then(|index| self.places.get(index).copied().flatten());
        let Some(Place { crew, script }) = place else {
            return Outcome::BadResult { what: "there is no such script".to_owned() };
        };
        if input.json().len() > MAX_INPUT {
            return Outcome::BadResult { what: "the parameters are larger than 4 MiB".to_owned() };
        }
        let answer = match self.crews[crew].submit(script, &input) {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        drop(input);
        match timeout_at(deadline, answer).await {
            Ok(Ok(outcome)) => outcome,
            // The job was dropped unanswered: the pool closes.
            Ok(Err(_)) => Outcome::Overloaded,
            Err(_) => {
                self.timed_out.fetch_add(1, Ordering::Relaxed);
                Outcome::TimedOut
            }
        }
    }

    /// Its generation has been replaced, and some logins or connectors still use it: from now on its workers start when a call waits
    /// and end when they were idle for `idle`, or each reload would leave processes behind for as long as the longest login.
    pub fn rest(&self, idle: Duration) {
        for crew in &self.crews {
            crew.rest(idle);
        }
    }

    /// What the pool counted so far.
    pub fn stats(&self) -> Stats {
        let sum = self.crews.iter().fold(Stats::default(), |sum, crew| sum.plus(&crew.shared.state().snapshot()));
        Stats { timed_out: sum.timed_out + self.timed_out.load(Ordering::Relaxed), ..sum }
    }

    /// What holds every worker in that was started so far.
    pub fn sandbox(&self) -> Sandbox {
        let of_each = self.crews.iter().filter_map(|crew| crew.shared.sandbox());
        of_each.reduce(Sandbox::and).unwrap_or_default()
    }

    /// The process numbers of the workers that are ready now, isolation lanes of each crew last.
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
