//! placeholder for the templates branch
/// Where each value of a request came from.
#[derive(Debug, Default)]
pub struct Shape;
