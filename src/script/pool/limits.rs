//! The limits of a pool and what it counts.

use std::time::Duration;

/// What one pool may use. The defaults are the contract's.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Worker processes for ordinary calls.
    pub workers: usize,
    /// Worker processes of the isolation lane, one call at a time each. They start when first needed.
    pub isolation: usize,
    /// Calls in flight on one worker: 37 µs of CPU a round trip at depth 1, 2.8 µs at depth 16, and 8 leaves at most
    /// seven other calls to repeat when a script kills the worker.
    pub depth: usize,
    /// CPU time of one call.
    pub cpu: Duration,
    /// Wall time of one call: bounds a call that blocks instead of computing.
    pub wall: Duration,
    /// Bytes of address space above the start of a worker.
    pub memory: u64,
    /// Calls that may wait for a slot, of all connectors; one connector may fill half of it.
    pub queue: usize,
    /// A worker is replaced after this many calls, as soon as it is idle.
    pub retire_calls: u64,
    /// A worker with this many resident bytes is replaced as soon as it is idle.
    pub retire_memory: u64,
    /// A worker that has served a call is replaced after being idle for this long: its memory still holds the
    /// credentials of its last calls, and ending the process is the only sure way to erase them.
    pub retire_idle: Duration,
    /// Bytes of JSON that a variables script may leave in `env`.
    pub env_bytes: usize,
    /// Bytes of JSON that a preprocess script may yield.
    pub result_bytes: usize,
    /// When a script runs on isolation lanes only.
    pub quarantine: Quarantine,
}

/// When a script that kills workers goes into quarantine: it then runs on isolation lanes only.
#[derive(Debug, Clone, Copy)]
pub struct Quarantine {
    /// This many killed workers …
    pub kills: usize,
    /// … within this time put a script into quarantine.
    pub within: Duration,
    /// How long the quarantine lasts after the last kill.
    pub lasts: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        /// Five minutes: long enough for an operator to look at it.
        const QUARANTINE: Quarantine =
            Quarantine { kills: 2, within: Duration::from_mins(1), lasts: Duration::from_mins(5) };
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            // Scripts are CPU time: more workers than cores only switch. Two at least, so that one may restart.
            workers: cores.clamp(2, 8),
            isolation: 2,
            depth: 8,
            cpu: Duration::from_millis(250),
            wall: Duration::from_secs(2),
            memory: 64 * 1024 * 1024,
            // A connector has at most 512 logins in flight or waiting, and may fill half.
            queue: 1024,
            retire_calls: 20_000,
            retire_memory: 40 * 1024 * 1024,
            // A start costs 20 ms, which an idle machine can spare; a worker of a busy one is never idle for this long.
            retire_idle: Duration::from_secs(5),
            env_bytes: 64 * 1024,
            result_bytes: 1024 * 1024,
            quarantine: QUARANTINE,
        }
    }
}

impl Limits {
    /// Slots of one connector: half of all, so that no connector can keep the others out.
    pub(super) fn per_connector(&self) -> usize {
        (self.workers * self.depth / 2).max(1)
    }
}

impl Stats {
    pub(super) fn plus(self, other: &Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            values: self.values + other.values,
            rejected: self.rejected + other.rejected,
            threw: self.threw + other.threw,
            bad_results: self.bad_results + other.bad_results,
            killed_cpu: self.killed_cpu + other.killed_cpu,
            killed_wall: self.killed_wall + other.killed_wall,
            killed_memory: self.killed_memory + other.killed_memory,
            crashed: self.crashed + other.crashed,
            overloaded: self.overloaded + other.overloaded,
            timed_out: self.timed_out + other.timed_out,
            repeated: self.repeated + other.repeated,
            workers_started: self.workers_started + other.workers_started,
            retired: self.retired + other.retired,
            quarantined: self.quarantined + other.quarantined,
            in_flight: self.in_flight + other.in_flight,
            waiting: self.waiting + other.waiting,
        }
    }
}

/// Counts since the pool started, and two gauges. For metrics: numbers only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    pub calls: u64,
    /// Calls that yielded a value.
    pub values: u64,
    /// Calls that rejected the input.
    pub rejected: u64,
    pub threw: u64,
    /// Calls that left something that is not JSON.
    pub bad_results: u64,
    /// Calls killed for CPU time.
    pub killed_cpu: u64,
    /// Calls killed for wall time.
    pub killed_wall: u64,
    /// Calls that exhausted a worker's memory.
    pub killed_memory: u64,
    /// Calls that crashed a worker otherwise.
    pub crashed: u64,
    /// Calls refused because the queue was full.
    pub overloaded: u64,
    /// Calls whose deadline passed before they ended.
    pub timed_out: u64,
    /// Calls that ran a second time because another call killed their worker.
    pub repeated: u64,
    /// Workers started, replacements included.
    pub workers_started: u64,
    /// Workers replaced because of their age or size, or because they were idle.
    pub retired: u64,
    /// Times that a script entered quarantine.
    pub quarantined: u64,
    pub in_flight: usize,
    /// Calls that wait for a slot now.
    pub waiting: usize,
}
