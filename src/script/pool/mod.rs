//! The workers of one generation of the catalog: calls in, outcomes out, whatever a script does.
//!
//! A pool holds every script of its generation compiled. A reload starts a new pool and drops the old one, which drains.
//! Nothing here looks into what scripts compute; the rules of blame are in `lane`, of slots and quarantine in `state`.

mod job;
mod lane;
mod limits;
mod live;
mod state;
mod usage;
mod watch;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

use self::job::Job;
pub use self::limits::{Limits, Quarantine, Stats};
use self::state::{Script, State, Todo};
use super::launch::{StartError, Worker};
use super::outcome::Outcome;
use super::source::{Input, ScriptId, Source};
use super::wire::{self, Load, kind};
use super::worker::sandbox::Sandbox;

/// Bytes of parameters at most. A reply body of 256 KiB, the document made of it, and what was captured stay below a
/// third of it.
const MAX_INPUT: usize = 4 * 1024 * 1024;

/// Worker processes with the scripts of one generation.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
}

/// What the tasks of a pool share.
struct Shared {
    worker: Worker,
    sources: Vec<Source>,
    /// The connector of each script, as a number.
    connectors: Vec<usize>,
    /// The frame that gives a new worker its scripts.
    load: Vec<u8>,
    state: Mutex<State>,
    writers: Vec<Arc<Notify>>,
    isolation: AtomicBool,
    watch_asleep: AtomicBool,
    watch_wake: Notify,
    closed: Notify,
    /// A worker has entered the books.
    up: Notify,
    sandbox: Mutex<Option<Sandbox>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("scripts", &self.sources.len()).finish_non_exhaustive()
    }
}

impl Pool {
    /// Starts the workers of a generation and returns when the first is ready; the others follow. Source number N must
    /// have the id N. To be called within a tokio runtime.
    pub async fn start(worker: Worker, limits: Limits, sources: Vec<Source>) -> Result<Self, StartError> {
        let shared = Arc::new(Shared::new(worker, limits, sources));
        let first = lane::start(&shared).await?;
        let workers = shared.state().limits.workers;
        let mut first = Some(first);
        for lane in 0..workers {
            tokio::spawn(lane::run(Arc::clone(&shared), lane, first.take()));
        }
        tokio::spawn(watch::run(Arc::clone(&shared)));
        shared.up.notified().await;
        Ok(Self { shared })
    }

    /// Runs a script, by `deadline` at the latest. Never waits longer, never panics, never repeats a script that
    /// killed its worker.
    pub async fn call(&self, id: ScriptId, input: Input, deadline: Instant) -> Outcome {
        let answer = match self.submit(id, &input) {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        drop(input);
        match timeout_at(deadline, answer).await {
            Ok(Ok(outcome)) => outcome,
            // The job was dropped unanswered: the pool closes.
            Ok(Err(_)) => Outcome::Overloaded,
            Err(_) => {
                self.shared.state().stats.timed_out += 1;
                Outcome::TimedOut
            }
        }
    }

    /// Books a call; the end on which its answer arrives, or the outcome if there will be none.
    fn submit(&self, id: ScriptId, input: &Input) -> Result<oneshot::Receiver<Outcome>, Outcome> {
        let script = usize::try_from(id.0).unwrap_or(usize::MAX);
        let Some(connector) = self.shared.connectors.get(script).copied() else {
            return Err(Outcome::BadResult { what: "there is no such script".to_owned() });
        };
        if input.json().len() > MAX_INPUT {
            return Err(Outcome::BadResult { what: "the parameters are larger than 4 MiB".to_owned() });
        }
        // The frame is made before the books are locked: it copies the whole input.
        let (job, answer) = Job::new(id, script, connector, input);
        let mut state = self.shared.state();
        state.stats.calls += 1;
        let Ok(todo) = state.admit(job) else {
            state.stats.overloaded += 1;
            return Err(Outcome::Overloaded);
        };
        self.shared.after(state, &todo);
        self.shared.wake_watchdog();
        Ok(answer)
    }

    /// What the pool counted so far.
    pub fn stats(&self) -> Stats {
        self.shared.state().snapshot()
    }

    /// What holds every worker in that was started so far.
    pub fn sandbox(&self) -> Sandbox {
        self.shared.sandbox.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_default()
    }

    /// The process numbers of the workers that are ready now, isolation lanes last.
    pub fn pids(&self) -> Vec<u32> {
        let state = self.shared.state();
        let live = state.lanes.iter().filter_map(|lane| lane.live.as_ref());
        live.filter_map(|live| u32::try_from(live.pid.as_raw_nonzero().get()).ok()).collect()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Calls borrow the pool, so none that anybody waits for is in flight. Workers end with their input.
        let mut state = self.shared.state();
        state.closing = true;
        for lane in &mut state.lanes {
            if lane.live.as_ref().is_some_and(|live| live.flying.is_empty()) {
                lane.live = None;
            }
        }
        drop(state);
        self.shared.closed.notify_waiters();
        self.shared.watch_wake.notify_one();
        for writer in &self.shared.writers {
            writer.notify_one();
        }
    }
}

impl Shared {
    fn new(worker: Worker, limits: Limits, sources: Vec<Source>) -> Self {
        let mut connectors: HashMap<&str, usize> = HashMap::new();
        let mut of_script = Vec::with_capacity(sources.len());
        for source in &sources {
            let next = connectors.len();
            of_script.push(*connectors.entry(&source.connector).or_insert(next));
        }
        let scripts = sources.iter().map(|source| Script::new(source.first_line, source.indent)).collect();
        let load = Load {
            scripts: sources.iter().map(|source| (source.kind, source.text.clone())).collect(),
            memory: limits.memory,
            env_bytes: limits.env_bytes,
            result_bytes: limits.result_bytes,
        };
        // Text and numbers only: it cannot fail.
        let load = serde_json::to_vec(&load).unwrap_or_default();
        let lanes = limits.workers + limits.isolation;
        let state = State::new(limits, scripts, connectors.len());
        Self {
            worker,
            connectors: of_script,
            load: wire::frame(kind::LOAD, 0, &[&load]),
            state: Mutex::new(state),
            writers: lane::writers(lanes),
            isolation: AtomicBool::new(false),
            watch_asleep: AtomicBool::new(false),
            watch_wake: Notify::new(),
            closed: Notify::new(),
            up: Notify::new(),
            sandbox: Mutex::default(),
            sources,
        }
    }

    /// A worker said what holds it in.
    fn held_by(&self, sandbox: Sandbox) {
        let mut all = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
        *all = Some(all.map_or(sandbox, |all| all.and(sandbox)));
    }

    /// The books. No code panics while it holds them; if one did, they are still in order.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Releases the books and does what the change asks for.
    fn after(self: &Arc<Self>, state: MutexGuard<'_, State>, todo: &Todo) {
        let lanes = state.limits.workers..state.lanes.len();
        drop(state);
        for lane in &todo.wake {
            self.writers[*lane].notify_one();
        }
        if todo.isolation && !self.isolation.swap(true, Ordering::AcqRel) {
            for lane in lanes {
                tokio::spawn(lane::run(Arc::clone(self), lane, None));
            }
        }
    }

    fn kill(&self, lane: usize) {
        if let Some(live) = &self.state().lanes[lane].live {
            live.kill();
        }
    }

    fn watchdog_sleeps(&self, asleep: bool) {
        self.watch_asleep.store(asleep, Ordering::Release);
    }

    fn wake_watchdog(&self) {
        if self.watch_asleep.load(Ordering::Acquire) {
            self.watch_wake.notify_one();
        }
    }
}
