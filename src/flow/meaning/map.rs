//! Stage 9: what of a reply goes back to the caller.

use super::matter::{Good, Matter, Notes};
use crate::condition::ValueSource;
use crate::connector::Step;
use crate::document::Value;
use crate::flow::report::MapTrace;
use crate::flow::state::Run;
use crate::flow::stop::{Ending, Stop};
use crate::flow::{conceal, explain};
use crate::verdict::Mapped;

/// Error code and message of this reply, whatever it was judged to be; the last step that replied decides.
pub(super) fn map_error(matter: Matter<'_>, notes: &mut Notes) -> Option<String> {
    let (code, message) = matter.step.response.map.error(matter.facts(), matter.mask);
    if matter.tracing {
        let map = &matter.step.response.map;
        let keeps =
            |source: &Option<ValueSource>| source.as_ref().is_some_and(|source| matter.secrecy.keeps_source(source));
        notes.map = Some(MapTrace {
            error_code: code.clone(),
            error_message: message.clone(),
            kept: keeps(&map.error_code) || keeps(&map.error_message),
            ..MapTrace::default()
        });
    }
    notes.error = Some((code, message.clone()));
    message
}

/// The upstream's message, for the user of a refusal.
pub(super) fn with_message(stop: Stop, upstream: Option<String>) -> Stop {
    match stop.ending {
        Ending::Reject { reason, message } => {
            Stop { ending: Ending::Reject { reason, message: message.or(upstream) }, ..stop }
        }
        _ => stop,
    }
}

impl Notes {
    /// Where nothing was decided, what the upstream says of it is for the administrator, unless it repeats something secret; a
    /// trace is for them always.
    pub(super) fn tell(&mut self, step: &Step, run: &Run<'_>, result: &mut Result<Good, Stop>) {
        let undecided = match result {
            Err(Stop { ending: Ending::Unavailable(_), explain }) => Some(explain),
            _ => None,
        };
        if undecided.is_none() && self.map.is_none() {
            return;
        }
        let Some((code, message)) = &self.error else { return };
        let fits = |text: &&str| !conceal::repeats(step, run, text);
        let (code, message) = (code.as_deref(), message.as_deref());
        let told = (code.filter(fits), message.filter(fits));
        if let Some(explain) = undecided {
            explain.push_str(&explain::told(told.0, told.1));
        }
        if let Some(map) = &mut self.map {
            map.kept |= told != (code, message);
        }
    }
}

/// Stage 9: extension and attributes.
pub(super) fn map_data(matter: Matter<'_>, notes: &mut Notes) -> Mapped {
    let own = matter.step.response.map.data(matter.facts());
    if matter.tracing && !matter.step.response.map.is_empty() {
        notes.map.get_or_insert_default();
    }
    show_map(&own, notes);
    own
}

/// Stage 9 of a refusal: extension and attributes of this reply alone. A part of which nothing is there is null.
pub(super) fn map_refused(matter: Matter<'_>, notes: &mut Notes) {
    let mut own = matter.step.response.map.data(matter.facts());
    let empty = |value: &Value| match value {
        Value::Object(parts) => parts.values().all(|part| *part == Value::Null),
        other => *other == Value::Null,
    };
    own.extension = own.extension.filter(|extension| !empty(extension));
    own.attributes.retain(|(_, value)| *value != Value::Null);
    show_map(&own, notes);
    notes.refused = Some(own);
}

fn show_map(own: &Mapped, notes: &mut Notes) {
    if let Some(map) = &mut notes.map {
        map.extension.clone_from(&own.extension);
        map.attributes.clone_from(&own.attributes);
    }
}
