//! One binary for all tests from outside.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod architecture;
mod made_up;
mod places;
mod server;
