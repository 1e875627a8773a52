//! The `doorward` binary: reads the command line and runs one command.

mod cmd;

use std::process::ExitCode;

use doorward::{dumps, script};

fn main() -> ExitCode {
    // A worker restricts itself before it does anything else, and must not even have read its command line by clap.
    if std::env::args_os().nth(1).is_some_and(|first| first == script::COMMAND) {
        return script::worker::main();
    }
    // Every command may come to hold a password. Where the system refuses, the daemon says so in its log.
    let _ = dumps::forbid();
    cmd::run()
}
