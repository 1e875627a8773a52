//! The commands; clap lives here only.

mod new;
mod pin;
pub mod script_worker;
mod token;

use std::process::ExitCode;

/// Exit code of a usage mistake (sysexits' EX_USAGE).
const USAGE: u8 = 64;

/// A zero-trust external HTTP(S) authentication connector daemon.
#[derive(Debug, clap::Parser)]
#[command(version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// The SPKI pin of a server, to compare and to paste
    Pin {
        /// The server: https://host[:port]
        url: String,
    },
    /// A connector from a curl command line, with holes where the user name and the password stand
    New(new::Options),
    /// Tokens of clients
    #[command(subcommand)]
    Token(token::Command),
}

impl Cli {
    /// Runs the command that was asked for.
    pub fn run(self) -> ExitCode {
        let done = match self.command {
            Command::Pin { url } => pin::run(&url),
            Command::Token(command) => token::run(&command).map(|()| ExitCode::SUCCESS),
            Command::New(options) => new::run(options).map(|()| ExitCode::SUCCESS),
        };
        done.unwrap_or_else(|error| {
            anstream::eprintln!("doorward: {error:#}");
            ExitCode::from(USAGE)
        })
    }
}
