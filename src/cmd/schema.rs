//! `doorward schema`: the JSON Schema of connector files, for editors. docs/connector.schema.json is this output.

use super::output::print;

/// Prints the schema to standard output.
pub fn run() -> anyhow::Result<()> {
    print(&doorward::connector::schema_text())
}
