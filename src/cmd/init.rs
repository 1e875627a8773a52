//! `doorward init DIR`: a directory that `doorward serve` starts in at once: a configuration, a token, a first connector, and
//! what an editor needs.
//!
//! Nothing that is there is written over. The token is shown once and kept nowhere; the configuration has its hash.

mod files;
mod first;

use std::fmt::Write as _;
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use doorward::config::Token;

use super::language::lang;
use super::output::print;
use files::File;

/// The console that the configuration admits.
const CLIENT: &str = "console";

/// `doorward init`
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The directory: made if need be; files that are there are left alone
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Begin with this shipped connector; `form` when none is given and there is no terminal to ask at
    #[arg(long, value_name = "NAME", conflicts_with = "from_curl")]
    connector: Option<String>,
    /// Begin with a connector made from this curl command line, or - to read it from standard input
    #[arg(long, value_name = "CMD")]
    from_curl: Option<String>,
}

/// Makes the directory and prints the token and what comes next.
pub fn run(options: Options) -> Result<()> {
    let first = first::choose(options.connector, options.from_curl)?;
    let token = Token::draw().map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    let mut made = files::all(&token.hash().to_string());
    let id = first.id.clone();
    made.extend(first.files);
    write_all(&options.directory, &made)?;
    print(&summary(&options.directory, &made, &token, &id))
}

/// All files, or none where one of them is there already.
fn write_all(directory: &Path, files: &[File]) -> Result<()> {
    let there: Vec<&str> =
        files.iter().map(|file| file.path.as_str()).filter(|path| directory.join(path).exists()).collect();
    ensure!(
        there.is_empty(),
        "{} has {} already, and nothing is written over: name another directory, or move what is there away",
        directory.display(),
        there.join(", ")
    );
    for file in files {
        let path = directory.join(&file.path);
        write(&path, file).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

fn write(path: &Path, file: &File) -> std::io::Result<()> {
    if let Some(above) = path.parent() {
        std::fs::create_dir_all(above)?;
    }
    let mut written = std::fs::File::options().write(true).create_new(true).open(path)?;
    if file.private {
        // Its group may read: where systemd runs the daemon, that is the daemon's.
        written.set_permissions(Permissions::from_mode(0o640))?;
    }
    written.write_all(file.text.as_bytes())
}

/// What was made and what to do with it.
fn summary(directory: &Path, files: &[File], token: &Token, id: &str) -> String {
    let lang = lang();
    let here = directory.display();
    let mut text = String::new();
    let _ = writeln!(text, "{}", lang.fill("init.in", &[("directory", &here)]));
    for file in files {
        let _ = writeln!(text, "  {:32} {}", file.path, lang.text(file.what));
    }
    // Shown on purpose: this is the only time.
    let shown = lang.fill("init.token", &[("client", &CLIENT)]);
    let _ = writeln!(text, "\n{shown}\n\n  token: {}\n", token.expose());
    let _ = writeln!(text, "{}\n", lang.fill("init.next", &[("directory", &here)]));
    for (command, why) in [
        ("doorward check".to_owned(), "init.check"),
        (format!("$EDITOR connectors/{id}.yaml"), "init.edit"),
        (format!("doorward test connectors/{id}.yaml --username NAME"), "init.test"),
        ("doorward serve".to_owned(), "init.serve"),
    ] {
        let _ = writeln!(text, "  {command}\n      {}", lang.text(why));
    }
    let _ = writeln!(
        text,
        "  curl -H \"Authorization: Bearer $TOKEN\" --json '{{\"username\":\"…\",\"password\":\"…\"}}' \\\n    \
         http://127.0.0.1:8443/v1/connectors/{id}/authenticate\n      {}",
        lang.text("init.call")
    );
    text
}
