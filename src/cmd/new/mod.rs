//! `doorward new --from-curl`: a connector from a curl command line.
//!
//! Reads the command (`curl`, `options`, `shell`), or for the studio another file with requests (`found`, `postman`, `har`,
//! `openapi`), decides what is the user's and what is secret (`holes`, `names`) and writes a connector that loads (`draft`, `body`,
//! `auth`, `grant`, `yaml`). Nothing is sent anywhere.

mod auth;
mod body;
mod cmdline;
mod curl;
mod draft;
mod found;
mod grant;
mod har;
mod holes;
mod names;
mod openapi;
mod options;
mod parts;
mod postman;
mod powershell;
mod review;
mod shell;
mod yaml;

#[cfg(test)]
mod tests;

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use doorward::studio::{ImportCandidate, ImportRow, ImportWanted, Imported};

use super::output::print;

/// The longest command that is read. Browsers copy a few kilobytes.
const MAX_COMMAND: u64 = 256 * 1024;

/// More than a person chooses from.
const MAX_CANDIDATES: usize = 200;

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

/// The requests of what somebody pasted, the likeliest login first, and the draft of the one at `at`, whose values are what
/// `roles` say. Nothing is read but `text`.
pub fn import(wanted: &ImportWanted) -> std::result::Result<Imported, String> {
    imported(wanted).map_err(|error| format!("{error:#}"))
}

fn imported(wanted: &ImportWanted) -> Result<Imported> {
    let found = found::requests(&wanted.text)?;
    let at = wanted.at.min(found.len() - 1);
    let password = wanted.password.as_ref().map(|password| password.expose().to_owned());
    let literals = holes::Literals { username: wanted.username.clone(), password };
    let roles = wanted.roles.iter().map(|role| role.as_deref().and_then(review::Role::read)).collect();
    let mut holes = holes::Holes::with_roles(literals, roles);
    let (text, complete) = match draft::with_token(&found[at].curl)? {
        Some(text) => (text, true),
        None => (draft::drawn(&found[at].curl, &mut holes)?, draft::lacks_nobody(&holes).is_ok()),
    };
    let row = |row: &review::Row| ImportRow {
        place: row.place,
        name: row.name.clone(),
        value: row.value.clone(),
        role: row.role.clone(),
        why: row.why,
    };
    let candidate = |found: &parts::Found| ImportCandidate {
        name: found.name.chars().take(120).collect(),
        method: found.curl.method.clone(),
        address: format!("{}{}", found.curl.origin, found.curl.path),
    };
    Ok(Imported {
        text,
        complete,
        at,
        rows: holes.rows.iter().map(row).collect(),
        candidates: found.iter().take(MAX_CANDIDATES).map(candidate).collect(),
        notes: found[at].curl.notes.iter().chain(&holes.notes).cloned().collect(),
    })
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
