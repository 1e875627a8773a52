//! `doorward token new`: a token for a client, and the hash for `doorward.yaml`.
//!
//! The token is printed once and kept nowhere.

use doorward::config::Token;

use super::output::print;

/// `doorward token`
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Draws a token: the first line is for the client, the second for doorward.yaml
    New,
}

/// Runs the command; prints to standard output.
pub fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::New => {
            let token = Token::draw().map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
            // Shown on purpose: this is the one time that it is shown.
            let text = format!("token: {}\nhash:  {}\n", token.expose(), token.hash());
            print(&text)
        }
    }
}
