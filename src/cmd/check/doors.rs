//! The doors of a configuration, with the connectors that they ask.

use std::collections::BTreeMap;

use doorward::attempt::connectors::ConnectorSummary;
use doorward::diagnostic::{Diagnostic, Severity};
use doorward::door::check::{ConnectorState, DoorContext};
use doorward::door::load::load;

use super::whole::Doors;

/// What was found in all doors.
#[derive(Debug, Default)]
pub(super) struct DoorResults {
    pub(super) doors: usize,
    /// Doors that do not load.
    pub(super) broken: usize,
    pub(super) diagnostics: Vec<Diagnostic>,
}

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
