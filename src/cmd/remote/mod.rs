//! The command line as a client of a running daemon: its URL, the token, and the roots to trust.
//!
//! A token comes from a file or the environment, never from the command line, which others can read. Errors end with 64, so
//! that no script takes an unreachable daemon for a verdict.

mod address;
mod answer;
mod client;
mod fault;
mod tls;

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use doorward::files;
use doorward::secret::Secret;
use reqwest::Method;

pub use address::Address;
pub use answer::Answer;
pub use client::{Client, ConsoleReply, ConsoleRequest};

use super::load;

/// Where the token is when no file names it.
const TOKEN_VARIABLE: &str = "DOORWARD_TOKEN";

/// A token has 47 characters; a larger file is not one.
const MAX_TOKEN_BYTES: usize = 4096;

/// How the command proves itself to the daemon, and the daemon to the command.
#[derive(Debug, clap::Args)]
pub struct Access {
    /// Reads the token from a file; without it the environment variable DOORWARD_TOKEN has it
    #[arg(long, value_name = "FILE", requires = "daemon")]
    token_file: Option<PathBuf>,
    /// Trusts the CAs of this PEM file, and no others, for the daemon's certificate
    #[arg(long, value_name = "FILE", requires = "daemon")]
    ca_file: Option<PathBuf>,
}

/// A running daemon, for commands that ask nothing else.
#[derive(Debug, clap::Args)]
pub struct Daemon {
    /// The running daemon: https://host:port, http://127.0.0.1:port or unix:/path
    #[arg(long, value_name = "URL")]
    daemon: Address,
    #[command(flatten)]
    access: Access,
}

impl Daemon {
    /// For several calls.
    pub fn client(self) -> Result<Client> {
        Client::new(self.daemon, &self.access)
    }

    /// A client for a console's requests, and the token that it puts where the door wants it.
    pub fn console(self) -> Result<(Client, Secret)> {
        let token = self.access.token()?;
        Ok((Client::new(self.daemon, &self.access)?, token))
    }

    /// The body of the answer 200; the fault of the call is the error.
    pub fn call(self, method: Method, path: &str) -> Result<Answer> {
        let client = self.client()?;
        let answer = load::runtime()?.block_on(client.call(method, path, None))?;
        if answer.status == 200 { Ok(answer) } else { Err(answer.refusal()) }
    }
}

impl Access {
    fn token(&self) -> Result<Secret> {
        let (text, from) = if let Some(path) = &self.token_file {
            let from = path.display().to_string();
            let read = files::read_text(path, MAX_TOKEN_BYTES);
            (read.map_err(|why| anyhow::anyhow!("the token cannot be read from {from}: {why}"))?, from)
        } else {
            let missing = || format!("there is no token: name its file with --token-file, or set {TOKEN_VARIABLE}");
            (load::environment(TOKEN_VARIABLE).with_context(missing)?, TOKEN_VARIABLE.to_owned())
        };
        let token = text.trim_end_matches(['\r', '\n']);
        let is_one = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        ensure!(is_one, "{from} holds no token: a token is one word, as `doorward token new` prints it");
        Ok(Secret::new(token))
    }
}
