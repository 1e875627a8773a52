//! Durations as the whole seconds that HTTP and the API's bodies have.

use std::time::Duration;

/// Rounded up: a caller that waits that long is not early (RFC 9110 section 10.2.3 knows whole seconds only).
pub(in crate::api) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
