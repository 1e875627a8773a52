//! From what was written to a door that runs: every text compiled, every reply proved, all mistakes at once.
//!
//! A door is proved when it loads, not probed: each reply is judged by its console's reading with every hole as any text. What is
//! not definite does not load.

mod challenge;
mod looks;
mod place;
mod proof;
mod replies;
mod side;
mod tables;
mod with_connector;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::plan::{ConnectorChoice, Door, LoginSources, ReplyKind};
use super::raw::{RawChoice, RawDoor};
use crate::attempt::connectors::ConnectorSummary;
use crate::config::Client;
use crate::crypto::digest::{Algorithm, digest};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceFile, Span};
use crate::reading::FromNode as _;
use crate::yaml;
use with_connector::WithConnector;

pub use looks::{named_reading, readings};

/// What surrounds a door file while it loads.
pub struct DoorContext<'a> {
    /// The clients of doorward.yaml; `None` when the file is checked alone.
    pub clients: Option<&'a [Client]>,
    /// What is known of a connector.
    pub connector: &'a dyn Fn(&str) -> ConnectorState,
}

/// What is known of a connector.
pub enum ConnectorState {
    /// It is not asked for: the file is checked alone.
    NotAsked,
    /// There is none of this id.
    Missing,
    /// Its file is invalid, so every login is misconfigured.
    Broken,
    /// It runs.
    Runs(Box<ConnectorSummary>),
}

/// A door file that was checked.
pub struct CheckedDoor {
    /// The file's name without its ending.
    pub id: String,
    /// There only when no mistake is an error.
    pub door: Option<Door>,
    /// Whether its console does something else than refuse when there is no reply. Known also of a file with mistakes.
    pub leaves_open: bool,
    /// All mistakes, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and checks one door.
pub fn check(path: &Path, text: String, context: &DoorContext<'_>) -> CheckedDoor {
    let file = Arc::new(SourceFile { path: path.to_owned(), text });
    let mut diagnostics = Diagnostics::new(file);
    let id = id_of(path, &mut diagnostics);
    let names = Names { id: id.clone(), revision: revision(&diagnostics.file().text) };
    let raw = yaml::parse(&mut diagnostics).and_then(|node| RawDoor::read(&node, &mut diagnostics));
    let mut leaves_open = false;
    let door = raw.and_then(|raw| {
        let mut check = Check { raw: &raw, context, diagnostics: &mut diagnostics };
        let door = check.door(names, &mut leaves_open)?;
        Some((door, raw))
    });
    if let Some((door, raw)) = &door {
        mirror(door, &mut diagnostics);
        if !diagnostics.has_errors() {
            trial(door, &mut diagnostics);
        }
        golden(door, raw, &mut diagnostics);
    }
    let door = door.map(|(door, _)| door);
    let sound = !diagnostics.has_errors();
    CheckedDoor { id, door: door.filter(|_| sound), leaves_open, diagnostics: diagnostics.into_list() }
}

/// Every verdict with hostile words, as the console hears it.
fn trial(door: &Door, diagnostics: &mut Diagnostics) {
    if let Some(stray) = door.strays().first() {
        let message = format!("{stray} is taken for something else by {}", door.reading.name);
        let mistake = diagnostics.error_at("door-reading", &(0..0), message);
        diagnostics.add(mistake.help("write literal text where this console looks"));
    }
}

/// Golden cases. A door with other mistakes plays them, too: they may say more.
fn golden(door: &Door, raw: &RawDoor, diagnostics: &mut Diagnostics) {
    for case in &raw.tests {
        for difference in door.differences(case) {
            let message = format!("`{}`: {difference}", case.name.text);
            let mistake = diagnostics.error_at("door-golden", &case.name.span, message);
            diagnostics.add(mistake.help("`doorward test --door` shows a request stage by stage"));
        }
    }
}

/// What names a door and this text of it.
struct Names {
    id: String,
    revision: String,
}

/// A hash of the file: challenges end with it. Readings are of the program, which names its version.
fn revision(text: &str) -> String {
    let whole = format!("{}\n{text}", env!("CARGO_PKG_VERSION"));
    let mut hex = hex::encode(digest(Algorithm::Sha256, whole.as_bytes()));
    hex.truncate(32);
    hex
}

/// What the console writes is what the door reads, byte for byte.
fn mirror(door: &Door, diagnostics: &mut Diagnostics) {
    let misread = door.misread();
    if let Some(text) = misread.first() {
        let message = format!("what a console writes here is read as something else: {text:?}");
        let mistake = diagnostics.error_at("door-mirror", &(0..0), message);
        diagnostics.add(mistake.help("compare sources and `decode` with what the console sends"));
    }
}

/// One check in progress.
struct Check<'c> {
    raw: &'c RawDoor,
    context: &'c DoorContext<'c>,
    diagnostics: &'c mut Diagnostics,
}

impl Check<'_> {
    fn door(&mut self, names: Names, leaves_open: &mut bool) -> Option<Door> {
        self.acknowledgements();
        let reading = self.reading();
        *leaves_open = reading.as_ref().is_some_and(|it| it.on_trouble != super::raw::look::OnTrouble::Refuses);
        let at = self.at(&self.raw.at);
        let (token, login) = self.sources();
        let from = self.networks();
        let connector = self.choice();
        let tables = self.tables();
        let before = self.diagnostics.count();
        let replies = self.replies(reading.as_ref());
        let (reading, at, replies, login) = (reading?, at?, replies?, login?);
        let deadline = self.deadline(&reading);
        let mut challenge = self.challenge(&login, deadline);
        // A reply with a mistake of its own is not worth judging.
        if self.diagnostics.count() == before {
            self.prove(&reading, &replies);
            self.asks(&reading, &replies, &mut challenge);
        }
        self.control_lists();
        let also = self.also(&reading, &at);
        self.client();
        let asked =
            WithConnector { reading: &reading, replies: &replies, login: &login, challenge: &challenge, deadline };
        self.with_connector(&asked, connector.as_ref());
        Some(Door {
            id: names.id,
            revision: names.revision,
            title: self.raw.title.as_ref().map(|title| title.text.clone()),
            connector: connector?,
            at,
            client: self.raw.caller.client.text.clone(),
            token,
            from,
            network_only: self.network_only(),
            login,
            challenge,
            replies,
            tables: tables?,
            also: also?,
            deadline,
            reading,
        })
    }

    /// Notes one mistake.
    fn wrong(&mut self, code: &'static str, at: &Span, message: impl Into<String>, help: &str) {
        let mistake = self.diagnostics.error_at(code, at, message);
        self.diagnostics.add(mistake.help(help));
    }

    fn acknowledged(&self, lint: &str) -> bool {
        debug_assert!(LINTS.contains(&lint));
        self.raw.acknowledge.get(lint).is_some()
    }

    fn acknowledgements(&mut self) {
        for (lint, why) in self.raw.acknowledge.iter() {
            if !LINTS.contains(&lint.value.as_str()) {
                let help = format!("known lints: {}", LINTS.join(" "));
                self.wrong("unknown-lint", &lint.span, format!("there is no lint `{}`", lint.value), &help);
            }
            if why.text.trim().is_empty() {
                let help = "write one line for the next reader of this file";
                self.wrong("empty-why", &why.span, "a waived lint says why", help);
            }
        }
    }

    fn choice(&mut self) -> Option<ConnectorChoice> {
        let by = match &self.raw.connector {
            RawChoice::One(id) => return Some(ConnectorChoice::One(id.text.clone())),
            RawChoice::By(by) => by,
        };
        let (mut attribute, mut ids) = (None, std::collections::BTreeMap::new());
        for (value, id) in by.iter() {
            if value.value != "by" {
                ids.insert(value.value.clone(), id.text.clone());
                continue;
            }
            let name = id.text.strip_prefix("login.attributes.");
            match name.filter(|name| self.raw.login.attributes.get(name).is_some()) {
                Some(name) => attribute = Some(name.to_owned()),
                None => self.wrong(
                    "door-connector",
                    &id.span,
                    format!("`{}` is no attribute of this login", id.text),
                    "write login.attributes.NAME, with NAME under login.attributes",
                ),
            }
        }
        Some(ConnectorChoice::By { attribute: attribute?, ids })
    }

    fn deadline(&mut self, reading: &super::look::Reading) -> Duration {
        let patience = self.raw.patience.as_ref().map_or(reading.timeout, |span| span.value.0);
        // What the reply takes on its way, and a console that counts from its connecting.
        let usual = patience.saturating_sub(Duration::from_millis(500));
        let Some(written) = &self.raw.deadline else { return usual };
        let (deadline, span) = (written.value.0, written.span.clone());
        if deadline >= patience {
            let message = format!(
                "the console waits {} ms, and this lets a login take {} ms",
                patience.as_millis(),
                deadline.as_millis()
            );
            let help =
                "a console that gives up before the verdict retries or fails open; set patience: if it waits longer";
            self.wrong("door-deadline", &span, message, help);
        } else {
            self.above_quickest(deadline, 1);
        }
        deadline
    }
}

impl Check<'_> {
    /// A deadline that is written leaves an upstream the time that it needs.
    fn above_quickest(&mut self, deadline: Duration, requests: u32) {
        let Some(written) = &self.raw.deadline else { return };
        let least = quickest(requests);
        if deadline < least {
            let message = format!("{requests} request(s) to an upstream take longer than {} ms", deadline.as_millis());
            let help = format!("allow {}ms at least", least.as_millis());
            self.wrong("door-deadline", &written.span.clone(), message, &help);
        }
    }
}

/// Lints that a door may waive.
const LINTS: [&str; 5] = ["credential_in_url", "token_in_url", "also_accepts", "shared_names", "network_only"];

/// One exchange on a near network; and a dial with its TLS handshake.
const EXCHANGE: Duration = Duration::from_millis(100);

/// The quickest answer of an upstream that is asked so often.
fn quickest(requests: u32) -> Duration {
    EXCHANGE * requests.max(1).saturating_add(1)
}

/// Everything that is answered, in the order of the page.
const KINDS: &[ReplyKind] = ReplyKind::ALL;

/// The id of a door: its file's name without the ending, `[a-z0-9-]+`.
fn id_of(path: &Path, diagnostics: &mut Diagnostics) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if stem.is_empty() || !stem.bytes().all(fits) {
        let mistake = diagnostics.error_at("bad-id", &(0..0), format!("the file name `{stem}` is no id of a door"));
        diagnostics.add(mistake.help("use lower-case letters, digits and hyphens, such as nginx.yaml"));
    }
    stem
}

/// What a login of this door may bring, by name.
fn attribute_names(login: &LoginSources) -> impl Iterator<Item = &str> {
    login.attributes.iter().map(|(name, _)| name.as_str())
}
