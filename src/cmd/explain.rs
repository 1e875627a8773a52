//! `doorward explain`: what became of a login of a running daemon, and why.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use doorward::audit::LoginRecord;
use doorward::percent;
use doorward::trace::harmless;
use reqwest::Method;

use super::output::print;
use super::remote::Daemon;

/// `doorward explain`
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The request id, as the verdict, the log and the audit trail have it
    #[arg(value_name = "ID")]
    request_id: String,
    #[command(flatten)]
    daemon: Daemon,
    /// Prints the daemon's answer, one JSON object
    #[arg(long)]
    json: bool,
}

/// 0: it is explained; 64: the daemon knows no such login, or cannot be asked.
pub fn run(options: Options) -> Result<ExitCode> {
    let path = format!("/v1/logins/{}", percent::encode(options.request_id.as_bytes()));
    let mut answer = options.daemon.call(Method::GET, &path)?;
    if options.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&answer.body)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let verdicts: Vec<LoginRecord> = answer.take("verdicts")?;
    let text: Vec<String> = verdicts.iter().map(shown).collect();
    // Another machine's words: nothing in them may steer the terminal.
    for line in text.join("\n").lines() {
        print(&format!("{}\n", harmless(line)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(record: &LoginRecord) -> String {
    let LoginRecord { time, connector, revision, verdict, explain, steps, ms, .. } = record;
    let detail = record.reason.as_ref().or(record.cause.as_ref()).map(|word| format!("  {word}")).unwrap_or_default();
    let sends = match record.credential_sends {
        0 => "no credential was sent".to_owned(),
        1 => "the credential was sent once".to_owned(),
        more => format!("credentials were sent {more} times"),
    };
    let mut text = format!("{verdict}{detail}\n");
    // A line of the log is one; here each step of it has its own.
    for step in explain.split("; ") {
        let _ = writeln!(text, "  {step}");
    }
    let test = if record.test { ", a send test" } else { "" };
    let _ = writeln!(text, "  at {time}, by {connector} {revision}{test}\n  {ms} ms, {sends}");
    let width = steps.iter().map(|step| step.name.len()).max().unwrap_or_default();
    for step in steps {
        let status = step.status.map_or_else(|| "-".to_owned(), |status| format!("HTTP {status}"));
        let _ = writeln!(text, "  {:width$}  {:8}  {status:8}  {} ms", step.name, step.end, step.ms);
    }
    text
}
