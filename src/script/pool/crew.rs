//! The workers of a group of connectors, with their scripts compiled: lanes, books, a watchdog.
//!
//! A pool has one crew for all ordinary scripts, whose workers are always there, and one for every further group: connectors
//! that paste libraries pay for them with workers of their own, which start when a call waits and end when they are idle.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::super::launch::{StartError, Worker};
use super::super::outcome::Outcome;
use super::super::source::{Input, Kind, ScriptId, Source};
use super::super::wire::{self, Load, kind};
use super::super::worker::sandbox::Sandbox;
use super::job::Job;
use super::limits::Limits;
use super::state::{Script, State, Todo};
use super::{lane, watch};

/// Workers that crews which sleep may have awake together, on ordinary lanes and on isolation lanes each. With what a group
/// may hold compiled it bounds the memory of them all.
const MOST_AWAKE: usize = 8;

/// The places of workers that are awake, of all crews of a pool that sleep.
#[derive(Debug, Clone)]
pub(super) struct Awake {
    ordinary: Arc<Semaphore>,
    isolated: Arc<Semaphore>,
}

impl Default for Awake {
    fn default() -> Self {
        Self { ordinary: Arc::new(Semaphore::new(MOST_AWAKE)), isolated: Arc::new(Semaphore::new(MOST_AWAKE)) }
    }
}

/// One crew. Its workers end when it is dropped, busy ones with their last answer.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) shared: Arc<Shared>,
}

/// What the tasks of a crew share.
pub(super) struct Shared {
    pub(super) worker: Worker,
    pub(super) sources: Vec<Source>,
    /// The connector of each script, as a number.
    connectors: Vec<usize>,
    /// The number of each script in a worker, which has equal texts once.
    pub(super) compiled: Vec<u32>,
    /// The frame that gives a new worker its scripts.
    pub(super) load: Vec<u8>,
    state: Mutex<State>,
    pub(super) writers: Vec<Arc<Notify>>,
    isolation: AtomicBool,
    watch_asleep: AtomicBool,
    pub(super) watch_wake: Notify,
    pub(super) closed: Notify,
    /// A worker has entered the books.
    pub(super) up: Notify,
    sandbox: Mutex<Option<Sandbox>>,
    /// There when its workers sleep until a call waits.
    awake: Option<Awake>,
    /// Its generation has been replaced: its workers sleep from now on.
    resting: AtomicBool,
    /// A call waits, or the crew closes.
    wanted: Notify,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("scripts", &self.sources.len()).finish_non_exhaustive()
    }
}

impl Crew {
    /// Starts a worker with these scripts, which shows that they compile together. Of a crew that sleeps it ends again at
    /// once; else it is the first of them, and the others follow.
    pub(super) async fn start(
        worker: &Worker,
        limits: &Limits,
        sources: Vec<Source>,
        awake: Option<Awake>,
    ) -> Result<Self, StartError> {
        let sleeps = awake.is_some();
        let shared = Arc::new(Shared { awake, ..Shared::new(worker.clone(), limits.clone(), sources) });
        let mut first = Some(lane::start(&shared).await?).filter(|_| !sleeps);
        let workers = shared.state().limits.workers;
        for lane in 0..workers {
            tokio::spawn(lane::run(Arc::clone(&shared), lane, first.take()));
        }
        tokio::spawn(watch::run(Arc::clone(&shared)));
        if !sleeps {
            shared.up.notified().await;
        }
        Ok(Self { shared })
    }

    /// Books a call of the crew's script `script`; the end on which its answer arrives, or the outcome if there will be none.
    pub(super) fn submit(&self, script: usize, input: &Input) -> Result<oneshot::Receiver<Outcome>, Outcome> {
        let shared = &self.shared;
        let (Some(connector), Some(compiled)) = (shared.connectors.get(script), shared.compiled.get(script)) else {
            return Err(Outcome::BadResult { what: "there is no such script".to_owned() });
        };
        // The frame is made before the books are locked: it copies the whole input.
        let (job, answer) = Job::new(ScriptId(*compiled), script, *connector, input);
        let mut state = shared.state();
        state.stats.calls += 1;
        let Ok(todo) = state.admit(job) else {
            state.stats.overloaded += 1;
            return Err(Outcome::Overloaded);
        };
        shared.after(state, &todo);
        shared.wake_watchdog();
        Ok(answer)
    }
}

impl Crew {
    /// From now on its workers start when a call waits and end when they were idle for `idle`.
    pub(super) fn rest(&self, idle: Duration) {
        let mut state = self.shared.state();
        state.limits.retire_idle = idle.min(state.limits.retire_idle);
        self.shared.resting.store(true, Ordering::Release);
        drop(state);
        self.shared.watch_wake.notify_one();
    }
}

impl Drop for Crew {
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
        self.shared.wanted.notify_waiters();
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
        let mut numbers: HashMap<(Kind, &str), u32> = HashMap::new();
        let mut texts: Vec<(Kind, String)> = Vec::new();
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
            awake: None,
            resting: AtomicBool::new(false),
            wanted: Notify::new(),
            sources,
        }
    }

    /// The first source whose text has this number in a worker.
    pub(super) fn first_with(&self, number: u32) -> Option<&Source> {
        self.compiled.iter().position(|compiled| *compiled == number).and_then(|at| self.sources.get(at))
    }

    /// A worker said what holds it in.
    pub(super) fn held_by(&self, sandbox: Sandbox) {
        let mut all = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
        *all = Some(all.map_or(sandbox, |all| all.and(sandbox)));
    }

    /// What holds every worker in that was started so far.
    pub(super) fn sandbox(&self) -> Option<Sandbox> {
        *self.sandbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The books. No code panics while it holds them; if one did, they are still in order.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Releases the books and does what the change asks for.
    pub(super) fn after(self: &Arc<Self>, state: MutexGuard<'_, State>, todo: &Todo) {
        let lanes = state.limits.workers..state.lanes.len();
        let waits = self.sleeps() && state.has_waiting();
        drop(state);
        for lane in &todo.wake {
            self.writers[*lane].notify_one();
        }
        if waits {
            self.wanted.notify_waiters();
        }
        if todo.isolation && !self.isolation.swap(true, Ordering::AcqRel) {
            for lane in lanes {
                tokio::spawn(lane::run(Arc::clone(self), lane, None));
            }
        }
    }

    /// Waits until the crew wants a worker on `lane`, which for one that does not sleep is always. The place that the worker
    /// takes among those that are awake goes with it; `Err` when the crew closes.
    pub(super) async fn until_wanted(&self, lane: usize) -> Result<Option<OwnedSemaphorePermit>, ()> {
        if !self.sleeps() {
            return Ok(None);
        }
        loop {
            let wanted = self.wanted.notified();
            let mut wanted = std::pin::pin!(wanted);
            // From here on nothing is missed, whatever changes before it is waited for.
            wanted.as_mut().enable();
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
            wanted.await;
        }
        let Some(awake) = &self.awake else { return Ok(None) };
        let isolated = self.state().isolated(lane);
        let places = if isolated { &awake.isolated } else { &awake.ordinary };
        // Nobody closes the places.
        Arc::clone(places).acquire_owned().await.map(Some).map_err(drop)
    }

    /// Whether its workers are to give way: they sleep, and others wait for a place.
    pub(super) fn is_crowded(&self) -> bool {
        self.awake.as_ref().is_some_and(|awake| awake.ordinary.available_permits() == 0)
    }

    pub(super) fn sleeps(&self) -> bool {
        self.awake.is_some() || self.resting.load(Ordering::Acquire)
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
