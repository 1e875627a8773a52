//! The console API (docs/contract.md section 5): router, one file an endpoint, and the one place that picks statuses.
//!
//! Nothing here decides who may log in: endpoints read a call, ask `attempt` and write what it came to.

mod app;
mod authenticate;
pub(crate) mod body;
mod body_schema;
pub(crate) mod callers;
mod challenge_body;
pub(crate) mod challenges;
mod connector_pages;
mod health;
mod metrics;
mod openapi;
pub(crate) mod problem;
mod reload;
pub mod reply;
mod router;
mod send_test;
mod utility;

pub use app::App;
pub use openapi::document as openapi_document;
pub use reload::reload;
pub use router::router;
