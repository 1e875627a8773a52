//! A fixed clock and reproducible random bytes, so that a case can expect signatures.

use std::sync::atomic::{AtomicU64, Ordering};

use super::difference::Difference;
use crate::clock::Ambient;
use crate::connector::raw::Text;

/// 2026-01-02T03:04:05Z: every digit of a date differs, so that swapped fields show.
const CLOCK: u64 = 1_767_323_045_000;

/// The time and the randomness of one case.
pub(super) struct Fixed {
    unix_ms: u64,
    drawn: AtomicU64,
}

impl Fixed {
    /// At the time of the case (RFC 3339), else at 2026-01-02T03:04:05Z.
    pub(super) fn at(clock: Option<&Text>) -> Result<Self, Difference> {
        let unix_ms = match clock {
            None => CLOCK,
            Some(text) => {
                let time = text.text.parse::<jiff::Timestamp>().ok();
                let time = time.and_then(|time| u64::try_from(time.as_millisecond()).ok());
                time.ok_or_else(|| {
                    Difference::new(&text.span, "the clock is no time").help("write it like 2026-01-02T03:04:05Z")
                })?
            }
        };
        Ok(Self { unix_ms, drawn: AtomicU64::new(0) })
    }
}

impl Ambient for Fixed {
    fn unix_ms(&self) -> u64 {
        self.unix_ms
    }

    /// The bytes 0, 1, 2 … of one stream: two values of a login differ, two runs do not.
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.drawn.fetch_add(1, Ordering::Relaxed).to_le_bytes()[0];
        }
    }
}
