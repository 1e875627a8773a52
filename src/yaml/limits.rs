//! What a file is bounded by.

/// The largest file that is read: scripts have files of their own, and no connector comes near.
pub const MAX_BYTES: usize = 1 << 20;

/// How deep lists and maps may nest (docs/security.md, failure 26). The deepest connector of ours needs 12; readers of the tree recurse.
pub const MAX_DEPTH: usize = 32;

/// How many values a file may hold: a hundred times the largest connector of ours, and 10 MiB of nodes.
pub const MAX_NODES: usize = 50_000;
