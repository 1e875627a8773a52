//! `doorward session list`, `doorward session kick`: the sessions of a running daemon.

use std::fmt::Write as _;

use anyhow::Result;
use doorward::trace::harmless;
use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::load;
use super::output::print;
use super::remote::Daemon;

/// `doorward session`
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Lists the sessions that are open, the newest first
    List {
        #[command(flatten)]
        daemon: Daemon,
        /// Of this connector only
        #[arg(long, value_name = "ID")]
        connector: Option<String>,
        /// Of this user only, as the upstream names them
        #[arg(long, value_name = "NAME", requires = "connector")]
        user: Option<String>,
    },
    /// Ends every session that a user, or everybody, began up to now; a login that runs opens none either
    Kick {
        #[command(flatten)]
        daemon: Daemon,
        /// The connector whose user it is
        #[arg(long, value_name = "ID", requires = "user", conflicts_with = "all", required_unless_present = "all")]
        connector: Option<String>,
        /// The user, as the upstream names them; spellings of one name are one
        #[arg(long, value_name = "NAME", requires = "connector")]
        user: Option<String>,
        /// Everybody
        #[arg(long)]
        all: bool,
    },
}

#[derive(Deserialize)]
struct Session {
    id: String,
    connector: String,
    user: String,
    client_id: String,
    auth_time: i64,
    used: i64,
}

/// Done, or an error that says why not.
pub fn run(command: Command) -> Result<()> {
    match command {
        Command::List { daemon, connector, user } => list(daemon, connector, user),
        Command::Kick { daemon, connector, user, all } => {
            let body = if all { json!({ "all": true }) } else { json!({ "connector": connector, "user": user }) };
            let client = daemon.client()?;
            let mut answer = load::runtime()?.block_on(client.call(Method::POST, "/v1/sessions/kick", Some(&body)))?;
            if answer.status != 200 {
                return Err(answer.refusal());
            }
            let time: String = answer.take("not_before")?;
            print(&format!("what began up to {} is over\n", harmless(&time)))
        }
    }
}

fn list(daemon: Daemon, connector: Option<String>, user: Option<String>) -> Result<()> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("connector", connector), ("user", user)] {
        if let Some(value) = value {
            query.append_pair(name, &value);
        }
    }
    let query = query.finish();
    let path = if query.is_empty() { "/v1/sessions".to_owned() } else { format!("/v1/sessions?{query}") };
    let mut answer = daemon.call(Method::GET, &path)?;
    let sessions: Vec<Session> = answer.take("sessions")?;
    let more: bool = answer.take("more")?;
    let time = |seconds: i64| Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default();
    let mut text = String::new();
    for Session { id, connector, user, client_id, auth_time, used } in &sessions {
        let (since, used) = (time(*auth_time), time(*used));
        let _ = writeln!(text, "{id}  {user} by {connector} for {client_id}\n    since {since}, used {used}");
    }
    if more {
        text.push_str("and more: ask by --connector and --user\n");
    }
    if sessions.is_empty() {
        text.push_str("no session is open\n");
    }
    // Another machine's words, and an upstream's: nothing in them may steer the terminal.
    for line in text.lines() {
        print(&format!("{}\n", harmless(line)))?;
    }
    Ok(())
}
