//! One binary for all tests from outside.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod architecture;
mod codings;
mod diagnostics;
mod egress;
mod faults;
mod golden;
mod json_suite;
mod jsonpath_suite;
mod made_up;
mod places;
mod replies;
mod schema;
mod script_calls;
mod script_poison;
mod server;
mod shipped;
mod support;
mod tls;
mod transport;
