//! Stage 9: what a reply maps for the caller.

use super::input::{Findings, JudgeInput, StepSuccess};
use crate::condition::ValueSource;
use crate::connector::Step;
use crate::document::Value;
use crate::flow::report::MapTrace;
use crate::flow::state::Run;
use crate::flow::stop::{Ending, Stop};
use crate::flow::{conceal, explain};
use crate::verdict::Mapped;

/// Error code and message of this reply, whatever the judgement; the last reply wins.
pub(super) fn map_error(input: JudgeInput<'_>, findings: &mut Findings) -> Option<String> {
    let (code, message) = input.step.response.map.error(input.facts(), input.mask);
    if input.tracing {
        let map = &input.step.response.map;
        let keeps =
            |source: &Option<ValueSource>| source.as_ref().is_some_and(|source| input.secrecy.keeps_source(source));
        findings.map = Some(MapTrace {
            error_code: code.clone(),
            error_message: message.clone(),
            kept: keeps(&map.error_code) || keeps(&map.error_message),
            ..MapTrace::default()
        });
    }
    findings.error = Some((code, message.clone()));
    message
}

/// Adds the upstream's message to a reject that has none of its own.
pub(super) fn with_message(stop: Stop, upstream: Option<String>) -> Stop {
    match stop.ending {
        Ending::Reject { reason, message } => {
            Stop { ending: Ending::Reject { reason, message: message.or(upstream) }, ..stop }
        }
        _ => stop,
    }
}

impl Findings {
    /// Adds the upstream's error code and message to the explain line of an undecided reply, unless they repeat a
    /// secret; a trace always has them.
    pub(super) fn explain_undecided(&mut self, step: &Step, run: &Run<'_>, result: &mut Result<StepSuccess, Stop>) {
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
        let shown = (code.filter(fits), message.filter(fits));
        if let Some(explain) = undecided {
            explain.push_str(&explain::upstream_error(shown.0, shown.1));
        }
        if let Some(map) = &mut self.map {
            map.kept |= shown != (code, message);
        }
    }
}

/// Stage 9: extension and attributes.
pub(super) fn map_data(input: JudgeInput<'_>, findings: &mut Findings) -> Mapped {
    let own = input.step.response.map.data(input.facts());
    if input.tracing && !input.step.response.map.is_empty() {
        findings.map.get_or_insert_default();
    }
    show_map(&own, findings);
    own
}

/// Stage 9 of a reject: extension and attributes of this reply alone, without what is missing.
pub(super) fn map_refused(input: JudgeInput<'_>, findings: &mut Findings) {
    let mut own = input.step.response.map.data(input.facts());
    let empty = |value: &Value| match value {
        Value::Object(parts) => parts.values().all(|part| *part == Value::Null),
        other => *other == Value::Null,
    };
    own.extension = own.extension.filter(|extension| !empty(extension));
    own.attributes.retain(|(_, value)| *value != Value::Null);
    show_map(&own, findings);
    findings.refused = Some(own);
}

fn show_map(own: &Mapped, findings: &mut Findings) {
    if let Some(map) = &mut findings.map {
        map.extension.clone_from(&own.extension);
        map.attributes.clone_from(&own.attributes);
    }
}
