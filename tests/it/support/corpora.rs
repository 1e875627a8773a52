//! Test corpora of others (JSONTestSuite, the JSONPath compliance suite, http-state's cookies), read where they are.
//!
//! They are not part of this repository: `DOORWARD_CORPORA` says where they lie, `../shared/corpora` if it does not.
//! A test without its corpus says so in one line and goes on, so that the crate can be tested anywhere.

use std::path::PathBuf;

/// A file or folder of the corpora; `None` (and a line on standard output) when it is not there.
pub fn path(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("DOORWARD_CORPORA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"), PathBuf::from);
    let path = root.join(name);
    if path.exists() {
        Some(path)
    } else {
        println!("no corpus {name}: set DOORWARD_CORPORA to run this test");
        None
    }
}
