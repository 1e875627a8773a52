//! The `doorward` binary: reads the command line and runs one command.

mod cmd;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    // Before anything else: a worker must not read configuration, arguments or environment.
    if cmd::script_worker::is_asked_for() {
        return cmd::script_worker::run();
    }
    cmd::Cli::parse().run()
}
