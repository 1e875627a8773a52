//! One binary for all tests from outside.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod architecture;
mod json_suite;
mod jsonpath_suite;
mod made_up;
mod replies;
mod server;
mod support;
