//! `doorward script-worker`: the hidden command that the daemon starts for scripts. It is not for people.

use std::process::ExitCode;

/// Whether the first argument is this command.
pub fn is_asked_for() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == doorward::script::COMMAND)
}

/// Serves frames on the standard streams until they end.
pub fn run() -> ExitCode {
    doorward::script::worker::main()
}
