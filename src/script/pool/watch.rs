//! The watchdog of a crew: kills a worker whose oldest call exceeds its CPU or wall time, and retires idle or large
//! ones.
//!
//! A call's CPU time is measured only if it is still the oldest at a second look, so a pool that makes progress costs
//! no reads of /proc.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::super::outcome::Budget;
use super::Shared;
use super::limits::Limits;
use super::live::{KillCause, Live};
use super::state::State;

/// Between two looks. A call exceeds its CPU budget by two of these at most.
const TICK: Duration = Duration::from_millis(20);

/// Looks without a call in flight before the watchdog pauses: one second, so that a login now and then need not wake
/// it.
const IDLE_TICKS: u32 = 50;

/// Calls between two measurements of a worker's memory.
const MEMORY_EVERY: u64 = 256;

/// A slow call counts as this many towards [`MEMORY_EVERY`], because it may have allocated much. Not as all of them: a
/// script that always allocates much would have its worker replaced each time.
pub(super) const SLOW_CALL_COUNTS: u64 = 16;

/// Runs until the pool is gone.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut idle = 0;
    loop {
        ticks.tick().await;
        let (busy, gone) = look(&shared);
        if gone {
            return;
        }
        idle = if busy { 0 } else { idle + 1 };
        if idle > IDLE_TICKS {
            shared.watchdog_sleeps(true);
            // A call that came before the line above did not wake the watchdog, so look once more.
            let (busy, gone) = look(&shared);
            if !busy && !gone {
                shared.watch_wake.notified().await;
            }
            shared.watchdog_sleeps(false);
            idle = 0;
            ticks.reset();
        }
    }
}

/// One look at every worker. Returns whether a worker has calls or is still to be retired, and whether the pool is
/// closed and empty.
fn look(shared: &Shared) -> (bool, bool) {
    let mut state = shared.state();
    let limits = state.limits.clone();
    // A call that waits will soon be in flight, and must be watched then.
    let mut busy = state.has_waiting();
    let mut alive = false;
    let mut ordinary_missing = state.lanes[..limits.workers].iter().any(|lane| lane.live.is_none());
    let idle_for = if shared.is_crowded() { TICK } else { limits.retire_idle };
    let mut lingers = false;
    let State { lanes, stats, .. } = &mut *state;
    for (index, (lane, writer)) in lanes.iter_mut().zip(&shared.writers).enumerate() {
        let Some(live) = lane.live.as_mut() else { continue };
        alive = true;
        busy |= !live.in_flight.is_empty();
        check_time(live, &limits);
        check_memory(live, &limits);
        // One ordinary worker at a time, so that a new call finds another. An on-demand crew may retire all of them.
        let may_go = shared.is_on_demand() || index >= limits.workers || limits.workers == 1 || !ordinary_missing;
        let used = live.served > 0 || shared.is_on_demand();
        lingers |= used;
        if used && may_go && live.in_flight.is_empty() && live.head_since.elapsed() >= idle_for {
            live.retiring = true;
            ordinary_missing |= index < limits.workers;
        }
        if live.retiring && live.in_flight.is_empty() {
            // It gets no more calls, so its lane would wait for an answer for ever. This closes its stdin and ends it.
            lane.live = None;
            stats.retired += 1;
            writer.notify_one();
        }
    }
    (busy || lingers, state.closing && !alive)
}

fn check_time(live: &mut Live, limits: &Limits) {
    if live.kill_cause.is_some() {
        return;
    }
    let Some(head) = live.head() else {
        live.watch.number = None;
        return;
    };
    if live.watch.number != Some(head) {
        live.watch.number = Some(head);
        live.watch.cpu = None;
        return;
    }
    let used = live.usage.cpu_time();
    let Some(before) = live.watch.cpu else {
        live.watch.cpu = used.or(Some(Duration::ZERO));
        return;
    };
    let budget = if used.is_some_and(|used| used.saturating_sub(before) > limits.cpu) {
        Budget::Cpu
    } else if Instant::now().duration_since(live.head_since) > limits.wall {
        Budget::Wall
    } else {
        return;
    };
    live.kill_cause = Some(KillCause { call: head, budget });
    live.kill();
}

/// Retires a worker that grew too large. The limit is relative to its size at the start: a generation may have many
/// scripts.
fn check_memory(live: &mut Live, limits: &Limits) {
    if live.watch.resident_at_start.is_some() && live.watch.calls < MEMORY_EVERY {
        return;
    }
    live.watch.calls = 0;
    let Some(resident) = live.usage.resident() else { return };
    let start = *live.watch.resident_at_start.get_or_insert(resident);
    live.retiring |= resident > limits.retire_memory.max(start + start / 2);
}

#[cfg(test)]
#[path = "watch/tests.rs"]
mod tests;
