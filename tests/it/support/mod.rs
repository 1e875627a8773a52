//! What several topics share: servers that misbehave.

pub mod fault_server;
