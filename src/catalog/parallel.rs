//! Computes on many files in parallel; not for work that blocks.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

/// Files for each thread at least: fewer are read fast enough by one.
const MIN_PER_THREAD: usize = 16;

/// Logins continue while connectors load.
const MAX_THREADS: usize = 8;

/// `work` on each of `items`, on several threads; the results in the order of the items. Blocks until all is done.
pub(super) fn parallel_map<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.min(MAX_THREADS).min(items.len() / MIN_PER_THREAD);
    if threads < 2 {
        return items.into_iter().map(work).collect();
    }
    let share = items.len().div_ceil(threads);
    let mut items = items.into_iter();
    thread::scope(|scope| {
        let start = |_| {
            let part: Vec<T> = items.by_ref().take(share).collect();
            scope.spawn(|| part.into_iter().map(&work).collect::<Vec<R>>())
        };
        let running: Vec<_> = (0..threads).map(start).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_has_its_result_in_order() {
        for count in [0, 1, MIN_PER_THREAD, 2 * MIN_PER_THREAD, 1001] {
            let doubled = parallel_map((0..count).collect(), |n| 2 * n);
            assert_eq!(doubled, (0..count).map(|n| 2 * n).collect::<Vec<_>>());
        }
    }

    #[test]
    #[should_panic(expected = "not this one")]
    fn a_panic_is_passed_on() {
        parallel_map((0..100).collect(), |n| assert_ne!(n, 73, "not this one"));
    }
}
