//! Decides when to run the garbage collector.
//!
//! The engine's collector counts objects, but not the texts, buffers and compiled patterns that they own. By its count
//! alone a worker would hold tens of MiB of dead passwords and patterns, and a call could hit the memory limit because
//! of earlier calls. The garbage of a call cannot be measured from outside, but its input and its running time bound
//! it.

use std::time::{Duration, Instant};

/// Bytes of input that trigger a collection: 256 KiB of JSON are several MiB of objects.
const INPUT: usize = 256 * 1024;

/// Running time of scripts that triggers a collection: enough to fill half of a worker's memory. A collection takes 0.1
/// ms.
const WORK: Duration = Duration::from_millis(4);

/// Input and running time since the last collection.
#[derive(Default)]
pub(super) struct Garbage {
    input: usize,
    work: Duration,
}

impl Garbage {
    /// Counts a call that started at `begun`, and collects if a limit is reached.
    pub(super) fn count(&mut self, input: usize, begun: Instant) {
        self.input += input;
        self.work += begun.elapsed();
        if self.input > INPUT || self.work > WORK {
            boa_engine::gc::force_collect();
            *self = Self::default();
        }
    }
}
