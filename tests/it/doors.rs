//! Doors: what loads and what does not, and what consoles hear.

mod around;
mod ask;
mod attack;
mod faults;
pub mod lab;
mod rounds;
mod rounds_attack;
mod serve;
mod shipped;
mod wrong;
