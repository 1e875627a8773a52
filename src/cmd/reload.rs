//! `doorward reload`: has a running daemon read its configuration and connectors again and prints what is wrong with them.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use doorward::trace::harmless;
use reqwest::Method;
use serde::Deserialize;

use super::MISCONFIGURED;
use super::output::print;
use super::remote::{Answer, Daemon};

/// `doorward reload`
#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(flatten)]
    daemon: Daemon,
}

#[derive(Deserialize)]
struct DiagnosticText {
    text: String,
}

#[derive(Default, Deserialize)]
struct ConfigurationReload {
    refused: bool,
    changed: Vec<String>,
    restart: Vec<String>,
    #[serde(default)]
    diagnostics: Vec<String>,
}

/// 0: the configuration and all connectors load; 4: one does not, or their directory cannot be read.
pub fn run(options: Options) -> Result<ExitCode> {
    let mut answer = options.daemon.call(Method::POST, "/v1/reload")?;
    let configuration: ConfigurationReload = answer.take::<Option<_>>("configuration")?.unwrap_or_default();
    tell(&configuration)?;
    let unreadable = answer.take::<Option<bool>>("unreadable")?.unwrap_or_default();
    if unreadable {
        print("the directory of connectors cannot be read; what ran before still runs\n")?;
        return Ok(ExitCode::from(MISCONFIGURED));
    }
    let found: Vec<DiagnosticText> = answer.take::<Option<Vec<DiagnosticText>>>("diagnostics")?.unwrap_or_default();
    for DiagnosticText { text } in &found {
        for line in text.lines() {
            anstream::eprintln!("{}", harmless(line));
        }
    }
    let mut text = String::new();
    let mut refused = 0;
    for (word, name) in [("changed", "changed"), ("removed", "removed"), ("invalid", "refused")] {
        let ids = ids(&mut answer, name)?;
        if name == "refused" {
            refused = ids.len();
        }
        if !ids.is_empty() {
            let _ = writeln!(text, "{word}  {}", harmless(&ids.join(" ")));
        }
    }
    let quiet = text.is_empty() && configuration.changed.is_empty() && !configuration.refused;
    print(if quiet { "nothing changed\n" } else { &text })?;
    Ok(if refused == 0 && !configuration.refused { ExitCode::SUCCESS } else { ExitCode::from(MISCONFIGURED) })
}

/// What became of doorward.yaml.
fn tell(configuration: &ConfigurationReload) -> Result<()> {
    for line in configuration.diagnostics.iter().flat_map(|text| text.lines()) {
        anstream::eprintln!("{}", harmless(line));
    }
    if configuration.refused {
        print("the configuration is refused; what ran before still runs\n")?;
    }
    for (words, keys) in [("configuration", &configuration.changed), ("needs a restart", &configuration.restart)] {
        if !keys.is_empty() {
            print(&format!("{words}  {}\n", harmless(&keys.join(" "))))?;
        }
    }
    Ok(())
}

fn ids(answer: &mut Answer, name: &str) -> Result<Vec<String>> {
    answer.take(name)
}
