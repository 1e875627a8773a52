//! What several topics share.

pub mod script;
