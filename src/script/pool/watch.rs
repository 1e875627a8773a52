//! Watches the clock for all workers of a pool: a call that used up its budget costs its worker.
//!
//! Only a call that is still the oldest on a second look is measured, so a busy pool that makes progress reads nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::super::outcome::Budget;
use super::Shared;
use super::limits::Limits;
use super::live::Live;
use super::state::State;

/// Between two looks. A call is over its CPU budget by two of these at most.
const TICK: Duration = Duration::from_millis(20);

/// Looks without any call in flight before the watchdog goes to sleep: one second, so that a login now and then does not
/// wake it each time.
const IDLE_TICKS: u32 = 50;

/// Calls between two looks at a worker's memory.
const MEMORY_EVERY: u64 = 256;

/// For how many a slow one counts, which may have needed much. Not for all: a script that always needs much would cost a
/// worker each time.
pub(super) const SLOW_COUNTS: u64 = 16;

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
            // A call that came before the line above did not wake anybody, so look once more.
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

/// One look at every worker: whether any has calls or has had some, and whether the pool is closed and empty.
fn look(shared: &Shared) -> (bool, bool) {
    let mut state = shared.state();
    let limits = state.limits.clone();
    // Who waits for a worker will be in one, and then the time counts.
    let mut busy = state.has_waiting();
    let mut alive = false;
    let mut ordinary_missing = state.lanes[..limits.workers].iter().any(|lane| lane.live.is_none());
    let idle_for = if shared.is_crowded() { TICK } else { limits.retire_idle };
    let mut lingers = false;
    let State { lanes, stats, .. } = &mut *state;
    for (index, (lane, writer)) in lanes.iter_mut().zip(&shared.writers).enumerate() {
        let Some(live) = lane.live.as_mut() else { continue };
        alive = true;
        busy |= !live.flying.is_empty();
        check_time(live, &limits);
        check_memory(live, &limits);
        // One at a time, so that a call that comes meanwhile finds another; a crew that sleeps has none at all then.
        let may_go = shared.sleeps() || index >= limits.workers || limits.workers == 1 || !ordinary_missing;
        let used = live.served > 0 || shared.sleeps();
        lingers |= used;
        if used && may_go && live.flying.is_empty() && live.head_since.elapsed() >= idle_for {
            live.retiring = true;
            ordinary_missing |= index < limits.workers;
        }
        if live.retiring && live.flying.is_empty() {
            // It gets no more calls, so no answer of it would let its lane see that it is to go. Its input ends here.
            lane.live = None;
            stats.retired += 1;
            writer.notify_one();
        }
    }
    (busy || lingers, state.closing && !alive)
}

fn check_time(live: &mut Live, limits: &Limits) {
    if live.condemned.is_some() {
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
    let by = if used.is_some_and(|used| used.saturating_sub(before) > limits.cpu) {
        Budget::Cpu
    } else if Instant::now().duration_since(live.head_since) > limits.wall {
        Budget::Wall
    } else {
        return;
    };
    live.condemned = Some((head, by));
    live.kill();
}

/// Marks a worker that grew too large. Its size at the start is no growth: a generation may have many scripts.
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
