//! A crew: the workers that hold the scripts of one group of connectors compiled, with their state and their watchdog.
//!
//! A pool has one crew for all ordinary scripts, whose workers always run. Every further group of connectors (those
//! that paste libraries) has a crew *on demand*: its workers start when a call waits and end when they are idle.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::super::launch::{StartError, Worker};
use super::super::outcome::CallOutcome;
use super::super::source::{Input, ScriptId, ScriptKind, Source};
use super::super::wire::{self, Load, kind};
use super::super::worker::sandbox::Sandbox;
use super::job::Job;
use super::limits::Limits;
use super::state::{Script, State, Todo};
use super::{lane, watch};

/// Workers that all on-demand crews of a pool may run at once, for ordinary lanes and for isolation lanes each.
/// Together with the size limit of a group this bounds their memory.
const MAX_ON_DEMAND: usize = 8;

/// Permits to run a worker, shared by all on-demand crews of a pool.
#[derive(Debug, Clone)]
pub(super) struct OnDemandSlots {
    ordinary: Arc<Semaphore>,
    isolated: Arc<Semaphore>,
}

impl Default for OnDemandSlots {
    fn default() -> Self {
        Self { ordinary: Arc::new(Semaphore::new(MAX_ON_DEMAND)), isolated: Arc::new(Semaphore::new(MAX_ON_DEMAND)) }
    }
}

/// Dropping it ends its workers; a busy one finishes its calls first.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) shared: Arc<Shared>,
}

/// What the tasks of a crew share.
pub(super) struct Shared {
    pub(super) worker: Worker,
    pub(super) sources: Vec<Source>,
    /// For each script, the index of its connector.
    connectors: Vec<usize>,
    /// For each script, its number inside a worker. Scripts with equal texts share one.
    pub(super) compiled: Vec<u32>,
    /// The frame that gives a new worker its scripts.
    pub(super) load: Vec<u8>,
    state: Mutex<State>,
    pub(super) writers: Vec<Arc<Notify>>,
    isolation: AtomicBool,
    watch_asleep: AtomicBool,
    pub(super) watch_wake: Notify,
    pub(super) closed: Notify,
    /// Notified when a worker takes calls.
    pub(super) up: Notify,
    sandbox: Mutex<Option<Sandbox>>,
    /// Set for an on-demand crew.
    slots: Option<OnDemandSlots>,
    /// Its generation has been replaced: from now on its workers run on demand.
    superseded: AtomicBool,
    /// Notified when a call waits, or when the crew closes.
    call_waiting: Notify,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("scripts", &self.sources.len()).finish_non_exhaustive()
    }
}

impl Crew {
    /// Starts a worker with these scripts, which shows that they compile together. An on-demand crew ends it again at
    /// once; any other crew keeps it, and the other workers follow.
    pub(super) async fn start(
        worker: &Worker,
        limits: &Limits,
        sources: Vec<Source>,
        slots: Option<OnDemandSlots>,
    ) -> Result<Self, StartError> {
        let on_demand = slots.is_some();
        let shared = Arc::new(Shared { slots, ..Shared::new(worker.clone(), limits.clone(), sources) });
        let mut first = Some(lane::start(&shared).await?).filter(|_| !on_demand);
        let workers = shared.state().limits.workers;
        for lane in 0..workers {
            tokio::spawn(lane::run(Arc::clone(&shared), lane, first.take()));
        }
        tokio::spawn(watch::run(Arc::clone(&shared)));
        if !on_demand {
            shared.up.notified().await;
        }
        Ok(Self { shared })
    }

    /// Queues a call of the crew's script number `script` and returns the receiver of its outcome, or the outcome
    /// itself when the call is refused.
    pub(super) fn submit(&self, script: usize, input: &Input) -> Result<oneshot::Receiver<CallOutcome>, CallOutcome> {
        let shared = &self.shared;
        let (Some(connector), Some(compiled)) = (shared.connectors.get(script), shared.compiled.get(script)) else {
            return Err(CallOutcome::BadResult { what: "there is no such script".to_owned() });
        };
        // The frame is made before the state is locked: it copies the whole input.
        let (job, answer) = Job::new(ScriptId(*compiled), script, *connector, input);
        let mut state = shared.state();
        state.stats.calls += 1;
        let Ok(todo) = state.admit(job) else {
            state.stats.overloaded += 1;
            return Err(CallOutcome::Overloaded);
        };
        shared.apply(state, &todo);
        shared.wake_watchdog();
        Ok(answer)
    }
}

impl Crew {
    /// From now on workers start when a call waits and end after `idle` without one.
    pub(super) fn run_on_demand(&self, idle: Duration) {
        let mut state = self.shared.state();
        state.limits.retire_idle = idle.min(state.limits.retire_idle);
        self.shared.superseded.store(true, Ordering::Release);
        drop(state);
        self.shared.watch_wake.notify_one();
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        // Calls borrow the pool, so no caller waits for one any more. A worker ends when its input is closed.
        let mut state = self.shared.state();
        state.closing = true;
        for lane in &mut state.lanes {
            if lane.live.as_ref().is_some_and(|live| live.in_flight.is_empty()) {
                lane.live = None;
            }
        }
        drop(state);
        self.shared.closed.notify_waiters();
        self.shared.call_waiting.notify_waiters();
        self.shared.watch_wake.notify_one();
        for writer in &self.shared.writers {
            writer.notify_one();
        }
    }
}

impl Shared {
    pub(super) fn new(worker: Worker, limits: Limits, sources: Vec<Source>) -> Self {
        let mut connectors: HashMap<&str, usize> = HashMap::new();
        let mut of_script = Vec::with_capacity(sources.len());
        let mut compiled = Vec::with_capacity(sources.len());
        let mut numbers: HashMap<(ScriptKind, &str), u32> = HashMap::new();
        let mut texts: Vec<(ScriptKind, String)> = Vec::new();
        for source in &sources {
            let next = connectors.len();
            of_script.push(*connectors.entry(&source.connector).or_insert(next));
            let number = *numbers.entry((source.kind, &source.text)).or_insert_with(|| {
                texts.push((source.kind, source.text.clone()));
                u32::try_from(texts.len() - 1).unwrap_or(u32::MAX)
            });
            compiled.push(number);
        }
        let scripts = sources.iter().map(|source| Script::new(source.first_line, source.indent)).collect();
        let load = Load {
            scripts: texts,
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
            compiled,
            load: wire::frame(kind::LOAD, 0, &[&load]),
            state: Mutex::new(state),
            writers: lane::writers(lanes),
            isolation: AtomicBool::new(false),
            watch_asleep: AtomicBool::new(false),
            watch_wake: Notify::new(),
            closed: Notify::new(),
            up: Notify::new(),
            sandbox: Mutex::default(),
            slots: None,
            superseded: AtomicBool::new(false),
            call_waiting: Notify::new(),
            sources,
        }
    }

    /// The first source whose text has this number in a worker.
    pub(super) fn first_with(&self, number: u32) -> Option<&Source> {
        self.compiled.iter().position(|compiled| *compiled == number).and_then(|at| self.sources.get(at))
    }

    /// Records the sandbox that a new worker reported.
    pub(super) fn add_sandbox(&self, sandbox: Sandbox) {
        let mut all = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
        *all = Some(all.map_or(sandbox, |all| all.and(sandbox)));
    }

    /// The restrictions that every worker started so far has.
    pub(super) fn sandbox(&self) -> Option<Sandbox> {
        *self.sandbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the state. No code panics while it holds the lock, so a poisoned one is still consistent.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Unlocks the state, then does what a change of it asks for.
    pub(super) fn apply(self: &Arc<Self>, state: MutexGuard<'_, State>, todo: &Todo) {
        let lanes = state.limits.workers..state.lanes.len();
        let waits = self.is_on_demand() && state.has_waiting();
        drop(state);
        for lane in &todo.wake {
            self.writers[*lane].notify_one();
        }
        if waits {
            self.call_waiting.notify_waiters();
        }
        if todo.isolation && !self.isolation.swap(true, Ordering::AcqRel) {
            for lane in lanes {
                tokio::spawn(lane::run(Arc::clone(self), lane, None));
            }
        }
    }

    /// Waits until `lane` needs a worker; returns at once unless the crew is on demand. The worker holds the permit
    /// that comes with it until it ends. `Err` when the crew closes.
    pub(super) async fn wait_for_call(&self, lane: usize) -> Result<Option<OwnedSemaphorePermit>, ()> {
        if !self.is_on_demand() {
            return Ok(None);
        }
        loop {
            let call_waiting = self.call_waiting.notified();
            let mut call_waiting = std::pin::pin!(call_waiting);
            // Enabled before the state is looked at: a notification between the look and the wait is not lost.
            call_waiting.as_mut().enable();
            {
                let mut state = self.state();
                if state.closing {
                    return Err(());
                }
                if state.wants(lane) {
                    state.lanes[lane].starting = true;
                    break;
                }
            }
            call_waiting.await;
        }
        let Some(slots) = &self.slots else { return Ok(None) };
        let isolated = self.state().isolated(lane);
        let permits = if isolated { &slots.isolated } else { &slots.ordinary };
        // The semaphores are never closed.
        Arc::clone(permits).acquire_owned().await.map(Some).map_err(drop)
    }

    /// Whether other on-demand crews may be waiting for a permit, so that idle workers of this one should end soon.
    pub(super) fn is_crowded(&self) -> bool {
        self.slots.as_ref().is_some_and(|slots| slots.ordinary.available_permits() == 0)
    }

    pub(super) fn is_on_demand(&self) -> bool {
        self.slots.is_some() || self.superseded.load(Ordering::Acquire)
    }

    pub(super) fn kill(&self, lane: usize) {
        if let Some(live) = &self.state().lanes[lane].live {
            live.kill();
        }
    }

    pub(super) fn watchdog_sleeps(&self, asleep: bool) {
        self.watch_asleep.store(asleep, Ordering::Release);
    }

    pub(super) fn wake_watchdog(&self) {
        if self.watch_asleep.load(Ordering::Acquire) {
            self.watch_wake.notify_one();
        }
    }
}
