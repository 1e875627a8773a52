//! Scripts.

mod formats;
mod engine;
mod reads;
pub use reads::{Names, Place, Reads};

/// x
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Kind { /// x
Variables, /// x
Preprocess }
