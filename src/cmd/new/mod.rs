//! `doorward new --from-curl`: a connector from a curl command line.
//!
//! Reads the command (`curl`, `options`, `shell`), decides what is the user's and what is secret (`holes`) and writes a connector
//! that loads (`draft`, `body`, `auth`, `grant`, `yaml`). Nothing is sent anywhere.

mod auth;
mod body;
mod cmdline;
mod curl;
mod draft;
mod grant;
mod holes;
mod options;
mod powershell;
mod shell;
mod yaml;

#[cfg(test)]
mod tests;

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use super::output::print;

/// The longest command that is read. Browsers copy a few kilobytes.
const MAX_COMMAND: u64 = 256 * 1024;

/// What `doorward new` takes.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// A curl command line as one argument, or - to read it from standard input. What browsers copy for cmd and for PowerShell is read, too
    #[arg(long, value_name = "CMD")]
    from_curl: String,
    /// What stands for the user name in the command; guessed from names when left out
    #[arg(long, value_name = "VALUE")]
    username: Option<String>,
    /// What stands for the password in the command, before any digest; guessed from names when left out
    #[arg(long, value_name = "VALUE")]
    password: Option<String>,
    /// Where to write the connector; standard output when left out
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes the connector.
pub fn run(options: Options) -> Result<()> {
    let literals = holes::Literals { username: options.username, password: options.password };
    let text = drawn(options.from_curl, literals)?;
    match options.output {
        None => print(&text),
        Some(path) => {
            // Never over an existing file.
            let file = std::fs::File::options().write(true).create_new(true).open(&path);
            let mut file = file.with_context(|| format!("cannot write {}", path.display()))?;
            file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
            anstream::eprintln!("wrote {0}\nnext: doorward check {0}", path.display());
            Ok(())
        }
    }
}

/// The text of a connector for a curl command line, or for the one on standard input where it is `-`; user name and password
/// are guessed.
pub fn draft(command: String) -> Result<String> {
    drawn(command, holes::Literals { username: None, password: None })
}

fn drawn(from_curl: String, literals: holes::Literals) -> Result<String> {
    let command = if from_curl == "-" {
        let mut text = String::new();
        std::io::stdin().take(MAX_COMMAND + 1).read_to_string(&mut text).context("cannot read standard input")?;
        text
    } else {
        from_curl
    };
    ensure!(command.len() as u64 <= MAX_COMMAND, "the curl command is longer than 256 KiB");
    draft::connector(&read(command.trim())?, literals)
}

/// The request of a command, in whatever way a browser copied it.
fn read(command: &str) -> Result<curl::Curl> {
    if powershell::is_powershell(command) { powershell::parse(command) } else { curl::parse(command) }
}
