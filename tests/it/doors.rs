//! Doors: what loads and what does not, and what consoles hear.

mod ask;
mod attack;
pub mod lab;
mod serve;
mod shipped;
mod wrong;
