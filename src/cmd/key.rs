//! `doorward key new`: a key that signs tokens, in a file of its own.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use doorward::clock::System;
use doorward::secret::Secret;
use doorward::token::{KeyAlgorithm, KeyUse, NewKey, SigningKeys, WrittenKey};

use super::output::print;

/// The daemon's user reads it, and nobody else.
const MODE: u32 = 0o600;

/// `doorward key`
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Draws a key that signs tokens and writes it to a new file
    New {
        /// RS256, which every gateway verifies, or ES256: shorter tokens
        #[arg(long, value_name = "ALG", default_value = "RS256", value_parser = algorithm)]
        alg: KeyAlgorithm,
        /// The new file; one that exists is never written over
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
}

/// Runs the command; prints what to write into the configuration.
pub fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::New { alg, file } => new(*alg, file),
    }
}

fn new(algorithm: KeyAlgorithm, file: &Path) -> anyhow::Result<()> {
    let key = NewKey::draw(algorithm, &System)?;
    let pem = Secret::new(key.pem.as_str().to_owned());
    let keys = SigningKeys::read(&[WrittenKey { pem, key_use: KeyUse::Sign, until_ms: None }])?;
    let kid = keys.signing_kid(algorithm).unwrap_or_default();
    let mut opened = std::fs::File::options()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(file)
        .with_context(|| format!("{} cannot be made", file.display()))?;
    let written = opened.write_all(key.pem.as_bytes()).and_then(|()| opened.sync_all());
    if let Err(error) = written {
        // Half a key is of no use, and its name would be taken.
        let _ = std::fs::remove_file(file);
        return Err(error).with_context(|| format!("{} cannot be written", file.display()));
    }
    let shown = file.display();
    print(&format!(
        "{algorithm} key {kid} in {shown}\n\nIn doorward.yaml, under sign_in.signing, for an hour or longer:\n\n  - {{ file: \
         {shown}, use: next }}\n\nthen `use: sign`, and the key before it `use: old`. The first key of all is `sign` at once.\n"
    ))
}

fn algorithm(word: &str) -> Result<KeyAlgorithm, String> {
    KeyAlgorithm::parse(word).ok_or_else(|| "RS256 or ES256 is wanted".to_owned())
}
