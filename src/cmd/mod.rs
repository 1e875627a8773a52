//! The commands of the binary.

pub mod script_worker;
