//! The pool's books: who waits, who runs where, which script is in quarantine. One mutex guards them; nothing waits
//! while it is held.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::super::outcome::{Budget, Outcome};
use super::job::Job;
use super::limits::{Limits, Stats};
use super::live::Live;

/// A call that takes longer is waited for by those behind it, of whatever connector. A worker gets no second one of its
/// connector meanwhile: nothing is won by having it there, and four calls of 240 ms would be a second for a neighbour.
pub(super) const SLOW: Duration = Duration::from_millis(20);

/// What is known of one script.
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

/// A lane: a place for one worker, which is replaced when it ends.
#[derive(Default)]
pub(super) struct Lane {
    pub live: Option<Live>,
    /// A worker is on its way. Kept of crews that sleep.
    pub starting: bool,
}

/// Waiting calls of one connector.
#[derive(Default)]
struct Line {
    waiting: VecDeque<Job>,
    held: usize,
    /// Whether the connector stands in `turns`.
    turn: bool,
}

pub(super) struct State {
    pub limits: Limits,
    pub scripts: Vec<Script>,
    /// Ordinary lanes first, then the isolation lanes.
    pub lanes: Vec<Lane>,
    lines: Vec<Line>,
    /// Connectors with waiting calls, in the order of their turns.
    turns: VecDeque<usize>,
    waiting: usize,
    apart: VecDeque<Job>,
    apart_busy: HashSet<usize>,
    apart_waiting: HashMap<usize, usize>,
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
            lines: (0..connectors).map(|_| Line::default()).collect(),
            turns: VecDeque::new(),
            waiting: 0,
            apart: VecDeque::new(),
            apart_busy: HashSet::new(),
            apart_waiting: HashMap::new(),
            stats: Stats::default(),
            closing: false,
        }
    }

    /// Accepts a call or gives it back: no room, or the pool is closing.
    pub(super) fn admit(&mut self, job: Job) -> Result<Todo, Job> {
        if self.closing {
            return Err(job);
        }
        let mut todo = Todo::default();
        if self.scripts[job.script].quarantined(Instant::now()) {
            let full =
                |it: &Self| it.apart_waiting.get(&job.connector).is_some_and(|waiting| *waiting >= it.limits.depth);
            if full(self) {
                self.forget_abandoned();
                if full(self) {
                    return Err(job);
                }
            }
            self.set_apart(job);
        } else {
            let full = |it: &Self| {
                it.waiting >= it.limits.queue || it.lines[job.connector].waiting.len() >= (it.limits.queue / 2).max(1)
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
        self.waiting > 0 || !self.apart.is_empty()
    }

    /// Whether a lane that sleeps is to get a worker: more calls wait than workers are on their way.
    pub(super) fn wants(&self, lane: usize) -> bool {
        let (lanes, waiting) = if self.isolated(lane) {
            (&self.lanes[self.limits.workers..], self.apart.len())
        } else {
            (&self.lanes[..self.limits.workers], self.waiting)
        };
        waiting > lanes.iter().filter(|lane| lane.starting).count()
    }

    fn enqueue(&mut self, job: Job) {
        let connector = job.connector;
        let line = &mut self.lines[connector];
        line.waiting.push_back(job);
        self.waiting += 1;
        if !line.turn {
            line.turn = true;
            self.turns.push_back(connector);
        }
    }

    /// Puts a call on the isolation lane.
    pub(super) fn set_apart(&mut self, job: Job) {
        *self.apart_waiting.entry(job.connector).or_default() += 1;
        self.apart.push_back(job);
    }

    /// Gives free slots to waiting calls, connector by connector.
    pub(super) fn dispatch(&mut self, todo: &mut Todo) {
        let cap = self.limits.per_connector();
        let mut skipped = 0;
        while skipped < self.turns.len() {
            if self.free_lane(None).is_none() {
                break;
            }
            let Some(connector) = self.turns.pop_front() else { break };
            let line = &mut self.lines[connector];
            while line.waiting.front().is_some_and(Job::abandoned) {
                line.waiting.pop_front();
                self.waiting -= 1;
            }
            let Some(next) = line.waiting.front() else {
                line.turn = false;
                continue;
            };
            self.turns.push_back(connector);
            let (script, full) = (next.script, line.held >= cap);
            let lane = self.free_lane(self.scripts[script].slow.then_some(connector)).filter(|_| !full);
            let Some(free) = lane else {
                skipped += 1;
                continue;
            };
            skipped = 0;
            let line = &mut self.lines[connector];
            line.held += 1;
            self.waiting -= 1;
            if let Some(job) = line.waiting.pop_front() {
                self.send(free, job, todo);
            }
        }
        self.dispatch_apart(todo);
    }

    /// Gives free isolation lanes to the calls set apart, one call of a connector at a time.
    fn dispatch_apart(&mut self, todo: &mut Todo) {
        while let Some(at) = self.next_apart() {
            let lane = (self.limits.workers..self.lanes.len()).find(|lane| {
                self.lanes[*lane].live.as_ref().is_some_and(|live| live.flying.is_empty() && usable(live))
            });
            let Some(lane) = lane else {
                todo.isolation = true;
                return;
            };
            if let Some(job) = self.take_apart(at) {
                self.apart_busy.insert(job.connector);
                self.send(lane, job, todo);
            }
        }
    }

    /// The place of the call set apart that is next. Those of scripts that never killed a worker go first: they are the
    /// neighbours of such a script and must not wait until it has spent the budget of each of its calls.
    fn next_apart(&mut self) -> Option<usize> {
        while let Some(at) = self.apart.iter().position(Job::abandoned) {
            self.take_apart(at);
        }
        let free = |job: &&Job| !self.apart_busy.contains(&job.connector);
        let innocent = |job: &&Job| self.scripts[job.script].kills.is_empty();
        let place = |wanted: &dyn Fn(&&Job) -> bool| self.apart.iter().position(|job| wanted(&job));
        place(&|job| free(job) && innocent(job)).or_else(|| place(&free))
    }

    fn take_apart(&mut self, at: usize) -> Option<Job> {
        let job = self.apart.remove(at)?;
        if let Some(count) = self.apart_waiting.get_mut(&job.connector) {
            *count -= 1;
            if *count == 0 {
                self.apart_waiting.remove(&job.connector);
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

    /// The ordinary lane with the fewest calls in flight, if one has room; one without a call of `apart_from`.
    fn free_lane(&self, apart_from: Option<usize>) -> Option<usize> {
        let lanes = self.lanes[..self.limits.workers].iter().enumerate();
        let free = lanes.filter_map(|(lane, it)| {
            let worker = it.live.as_ref().filter(|worker| usable(worker))?;
            let calls = worker.flying.len();
            let apart = worker.flying.iter().all(|it| Some(it.job.connector) != apart_from);
            (calls < self.limits.depth && apart).then_some((calls, lane))
        });
        free.min().map(|(_, lane)| lane)
    }

    /// A call left its lane, answered or not: its connector has a slot again.
    pub(super) fn release(&mut self, lane: usize, connector: usize) {
        if self.isolated(lane) {
            self.apart_busy.remove(&connector);
        } else {
            self.lines[connector].held = self.lines[connector].held.saturating_sub(1);
        }
    }

    pub(super) fn isolated(&self, lane: usize) -> bool {
        lane >= self.limits.workers
    }

    /// Books a kill against a script; too many within a time put it in quarantine.
    pub(super) fn blame(&mut self, script: usize) {
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
            // No more are needed than those that keep it there.
            script.kills.truncate(rule.kills);
        }
    }

    /// Counts and delivers an outcome.
    pub(super) fn finish(&mut self, job: Job, outcome: Outcome) {
        let stats = &mut self.stats;
        match &outcome {
            Outcome::Value(_) => stats.values += 1,
            Outcome::Rejected { .. } => stats.rejected += 1,
            Outcome::Threw { .. } => stats.threw += 1,
            Outcome::BadResult { .. } => stats.bad_results += 1,
            Outcome::Killed { by: Budget::Cpu } => stats.killed_cpu += 1,
            Outcome::Killed { by: Budget::Wall } => stats.killed_wall += 1,
            Outcome::Killed { by: Budget::Memory } => stats.killed_memory += 1,
            Outcome::Killed { by: Budget::Crash } => stats.crashed += 1,
            Outcome::Overloaded => stats.overloaded += 1,
            Outcome::TimedOut => stats.timed_out += 1,
        }
        job.finish(outcome);
    }

    /// Drops waiting calls whose callers have gone, before a full queue turns anybody away.
    fn forget_abandoned(&mut self) {
        for line in &mut self.lines {
            let before = line.waiting.len();
            line.waiting.retain(|job| !job.abandoned());
            self.waiting -= before - line.waiting.len();
        }
        let mut at = 0;
        while at < self.apart.len() {
            if self.apart[at].abandoned() {
                self.take_apart(at);
            } else {
                at += 1;
            }
        }
    }

    pub(super) fn snapshot(&self) -> Stats {
        let in_flight = self.lanes.iter().filter_map(|lane| lane.live.as_ref()).map(|live| live.flying.len()).sum();
        Stats { in_flight, waiting: self.waiting + self.apart.len(), ..self.stats }
    }
}

fn usable(live: &Live) -> bool {
    !live.retiring && live.condemned.is_none()
}

#[cfg(test)]
#[path = "state/tests.rs"]
mod tests;
