//! `doorward schema`: the JSON Schema of connector files or of door files, for editors. docs/connector.schema.json and
//! docs/door.schema.json are this output.

use super::output::print;

/// `doorward schema`
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The schema of door files instead
    #[arg(long)]
    door: bool,
}

/// Prints the schema to standard output.
pub fn run(options: &Options) -> anyhow::Result<()> {
    print(&if options.door { doorward::door::schema_text() } else { doorward::connector::schema_text() })
}
