//! `doorward schema`: the JSON Schema of connector files, for editors. docs/connector.schema.json is this output.

use std::io::{self, Write as _};

use anyhow::Context as _;

/// Prints the schema to standard output.
pub fn run() -> anyhow::Result<()> {
    let text = doorward::connector::schema_text();
    io::stdout().write_all(text.as_bytes()).context("standard output cannot be written")
}
