//! Logins of the last minutes, to be explained: a ring with bounds for its entries, its bytes and its age.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::audit::LoginRecord;

/// A minute of a busy daemon.
const MAX_LOGINS: usize = 8192;

/// About a kilobyte each.
const MAX_BYTES: usize = 8 << 20;

const MAX_AGE: Duration = Duration::from_mins(15);

/// The ring.
pub(super) struct RecentLogins {
    ring: Mutex<Ring>,
    /// One search of the trail at a time: each costs a disk and a core.
    pub(super) searches: Semaphore,
}

#[derive(Default)]
struct Ring {
    logins: VecDeque<RecentLogin>,
    bytes: usize,
}

struct RecentLogin {
    at: Instant,
    bytes: usize,
    request_id: String,
    record: LoginRecord,
}

impl Default for RecentLogins {
    fn default() -> Self {
        Self { ring: Mutex::default(), searches: Semaphore::new(1) }
    }
}

impl RecentLogins {
    pub(super) fn add(&self, request_id: &str, record: LoginRecord, now: Instant) {
        let bytes = record.bytes() + request_id.len();
        // Nothing panics under the lock.
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.bytes += bytes;
        ring.logins.push_back(RecentLogin { at: now, bytes, request_id: request_id.to_owned(), record });
        while ring
            .logins
            .front()
            .is_some_and(|oldest| ring.logins.len() > MAX_LOGINS || ring.bytes > MAX_BYTES || now - oldest.at > MAX_AGE)
        {
            let oldest = ring.logins.pop_front();
            ring.bytes -= oldest.map_or(0, |oldest| oldest.bytes);
        }
    }

    pub(super) fn find(&self, request_id: &str, now: Instant) -> Vec<LoginRecord> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = ring.logins.iter().filter(|it| it.request_id == request_id && now - it.at <= MAX_AGE);
        of_it.map(|it| it.record.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(explain: &str) -> LoginRecord {
        LoginRecord {
            time: String::new(),
            connector: "demo".to_owned(),
            revision: String::new(),
            verdict: "accept".to_owned(),
            reason: None,
            cause: None,
            explain: explain.to_owned(),
            steps: Vec::new(),
            credential_sends: 0,
            ms: 0,
            test: false,
        }
    }

    #[test]
    fn the_ring_is_bounded_by_number_bytes_and_age() {
        let (recent, now) = (RecentLogins::default(), Instant::now());
        for number in 0..2 * MAX_LOGINS {
            recent.add(&number.to_string(), record(""), now);
        }
        assert_eq!(recent.ring.lock().unwrap().logins.len(), MAX_LOGINS);
        assert!(recent.find("0", now).is_empty() && recent.find(&MAX_LOGINS.to_string(), now).len() == 1);
        for _ in 0..20 {
            recent.add("long", record(&"x".repeat(1 << 20)), now);
        }
        assert!((1..=8).contains(&recent.find("long", now).len()));
        assert!(recent.ring.lock().unwrap().bytes <= MAX_BYTES);
        let later = now + MAX_AGE + Duration::from_secs(1);
        assert!(recent.find("long", later).is_empty(), "too old");
        recent.add("new", record(""), later);
        assert_eq!(recent.ring.lock().unwrap().logins.len(), 1);
    }
}
