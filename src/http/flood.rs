//! Bounds what an HTTP/2 caller sends beside its requests, by the bytes as they come.
//!
//! Each SETTINGS and PING frame wants an answer, each WINDOW_UPDATE and PRIORITY frame work, and RFC 9113 bounds none of them. A
//! caller that sends them without end costs a core and shows as an open connection that does nothing. So they are paid from
//! a credit that requests and time refill. Other floods (resets, continuations, empty DATA) are bounded by the h2 crate.

use tokio::time::Instant;

/// Credit of a new connection, and the most it can hold.
const MAX_CREDIT: u64 = 1000;

/// Credit for one request: flow control of its reply, a ping, a reset.
const PER_REQUEST: u64 = 20;

/// Credit for a second. Clients ping every few seconds.
const PER_SECOND: u64 = 20;

/// RFC 9113 section 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes of a frame's header (RFC 9113 section 4.1).
const HEADER: usize = 9;

/// One connection.
#[derive(Debug)]
pub(super) struct FloodGuard {
    at: At,
    credit: u64,
    filled: Instant,
}

/// What the next byte belongs to.
#[derive(Debug)]
enum At {
    /// The preface, with the number of bytes that have come.
    Preface(usize),
    /// A frame's header, with the number of bytes that have come.
    Header(usize, [u8; HEADER]),
    /// A frame's payload, with the number of bytes still to come.
    Payload(usize),
    /// This is HTTP/1.1.
    Other,
}

impl FloodGuard {
    pub(super) fn new(now: Instant) -> Self {
        Self { at: At::Preface(0), credit: MAX_CREDIT, filled: now }
    }

    /// Takes the next bytes of the stream; false when the credit is used up.
    pub(super) fn accepts(&mut self, mut bytes: &[u8], now: impl Fn() -> Instant) -> bool {
        while let Some(&first) = bytes.first() {
            match &mut self.at {
                At::Other => return true,
                At::Preface(have) => {
                    if PREFACE.get(*have) != Some(&first) {
                        self.at = At::Other;
                        return true;
                    }
                    *have += 1;
                    if *have == PREFACE.len() {
                        self.at = At::Header(0, [0; HEADER]);
                    }
                    bytes = &bytes[1..];
                }
                At::Header(have, header) => {
                    header[*have] = first;
                    *have += 1;
                    bytes = &bytes[1..];
                    if *have == HEADER {
                        let header = *header;
                        self.at = At::Payload(length(header));
                        if !self.charge_frame(header, &now) {
                            return false;
                        }
                    }
                }
                At::Payload(left) => {
                    let part = bytes.len().min(*left);
                    *left -= part;
                    bytes = &bytes[part..];
                }
            }
            if matches!(self.at, At::Payload(0)) {
                self.at = At::Header(0, [0; HEADER]);
            }
        }
        true
    }

    fn charge_frame(&mut self, header: [u8; HEADER], now: impl Fn() -> Instant) -> bool {
        const DATA: u8 = 0;
        const HEADERS: u8 = 1;
        const CONTINUATION: u8 = 9;
        match header[3] {
            HEADERS => self.credit = MAX_CREDIT.min(self.credit + PER_REQUEST),
            DATA | CONTINUATION => {}
            _ => {
                if self.credit == 0 {
                    let now = now();
                    let seconds = now.saturating_duration_since(self.filled).as_secs();
                    self.credit = MAX_CREDIT.min(seconds * PER_SECOND);
                    self.filled = now;
                }
                let Some(left) = self.credit.checked_sub(1) else { return false };
                self.credit = left;
            }
        }
        true
    }
}

fn length(header: [u8; HEADER]) -> usize {
    header[..3].iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, 0, 0, 0, 0, 1], payload].concat()
    }

    /// Whether `bytes` pass, whatever pieces they come in.
    fn passes(bytes: &[u8], piece: usize) -> bool {
        let now = Instant::now();
        let mut guard = FloodGuard::new(now);
        bytes.chunks(piece).all(|piece| guard.accepts(piece, || now))
    }

    #[test]
    fn floods_end_and_requests_do_not() {
        let h2 = |frames: &[u8], times: usize| [PREFACE, &frames.repeat(times)].concat();
        let (settings, ping) = (frame(4, &[]), frame(6, &[0; 8]));
        let (window, priority) = (frame(8, &[0, 0, 0, 1]), frame(2, &[0; 5]));
        let request = [frame(1, &[7; 60]), frame(0, &[7; 300]), window.repeat(3), ping.clone()].concat();
        for piece in [1, 7, 9, 1000, usize::MAX] {
            for flood in [&settings, &ping, &window, &priority, &frame(200, b"unknown")] {
                assert!(passes(&h2(flood, 1000), piece));
                assert!(!passes(&h2(flood, 1001), piece));
            }
            assert!(passes(&h2(&request, 5000), piece), "requests with what belongs to them");
            assert!(passes(&b"GET / HTTP/1.1\r\n\r\n".repeat(5000), piece));
            assert!(passes(&[b"PRI", &settings.repeat(5000)[..]].concat(), piece), "no HTTP/2: hyper refuses it");
        }
    }

    #[test]
    fn a_ping_a_second_is_for_ever() {
        let start = Instant::now();
        let mut guard = FloodGuard::new(start);
        assert!(guard.accepts(PREFACE, || start));
        for second in 0..100_000 {
            assert!(guard.accepts(&frame(6, &[0; 8]), || start + Duration::from_secs(second)));
        }
    }
}
