//! The memory that a login uses for replies, decoded and not as bytes on the wire: the current reply, and what steps
//! retain of earlier ones (captures, pages, extension, attributes, `env`).
//!
//! One login may retain as much as one document may take. All logins of a connector, and of the daemon, have a budget
//! (`limits.connector_reply_memory`, `limits.reply_memory`); beyond it a login is unavailable(overloaded).

use indexmap::IndexMap;

use super::state::Run;
use super::stop::Stop;
use crate::context::StepFacts;
use crate::document::{Value, object_bytes};
use crate::verdict::{Cause, Mapped};

impl Run<'_> {
    /// Reserves `bytes` for the current reply, beside what is retained of earlier ones. A send test has most of it
    /// twice.
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), Stop> {
        let times = if self.tracing { 2 } else { 1 };
        let held = self.share.hold((self.retained + bytes).saturating_mul(times));
        held.map_err(|_| {
            let what = "the replies that logins hold take as much memory as limits.reply_memory or \
                        limits.connector_reply_memory allows";
            Stop::unavailable(Cause::Overloaded, what)
        })
    }

    /// Counts again what is retained, after a reply was dropped.
    pub(super) fn count_retained(&mut self) -> Result<(), Stop> {
        let steps = self.context.steps.values().map(facts_bytes).sum::<usize>();
        let mapped = mapped_bytes(&self.mapped) + mapped_bytes(&self.refused);
        self.retained = steps + mapped + object_bytes(&self.context.env);
        let most = self.connector.max_document.0;
        if self.retained > most {
            let line = format!(
                "what this login retains of replies takes {} KiB of memory, and transport.max_document allows {}",
                self.retained >> 10,
                most >> 10
            );
            return Err(Stop::unavailable(Cause::ResponseTooLarge, line));
        }
        self.hold(0)
    }
}

fn facts_bytes(facts: &StepFacts) -> usize {
    captures_bytes(&facts.captures) + facts.page.bytes()
}

/// What the captures of a step take.
pub(super) fn captures_bytes(captures: &IndexMap<String, Option<Value>>) -> usize {
    captures.values().flatten().map(Value::bytes).sum()
}

fn mapped_bytes(mapped: &Mapped) -> usize {
    let attributes = mapped.attributes.iter().map(|(name, value)| name.len() + value.bytes());
    mapped.extension.as_ref().map_or(0, Value::bytes) + attributes.sum::<usize>()
}

#[cfg(test)]
mod tests;
