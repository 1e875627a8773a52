//! What a request adds to the query of its URL, written or given by an earlier reply.

use crate::template::Line;

/// What is added to the query of a URL.
#[derive(Default)]
pub(super) struct Extra<'a> {
    /// The entries of a form that is sent with GET, encoded.
    pub(super) form: Option<Vec<u8>>,
    /// The pairs of the key `query`.
    pub(super) pairs: &'a [Line],
}
