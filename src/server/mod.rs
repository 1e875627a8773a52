//! The console API (DESIGN.md section 5): router, one file an endpoint, and the one place that picks statuses.
//!
//! It knows connectors only through the traits of [`connectors`], so that every endpoint can be tested with made-up
//! ones. Nothing here decides who may log in; it carries questions in and verdicts out.

mod authenticate;
mod body;
mod callers;
pub mod connectors;
mod health;
mod login;
mod problem;
pub mod reply;
mod router;

pub use callers::Callers;
pub use problem::Problem;
pub use router::{App, router};
