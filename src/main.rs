//! The `doorward` binary.

mod cmd;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: a worker must not read configuration, arguments or environment.
    if cmd::script_worker::is_asked_for() {
        return cmd::script_worker::run();
    }
    ExitCode::SUCCESS
}
