//! Stage 9: what of a reply goes back to the caller.

use super::{Matter, Notes};
use crate::condition::ValueSource;
use crate::document::Value;
use crate::flow::report::MapTrace;
use crate::flow::stop::{Ending, Stop};
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

/// The upstream's message: for the user of a refusal, and for the administrator where nothing was decided.
pub(super) fn with_message(stop: Stop, upstream: Option<String>, told: &str) -> Stop {
    match stop.ending {
        Ending::Reject { reason, message } => {
            Stop { ending: Ending::Reject { reason, message: message.or(upstream) }, ..stop }
        }
        Ending::Unavailable(_) => Stop { explain: format!("{}{told}", stop.explain), ..stop },
        _ => stop,
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
