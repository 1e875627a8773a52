//! Connector files: what was written (`raw`) and the JSON Schema of it.

pub mod raw;
mod schema;

pub use schema::schema;
