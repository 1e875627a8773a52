//! When to collect what calls left behind.
//!
//! The engine's own collector counts objects and not what hangs on them: texts, buffers, compiled patterns. By its count
//! alone a worker would hold tens of MiB of dead passwords and patterns, and a call could meet the memory limit for what
//! others left. What a call leaves cannot be known from outside, but it had to be sent or computed: bytes of input and time
//! spent bound it.

use std::time::{Duration, Instant};

/// Input since the last collection. 256 KiB of JSON are several MiB of objects.
const INPUT: usize = 256 * 1024;

/// Time that scripts ran since the last collection, which itself takes 0.1 ms: enough to touch half of a worker's memory.
const WORK: Duration = Duration::from_millis(4);

/// What has been going on since the last collection.
#[derive(Default)]
pub(super) struct Garbage {
    input: usize,
    work: Duration,
}

impl Garbage {
    /// Counts a call that began at `begun` and has ended, and collects when enough has come together.
    pub(super) fn count(&mut self, input: usize, begun: Instant) {
        self.input += input;
        self.work += begun.elapsed();
        if self.input > INPUT || self.work > WORK {
            boa_engine::gc::force_collect();
            *self = Self::default();
        }
    }
}
