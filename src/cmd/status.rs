//! `doorward status`: what a running daemon says of itself.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use doorward::trace::harmless;
use reqwest::Method;
use serde::Deserialize;

use super::UNAVAILABLE;
use super::output::print;
use super::remote::Daemon;

/// `doorward status`
#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(flatten)]
    daemon: Daemon,
    /// Prints the daemon's answer, one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Readiness {
    status: String,
    state: String,
    sandbox: String,
    configuration: ConfigurationHealth,
}

#[derive(Deserialize)]
struct ConfigurationHealth {
    status: String,
    restart: Vec<String>,
}

#[derive(Deserialize)]
struct Connector {
    id: String,
    kind: String,
    health: String,
    revision: String,
}

/// 0: it takes logins; 3: it answers and takes none.
pub fn run(options: Options) -> Result<ExitCode> {
    let mut answer = options.daemon.call(Method::GET, "/v1/status")?;
    let json = serde_json::to_string_pretty(&answer.body)?;
    let readiness: Readiness = answer.take("readiness")?;
    let (version, read_at): (String, String) = (answer.take("version")?, answer.take("read_at")?);
    let connectors: Vec<Connector> = answer.take("connectors")?;
    if options.json {
        print(&format!("{json}\n"))?;
    } else {
        let Readiness { status, state, sandbox, configuration } = &readiness;
        let mut text = format!(
            "{status}\n  doorward {version}, challenges {state}, script sandbox {sandbox}\n  connectors read at {read_at}\n"
        );
        let _ = writeln!(text, "  configuration {}", configuration.status);
        if !configuration.restart.is_empty() {
            let _ = writeln!(text, "  a restart is needed for: {}", configuration.restart.join(" "));
        }
        let width = connectors.iter().map(|connector| connector.id.len()).max().unwrap_or_default();
        for Connector { id, kind, health, revision } in &connectors {
            let revision = revision.get(..12).unwrap_or(revision);
            let _ = writeln!(text, "  {}", format!("{id:width$}  {health:7}  {kind:14}  {revision}").trim_end());
        }
        // Another machine's words: nothing in them may steer the terminal.
        for line in text.lines() {
            print(&format!("{}\n", harmless(line)))?;
        }
    }
    Ok(if readiness.status == "ready" { ExitCode::SUCCESS } else { ExitCode::from(UNAVAILABLE) })
}
