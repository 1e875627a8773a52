//! The `doorward` binary: reads the command line and runs one command.

mod cmd;

use std::process::ExitCode;

use doorward::{dumps, script};

fn main() -> ExitCode {
    // A worker must restrict itself before anything else runs, even before clap reads the command line.
    if std::env::args_os().nth(1).is_some_and(|first| first == script::COMMAND) {
        return script::worker::main();
    }
    // Any command may hold a password in memory. If the system refuses, the daemon logs it.
    let _ = dumps::forbid();
    cmd::run()
}
