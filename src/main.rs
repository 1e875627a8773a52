//! The `doorward` binary: reads the command line and runs one command.

mod cmd;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    cmd::Cli::parse().run()
}
