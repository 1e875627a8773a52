//! What one login is, from its bounds to its audit line. No HTTP here: every way in (the API, and whatever else asks) calls
//! this and writes the verdict in its own words.

pub mod connectors;
mod live;
pub(crate) mod login;
pub(crate) mod record;
mod run;
pub(crate) mod shares;
pub(crate) mod unread;

pub use live::{LiveConnectors, log as log_reload};
