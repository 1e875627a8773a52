//! The doors of a configuration, with the connectors that they ask.

use std::collections::BTreeMap;

use doorward::attempt::connectors::ConnectorSummary;
use doorward::diagnostic::{Diagnostic, Severity};
use doorward::door::check::{CheckedDoor, ConnectorState, DoorContext};
use doorward::door::load::load;
use doorward::door::raw::look::OnTrouble;
use serde::Serialize;

use super::whole::Doors;
use crate::cmd::language::lang;

/// What was found in all doors.
#[derive(Debug, Default)]
pub(super) struct DoorResults {
    pub(super) doors: usize,
    /// Doors that do not load.
    pub(super) broken: usize,
    pub(super) readings: Vec<ReadingShown>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// On what a door's proof rests: how it is known what its console makes of a reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ReadingShown {
    door: String,
    /// The product with which it was seen, or `source only`; `None` where the file writes out a reading of its own.
    shown: Option<String>,
    /// The line of the product's source.
    source: Option<String>,
    /// What the console does when it gets no reply at all, as when the daemon is down: `refuses`, `passes_on` or `lets_in`.
    without_reply: &'static str,
}

impl ReadingShown {
    fn of(checked: &CheckedDoor) -> Option<Self> {
        let reading = &checked.door.as_ref()?.reading;
        let without_reply = match reading.on_trouble {
            OnTrouble::Refuses => "refuses",
            OnTrouble::PassesOn => "passes_on",
            OnTrouble::LetsIn => "lets_in",
        };
        let (shown, source) = (reading.shown.clone(), reading.source.clone());
        Some(Self { door: checked.id.clone(), shown, source, without_reply })
    }

    /// A line for people.
    pub(super) fn line(&self) -> String {
        let lang = lang();
        let known = match (self.shown.as_deref(), &self.source) {
            (Some(SOURCE_ONLY), Some(source)) => lang.fill("check.reading_of_source", &[("source", source)]),
            (Some(shown), _) => lang.fill("check.reading_seen", &[("shown", &shown)]),
            (None, _) => lang.text("check.reading_own").to_owned(),
        };
        let open = match self.without_reply {
            "passes_on" => lang.text("check.passes_on"),
            "lets_in" => lang.text("check.lets_in"),
            _ => "",
        };
        format!("{}: {known}{open}", self.door)
    }
}

/// What a reading says that was not tried with the product.
const SOURCE_ONLY: &str = "source only";

/// Checks them; `connectors` are those of the configuration, `None` for one that cannot run.
pub(super) fn check(doors: &Doors, connectors: &BTreeMap<String, Option<ConnectorSummary>>) -> DoorResults {
    let state = |id: &str| match connectors.get(id) {
        None => ConnectorState::Missing,
        Some(None) => ConnectorState::Broken,
        Some(Some(summary)) => ConnectorState::Runs(Box::new(summary.clone())),
    };
    let context = DoorContext { clients: Some(&doors.clients), connector: &state };
    match load(&doors.directory, &context) {
        Ok(checked) => DoorResults {
            doors: checked.len(),
            broken: checked.iter().filter(|one| one.door.is_none()).count(),
            readings: checked.iter().filter_map(ReadingShown::of).collect(),
            diagnostics: checked.into_iter().flat_map(|one| one.diagnostics).collect(),
        },
        Err(error) => {
            let message = format!("the directory of doors, {}, cannot be read: {error}", doors.directory.display());
            let help = vec!["make it, name another as `doors`, or take the key away".to_owned()];
            let (severity, code) = (Severity::Error, "unreadable");
            let unreadable = Diagnostic { severity, code, message, at: None, label: None, help };
            DoorResults { diagnostics: vec![unreadable], ..DoorResults::default() }
        }
    }
}
