//! Doors: what loads and what does not, and what consoles hear.

mod attack;
mod lab;
mod serve;
mod shipped;
mod wrong;
