//! The console API (docs/contract.md section 5): router, one file an endpoint, and the one place that picks statuses.
//!
//! Nothing here decides who may log in: an endpoint reads its call, asks `attempt`, and writes what that came to.

pub(crate) mod authenticate;
pub(crate) mod body;
pub(crate) mod call;
pub(crate) mod challenges;
mod connector_pages;
mod description;
mod health;
mod jwks;
mod login_page;
mod metrics;
mod openapi;
pub(crate) mod problem;
mod reload;
pub mod reply;
mod router;
pub(crate) mod send_test;
mod sessions;
mod status;
mod test_challenge;
mod utility;

pub use openapi::document as openapi_document;
pub use router::{router, served};
