//! The console API (docs/contract.md section 5): router, one file an endpoint, and the one place that picks statuses.
//!
//! Endpoints know connectors only through the traits of [`connectors`], so that every endpoint can be tested with made-up
//! ones. Nothing here decides who may log in; it carries questions in and verdicts out.

mod accept;
mod app;
mod attempt;
mod authenticate;
mod body;
mod body_schema;
mod callers;
mod calm;
mod challenge_body;
mod challenges;
mod connection;
mod connector_pages;
pub mod connectors;
pub mod descriptors;
mod guests;
mod health;
pub mod listen;
mod live;
mod login;
mod metrics;
mod openapi;
mod problem;
mod record;
mod reload;
pub mod reply;
mod router;
mod send_test;
mod shares;
pub mod tls;
mod unread;
mod utility;
pub mod watch;

pub use accept::{Server, SharedTls};
pub use app::App;
pub use live::{LiveConnectors, log as log_reload};
pub use openapi::document as openapi_document;
pub use reload::reload;
pub use router::router;
