//! The demo's tables: for each connector a right login, a wrong one, an injection, and a wrong answer to a challenge.

use std::fmt::Write as _;

use doorward::shipped::{CONNECTORS, Shipped, Stage};
use doorward_demo::people::LoginResult;
use doorward_demo::user::{Asks, Mood};
use doorward_demo::{DemoServer, Outcome};

use super::console::Console;
use crate::cmd::language::lang;
use crate::cmd::progress::Progress;

/// One connector's line.
pub struct Row {
    shipped: &'static Shipped,
    right: String,
    wrong: String,
    injection: String,
    arrived: Arrived,
    /// What a wrong answer comes to, when something is asked.
    wrong_answer: Option<String>,
}

/// What the 4A server saw of the injection.
#[derive(PartialEq, Eq)]
enum Arrived {
    /// A user of exactly this name, who is not known.
    AsTyped,
    /// Nothing.
    NotSent,
    /// Something else.
    Altered,
}

impl Row {
    /// Whether all came out as they must.
    pub fn as_expected(&self) -> bool {
        let asks = self.shipped.asks;
        let right = if asks == Asks::Nothing { "accept" } else { "challenge -> accept" };
        let wrong_answer = match asks {
            Asks::Nothing => None,
            Asks::Message | Asks::Authenticator => Some("challenge -> challenge(mfa_failed)"),
            Asks::NewPassword => Some("challenge -> challenge(invalid_input)"),
            // A button is pressed once, and a picture is good for one try.
            Asks::Button | Asks::Picture => Some("challenge -> reject(mfa_failed)"),
        };
        self.right == right
            && self.wrong == "reject(invalid_credentials)"
            && self.injection == format!("reject({})", self.shipped.refused)
            && self.arrived != Arrived::Altered
            && self.wrong_answer.as_deref() == wrong_answer
    }
}

/// Asks all questions.
pub async fn rows(console: &Console<'_>, upstream: &DemoServer) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut progress = Progress::new();
    let connectors: Vec<&Shipped> = CONNECTORS.iter().filter(|shipped| shipped.stage != Stage::Before).collect();
    for (done, shipped) in connectors.iter().enumerate() {
        progress.show(|| lang().fill("demo.progress", &[("done", &done), ("all", &connectors.len())]));
        // Before the right one, which may change a password.
        let wrong_answer = match shipped.asks {
            Asks::Nothing => None,
            _ => Some(console.login(shipped, shipped.right(), Mood::Wrong).await?.join(" -> ")),
        };
        let right = console.login(shipped, shipped.right(), Mood::Right).await?.join(" -> ");
        // Where something is asked before the password, that is answered rightly.
        let wrong = console.login(shipped, shipped.wrong(), Mood::Right).await?.pop().unwrap_or_default();
        let before = upstream.seen();
        let injection = console.login(shipped, shipped.injection(), Mood::Right).await?.pop().unwrap_or_default();
        let after = upstream.seen();
        let as_typed = Outcome::Understood { login: shipped.hostile.to_owned(), result: LoginResult::Wrong };
        let arrived = match after.last() {
            _ if after == before => Arrived::NotSent,
            Some(seen) if seen.outcome == as_typed => Arrived::AsTyped,
            _ => Arrived::Altered,
        };
        rows.push(Row { shipped, right, wrong, injection, arrived, wrong_answer });
    }
    Ok(rows)
}

/// The tables.
pub fn text(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut line = |id: &str, right: &str, wrong: &str| {
        let _ = writeln!(text, "{id:<24} {right:<20} {wrong}");
    };
    line("connector", "right", "wrong password");
    for row in rows {
        line(row.shipped.id, &row.right, &row.wrong);
    }
    let _ = writeln!(text, "\n{:<24} {:<28} and the 4A server saw", "connector", "injection");
    for row in rows {
        let arrived = match row.arrived {
            Arrived::AsTyped => "the text as typed",
            Arrived::NotSent => "nothing: it was not sent",
            Arrived::Altered => "SOMETHING ELSE",
        };
        let _ = writeln!(text, "{:<24} {:<28} {arrived}", row.shipped.id, row.injection);
    }
    let _ = writeln!(text, "\n{:<24} {:<38} asked for", "connector", "right password, wrong answer");
    let asking = rows.iter().filter_map(|row| Some((row.shipped, row.wrong_answer.as_ref()?)));
    let mut logins = 3 * rows.len();
    for (shipped, wrong_answer) in asking {
        logins += 1;
        let _ = writeln!(text, "{:<24} {wrong_answer:<38} {}", shipped.id, asked_for(shipped.asks));
    }
    let wrong: Vec<&str> = rows.iter().filter(|row| !row.as_expected()).map(|row| row.shipped.id).collect();
    let ended = if wrong.is_empty() {
        lang().fill("demo.as_expected", &[("connectors", &rows.len()), ("logins", &logins)])
    } else {
        lang().fill("demo.not_as_expected", &[("connectors", &wrong.join(" "))])
    };
    let _ = writeln!(text, "\n{ended}");
    text
}

fn asked_for(asks: Asks) -> &'static str {
    match asks {
        Asks::Nothing => "nothing",
        Asks::Message => "a message's code",
        Asks::Authenticator => "an app's code",
        Asks::Button => "a button",
        Asks::NewPassword => "a new password",
        Asks::Picture => "a picture",
    }
}
