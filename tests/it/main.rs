//! One binary for all tests from outside.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod accept;
mod made_up;
mod server;
