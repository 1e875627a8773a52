//! The clock and the source of randomness, handed in by argument so that golden tests can fix both.

/// Where a login gets the time and its random values.
pub trait Ambient: Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn unix_ms(&self) -> u64;
    /// Fills `bytes` with unpredictable ones.
    fn fill(&self, bytes: &mut [u8]);
}

/// The system's clock and the kernel's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Ambient for System {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
    fn unix_ms(&self) -> u64 {
        // A clock before 1970 gives 0: time stamps are then wrong, which an upstream refuses; nothing here grants by
        // time.
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn fill(&self, bytes: &mut [u8]) {
        // The kernel's generator fails only before it is seeded. Without randomness challenge ids could be guessed.
        getrandom::fill(bytes).expect("the kernel gives random bytes");
    }
}
