//! Tests from outside, in process: one binary, a topic a file.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod codings;
mod egress;
mod faults;
mod support;
mod tls;
mod transport;
