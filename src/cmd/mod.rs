//! The commands; clap is used here only.
//!
//! A command returns its exit code, or an error that is the caller's: a wrong option, a file that is not there. Such
//! an error ends with 64, so that no script takes it for a verdict.

mod ask;
mod check;
mod completions;
mod demo;
mod explain;
mod health;
mod init;
mod key;
mod language;
mod load;
mod new;
mod output;
mod pin;
mod progress;
mod reload;
mod remote;
mod schema;
mod serve;
mod session;
mod status;
mod studio;
mod test;
mod token;
mod top;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

/// Exit code of a usage mistake (sysexits' EX_USAGE).
const USAGE: u8 = 64;

/// Exit code of a connector that cannot run: misconfigured, or a failed check.
const MISCONFIGURED: u8 = 4;

/// Exit code when it is not known whether a login is right, or whether the daemon takes any.
const UNAVAILABLE: u8 = 3;

/// A zero-trust external HTTP(S) authentication connector daemon.
#[derive(Debug, clap::Parser)]
#[command(version)]
struct Cli {
    /// The language of messages: en or zh-CN. When left out: that of LC_ALL, LC_MESSAGES or LANG
    #[arg(long, global = true, value_name = "LANG", value_parser = language::parser(), hide_possible_values = true)]
    lang: Option<doorward::lang::Lang>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Asks a door as a console, for programs that run a command: 0 is an accept, and nothing else is
    Ask(ask::Options),
    /// Checks connector files: every mistake with its place, cause and fix; golden tests
    Check(check::Options),
    /// Prints shell completions, to be kept where the shell looks for them
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Shows a demo 4A server, the shipped connectors and the daemon on loopback, with commands to try
    Demo(demo::Options),
    /// Explains a login of a running daemon: its verdict, why, its steps
    Explain(explain::Options),
    /// Asks the running daemon whether it answers: 0 when it is well, 1 when not
    Health(health::Options),
    /// Makes a directory to start in: a configuration, a token, a first connector, what an editor needs
    Init(init::Options),
    /// Keys that sign the tokens of sessions
    #[command(subcommand)]
    Key(key::Command),
    /// Writes the manual pages of all commands
    Man {
        /// Where to: a directory, which is made if need be
        #[arg(value_name = "DIR")]
        directory: std::path::PathBuf,
    },
    /// Makes a connector from a curl command line, with holes where the user name and the password stand
    New(new::Options),
    /// Prints the SPKI pin of a server, to compare and to paste
    Pin {
        /// The server: https://host[:port]
        url: String,
    },
    /// Has a running daemon read its connectors again
    Reload(reload::Options),
    /// Prints the JSON Schema of connector files, or of door files
    Schema(schema::Options),
    /// Runs the daemon
    Serve(serve::Options),
    /// Sessions of a running daemon
    #[command(subcommand)]
    Session(session::Command),
    /// Shows how a running daemon is: ready or not, its connectors, its version
    Status(status::Options),
    /// A page on loopback to write, check and test connectors
    Studio(studio::Options),
    /// Send test: runs one login for real and shows every stage
    Test(test::Options),
    /// Tokens of clients
    #[command(subcommand)]
    Token(token::Command),
    /// Shows the logins of a running daemon as they come, by connector and verdict
    Top(top::Options),
}

/// Reads the command line and runs the command that was asked for.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too. What cannot be printed to a closed stream is not worth an error.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    language::choose(cli.lang);
    let done = match cli.command {
        Command::Ask(options) => ask::run(options),
        Command::Check(options) => check::run(&options),
        Command::Completions { shell } => completions::completions(Cli::command(), shell).map(good),
        Command::Demo(options) => demo::run(&options),
        Command::Explain(options) => explain::run(options),
        Command::Health(options) => health::run(&options),
        Command::Init(options) => init::run(options).map(good),
        Command::Key(command) => key::run(&command).map(good),
        Command::Man { directory } => completions::manual(Cli::command(), &directory).map(good),
        Command::New(options) => new::run(options).map(good),
        Command::Pin { url } => pin::run(&url),
        Command::Reload(options) => reload::run(options),
        Command::Schema(options) => schema::run(&options).map(good),
        Command::Serve(options) => serve::run(&options),
        Command::Session(command) => session::run(command).map(good),
        Command::Status(options) => status::run(options),
        Command::Studio(options) => studio::run(&options),
        Command::Test(options) => test::run(options),
        Command::Token(command) => token::run(&command).map(good),
        Command::Top(options) => top::run(options),
    };
    done.unwrap_or_else(|error| {
        anstream::eprintln!("doorward: {error:#}");
        ExitCode::from(USAGE)
    })
}

/// The exit code of a verdict (docs/contract.md section 6); `None` for a word that is none.
fn exit_code(verdict: &str) -> Option<ExitCode> {
    let code = match verdict {
        "accept" => 0,
        "reject" => 1,
        "challenge" => 2,
        "unavailable" => UNAVAILABLE,
        "misconfigured" => MISCONFIGURED,
        _ => return None,
    };
    Some(ExitCode::from(code))
}

/// Nothing to add to a command that returned.
fn good((): ()) -> ExitCode {
    ExitCode::SUCCESS
}
