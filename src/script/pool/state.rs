//! The state of a crew: which calls wait, which worker runs which, which script is in quarantine. One mutex guards it,
//! and the code that holds the lock never blocks.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::super::outcome::{Budget, CallOutcome};
use super::job::Job;
use super::limits::{Limits, Stats};
use super::live::Live;

/// A script whose last call took longer than this is *slow*. A worker runs its calls in order, so a slow call delays
/// those of other connectors behind it: a worker has at most one call in flight of a connector with a slow script. Four
/// calls of 240 ms would delay another connector by a second.
pub(super) const SLOW: Duration = Duration::from_millis(20);

/// What the pool knows of one script.
pub(super) struct Script {
    pub file_line: u32,
    pub indent: u32,
    /// Its last call kept a worker for longer than [`SLOW`].
    pub slow: bool,
    kills: VecDeque<Instant>,
    quarantined_until: Option<Instant>,
}

impl Script {
    pub(super) fn new(file_line: u32, indent: u32) -> Self {
        Self { file_line, indent, slow: false, kills: VecDeque::new(), quarantined_until: None }
    }

    fn quarantined(&self, now: Instant) -> bool {
        self.quarantined_until.is_some_and(|until| now < until)
    }
}

/// A lane has one worker at a time, which is replaced when it ends.
#[derive(Default)]
pub(super) struct Lane {
    pub live: Option<Live>,
    /// A worker is being started. Set for on-demand crews only.
    pub starting: bool,
}

/// Waiting calls of one connector.
#[derive(Default)]
struct ConnectorQueue {
    waiting: VecDeque<Job>,
    held: usize,
    /// Whether the connector is in [`State::rotation`].
    in_rotation: bool,
}

pub(super) struct State {
    pub limits: Limits,
    pub scripts: Vec<Script>,
    /// Ordinary lanes first, then the isolation lanes.
    pub lanes: Vec<Lane>,
    queues: Vec<ConnectorQueue>,
    /// Connectors with waiting calls, in the order in which each gets its next slot (round robin).
    rotation: VecDeque<usize>,
    waiting: usize,
    /// Calls that must run alone on a worker: of scripts in quarantine, and those to repeat after a worker died.
    isolation_queue: VecDeque<Job>,
    isolation_busy: HashSet<usize>,
    isolation_waiting: HashMap<usize, usize>,
    pub stats: Stats,
    pub closing: bool,
}

/// What the caller of a state change must do when the lock is free again.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Todo {
    /// Lanes whose writer must be woken.
    pub wake: Vec<usize>,
    /// Isolation lanes are needed.
    pub isolation: bool,
}

impl State {
    pub(super) fn new(limits: Limits, scripts: Vec<Script>, connectors: usize) -> Self {
        let lanes = (0..limits.workers + limits.isolation).map(|_| Lane::default()).collect();
        Self {
            limits,
            scripts,
            lanes,
            queues: (0..connectors).map(|_| ConnectorQueue::default()).collect(),
            rotation: VecDeque::new(),
            waiting: 0,
            isolation_queue: VecDeque::new(),
            isolation_busy: HashSet::new(),
            isolation_waiting: HashMap::new(),
            stats: Stats::default(),
            closing: false,
        }
    }

    /// Queues a call; gives it back when the queue is full or the pool is closing.
    pub(super) fn admit(&mut self, job: Job) -> Result<Todo, Job> {
        if self.closing {
            return Err(job);
        }
        let mut todo = Todo::default();
        if self.scripts[job.script].quarantined(Instant::now()) {
            let full =
                |it: &Self| it.isolation_waiting.get(&job.connector).is_some_and(|waiting| *waiting >= it.limits.depth);
            if full(self) {
                self.forget_abandoned();
                if full(self) {
                    return Err(job);
                }
            }
            self.isolate(job);
        } else {
            let full = |it: &Self| {
                it.waiting >= it.limits.queue || it.queues[job.connector].waiting.len() >= (it.limits.queue / 2).max(1)
            };
            if full(self) {
                self.forget_abandoned();
                if full(self) {
                    return Err(job);
                }
            }
            self.enqueue(job);
        }
        self.dispatch(&mut todo);
        Ok(todo)
    }

    /// Whether a call waits for a worker.
    pub(super) fn has_waiting(&self) -> bool {
        self.waiting > 0 || !self.isolation_queue.is_empty()
    }

    /// Whether a lane of an on-demand crew should start a worker: more calls wait than workers are being started.
    pub(super) fn wants(&self, lane: usize) -> bool {
        let (lanes, waiting) = if self.isolated(lane) {
            (&self.lanes[self.limits.workers..], self.isolation_queue.len())
        } else {
            (&self.lanes[..self.limits.workers], self.waiting)
        };
        waiting > lanes.iter().filter(|lane| lane.starting).count()
    }

    fn enqueue(&mut self, job: Job) {
        let connector = job.connector;
        let queue = &mut self.queues[connector];
        queue.waiting.push_back(job);
        self.waiting += 1;
        if !queue.in_rotation {
            queue.in_rotation = true;
            self.rotation.push_back(connector);
        }
    }

    pub(super) fn isolate(&mut self, job: Job) {
        *self.isolation_waiting.entry(job.connector).or_default() += 1;
        self.isolation_queue.push_back(job);
    }

    /// Gives free slots to waiting calls, connector by connector.
    pub(super) fn dispatch(&mut self, todo: &mut Todo) {
        let cap = self.limits.per_connector();
        let mut skipped = 0;
        while skipped < self.rotation.len() {
            if self.free_lane(None).is_none() {
                break;
            }
            let Some(connector) = self.rotation.pop_front() else { break };
            let queue = &mut self.queues[connector];
            while queue.waiting.front().is_some_and(Job::abandoned) {
                queue.waiting.pop_front();
                self.waiting -= 1;
            }
            let Some(next) = queue.waiting.front() else {
                queue.in_rotation = false;
                continue;
            };
            self.rotation.push_back(connector);
            let (script, full) = (next.script, queue.held >= cap);
            let lane = self.free_lane(self.scripts[script].slow.then_some(connector)).filter(|_| !full);
            let Some(free) = lane else {
                skipped += 1;
                continue;
            };
            skipped = 0;
            let queue = &mut self.queues[connector];
            queue.held += 1;
            self.waiting -= 1;
            if let Some(job) = queue.waiting.pop_front() {
                self.send(free, job, todo);
            }
        }
        self.dispatch_isolated(todo);
    }

    /// Gives free isolation lanes to the calls in the isolation queue, one call of a connector at a time.
    fn dispatch_isolated(&mut self, todo: &mut Todo) {
        while let Some(at) = self.next_isolated() {
            let lane = (self.limits.workers..self.lanes.len()).find(|lane| {
                self.lanes[*lane].live.as_ref().is_some_and(|live| live.in_flight.is_empty() && usable(live))
            });
            let Some(lane) = lane else {
                todo.isolation = true;
                return;
            };
            if let Some(job) = self.take_isolated(at) {
                self.isolation_busy.insert(job.connector);
                self.send(lane, job, todo);
            }
        }
    }

    /// The index of the next call in the isolation queue. Calls of scripts that never killed a worker go first: they
    /// were in flight beside the culprit and must not wait until it has used up the budget of each of its own calls.
    fn next_isolated(&mut self) -> Option<usize> {
        while let Some(at) = self.isolation_queue.iter().position(Job::abandoned) {
            self.take_isolated(at);
        }
        let free = |job: &&Job| !self.isolation_busy.contains(&job.connector);
        let never_killed = |job: &&Job| self.scripts[job.script].kills.is_empty();
        let place = |accepts: &dyn Fn(&&Job) -> bool| self.isolation_queue.iter().position(|job| accepts(&job));
        place(&|job| free(job) && never_killed(job)).or_else(|| place(&free))
    }

    fn take_isolated(&mut self, at: usize) -> Option<Job> {
        let job = self.isolation_queue.remove(at)?;
        if let Some(count) = self.isolation_waiting.get_mut(&job.connector) {
            *count -= 1;
            if *count == 0 {
                self.isolation_waiting.remove(&job.connector);
            }
        }
        Some(job)
    }

    fn send(&mut self, lane: usize, job: Job, todo: &mut Todo) {
        if let Some(live) = self.lanes[lane].live.as_mut()
            && live.send(job)
        {
            todo.wake.push(lane);
        }
    }

    /// The ordinary lane with the fewest calls in flight that has room and no call of the connector `avoid`.
    fn free_lane(&self, avoid: Option<usize>) -> Option<usize> {
        let lanes = self.lanes[..self.limits.workers].iter().enumerate();
        let free = lanes.filter_map(|(lane, it)| {
            let worker = it.live.as_ref().filter(|worker| usable(worker))?;
            let calls = worker.in_flight.len();
            let allowed = worker.in_flight.iter().all(|it| Some(it.job.connector) != avoid);
            (calls < self.limits.depth && allowed).then_some((calls, lane))
        });
        free.min().map(|(_, lane)| lane)
    }

    /// A call left its lane, answered or not: its connector has a slot again.
    pub(super) fn release(&mut self, lane: usize, connector: usize) {
        if self.isolated(lane) {
            self.isolation_busy.remove(&connector);
        } else {
            self.queues[connector].held = self.queues[connector].held.saturating_sub(1);
        }
    }

    pub(super) fn isolated(&self, lane: usize) -> bool {
        lane >= self.limits.workers
    }

    /// Counts a killed worker for a script; too many within a time put it into quarantine.
    pub(super) fn record_kill(&mut self, script: usize) {
        let now = Instant::now();
        let rule = self.limits.quarantine;
        let script = &mut self.scripts[script];
        script.kills.push_back(now);
        while script.kills.front().is_some_and(|kill| now.duration_since(*kill) > rule.within) {
            script.kills.pop_front();
        }
        if script.kills.len() >= rule.kills {
            self.stats.quarantined += u64::from(!script.quarantined(now));
            script.quarantined_until = Some(now + rule.lasts);
            // Bounded: more entries would not change the decision.
            script.kills.truncate(rule.kills);
        }
    }

    /// Counts and delivers an outcome.
    pub(super) fn finish(&mut self, job: Job, outcome: CallOutcome) {
        let stats = &mut self.stats;
        match &outcome {
            CallOutcome::Value(_) => stats.values += 1,
            CallOutcome::Rejected { .. } => stats.rejected += 1,
            CallOutcome::Threw { .. } => stats.threw += 1,
            CallOutcome::BadResult { .. } => stats.bad_results += 1,
            CallOutcome::Killed { by: Budget::Cpu } => stats.killed_cpu += 1,
            CallOutcome::Killed { by: Budget::Wall } => stats.killed_wall += 1,
            CallOutcome::Killed { by: Budget::Memory } => stats.killed_memory += 1,
            CallOutcome::Killed { by: Budget::Crash } => stats.crashed += 1,
            CallOutcome::Overloaded => stats.overloaded += 1,
            CallOutcome::TimedOut => stats.timed_out += 1,
        }
        job.finish(outcome);
    }

    /// Drops waiting calls whose callers have gone, before a full queue refuses a new call.
    fn forget_abandoned(&mut self) {
        for queue in &mut self.queues {
            let before = queue.waiting.len();
            queue.waiting.retain(|job| !job.abandoned());
            self.waiting -= before - queue.waiting.len();
        }
        let mut at = 0;
        while at < self.isolation_queue.len() {
            if self.isolation_queue[at].abandoned() {
                self.take_isolated(at);
            } else {
                at += 1;
            }
        }
    }

    pub(super) fn snapshot(&self) -> Stats {
        let in_flight = self.lanes.iter().filter_map(|lane| lane.live.as_ref()).map(|live| live.in_flight.len()).sum();
        Stats { in_flight, waiting: self.waiting + self.isolation_queue.len(), ..self.stats }
    }
}

fn usable(live: &Live) -> bool {
    !live.retiring && live.kill_cause.is_none()
}

#[cfg(test)]
#[path = "state/tests.rs"]
mod tests;
