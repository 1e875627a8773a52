//! `doorward completions SHELL` and `doorward man DIR`: what a package installs beside the program, made from the command line
//! itself so that neither can lag behind it.

use std::path::Path;

use anyhow::Context as _;
use clap::Command;
use clap_complete::Shell;

use super::output::print;

/// Prints the completions of `command` for `shell`.
pub fn completions(mut command: Command, shell: Shell) -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "doorward", &mut text);
    print(&String::from_utf8(text).context("completions are text")?)
}

/// Writes the manual pages of `command`, one a subcommand, into `directory`, which is made if need be.
pub fn manual(command: Command, directory: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))?;
    clap_mangen::generate_to(command, directory)
        .with_context(|| format!("manual pages cannot be written into {}", directory.display()))?;
    print(&format!("manual pages are in {0}: man -l {0}/doorward.1\n", directory.display()))
}
