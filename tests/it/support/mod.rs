//! What the tests share.

pub mod corpora;
