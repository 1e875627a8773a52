//! The one integration binary: tests from outside, a topic a file.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod diagnostics;
mod golden;
mod schema;
