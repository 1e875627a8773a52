//! The proof: what the console makes of each reply, with every hole as any text.

use super::{Check, KINDS};
use crate::door::look::{ConsoleAnswer, Judged, Reading, SeenReply};
use crate::door::plan::{Replies, ReplyKind, Row};
use crate::door::raw::look::OnTrouble;
use crate::verdict::Truth;

impl Check<'_> {
    pub(super) fn prove(&mut self, reading: &Reading, replies: &Replies) {
        for kind in KINDS {
            // One that stands for another kind was judged there; what it must not be is the same for all but accept.
            let written = self.written(*kind).is_some();
            if !written && *kind != ReplyKind::Challenge {
                continue;
            }
            for (index, row) in replies.of(*kind).iter().enumerate() {
                self.prove_row(reading, *kind, index, row);
            }
        }
        self.rights(reading, replies);
        self.words_for_trouble(reading, replies);
    }

    fn prove_row(&mut self, reading: &Reading, kind: ReplyKind, index: usize, row: &Row) {
        let written = self.written(kind).or_else(|| self.written(ReplyKind::Reject)).and_then(|rows| rows.0.get(index));
        let span = written.map_or_else(|| self.raw.place.key("replies").clone(), |row| row.place.span.clone());
        let Some(parts) = row.plan.with_marks() else {
            let message = "this reply holds a character of the private use area (U+E000 to U+E002)";
            return self.wrong(
                "door-marks",
                &span,
                message,
                "take it away: these stand for holes while a door is proved",
            );
        };
        let judged = reading.judge(&SeenReply::new(row.status.as_u16(), &parts, reading, true));
        let answer = reading.answer(judged);
        if is_meant(kind, answer) {
            return;
        }
        let holes = parts_with_holes(row);
        let (message, label) = told(reading, kind, judged, answer);
        let help = match answer {
            ConsoleAnswer::Unsure if !holes.is_empty() => {
                format!(
                    "what a hole holds must not decide: write literal text in {holes}, or text before the hole that decides"
                )
            }
            ConsoleAnswer::LeavesOpen => "write a reply that this console takes for a refusal".to_owned(),
            _ => format!("write a reply that {} takes for {}", reading.name, wanted(kind)),
        };
        let mistake = self.diagnostics.error_at("door-reading", &span, message).label(label);
        self.diagnostics.add(mistake.help(help));
    }

    /// Parts that give rights hold literal text or a table.
    fn rights(&mut self, reading: &Reading, replies: &Replies) {
        for (index, row) in replies.of(ReplyKind::Accept).iter().enumerate() {
            for (part, hole) in row.plan.holes_by_part() {
                let gives = |name: &&String| {
                    let rest = part.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name));
                    rest.is_some_and(|_| part[name.len()..].chars().next().is_none_or(|c| matches!(c, '.' | '[')))
                };
                let Some(name) = reading.literal_or_table.iter().find(gives) else { continue };
                if hole.variables().all(crate::context::Variable::is_closed) {
                    continue;
                }
                let place = self.raw.replies.accept.0.get(index).map(|row| row.place.span.clone());
                let span = place.unwrap_or_else(|| self.raw.place.key("replies").clone());
                let message =
                    format!("`{name}` gives rights at {}, and `{}` decides them", reading.name, hole.variable);
                let help = "write the words in a table: tables: { NAME: { of: accept.attributes.group, ops: administrator, else: \"\" } }";
                self.wrong("door-rights", &span, message, help);
            }
        }
    }

    /// A console that has a word for trouble should hear it: else a broken upstream looks like wrong passwords.
    fn words_for_trouble(&mut self, reading: &Reading, replies: &Replies) {
        if reading.trouble.is_none() || reading.on_trouble != OnTrouble::Refuses {
            return;
        }
        let told = replies.of(ReplyKind::Unavailable).iter().any(|row| {
            let parts = row.plan.with_marks().unwrap_or_default();
            reading.judge(&SeenReply::new(row.status.as_u16(), &parts, reading, true)).trouble == Truth::True
        });
        if !told {
            let span = self.raw.replies.unavailable.0[0].place.span.clone();
            let message = format!("{} cannot tell this from a wrong password", reading.name);
            let mistake = self.diagnostics.error_at("door-trouble", &span, message).as_warning();
            let mistake = mistake.label("the console has a word for trouble");
            self.diagnostics.add(mistake.help("write a reply that it takes for trouble, such as status: 503"));
        }
    }
}

fn is_meant(kind: ReplyKind, answer: ConsoleAnswer) -> bool {
    match kind {
        ReplyKind::Accept => answer == ConsoleAnswer::Accepts,
        ReplyKind::Challenge => matches!(answer, ConsoleAnswer::Asks | ConsoleAnswer::Refuses),
        _ => answer == ConsoleAnswer::Refuses,
    }
}

fn wanted(kind: ReplyKind) -> &'static str {
    match kind {
        ReplyKind::Accept => "an accept and nothing else",
        ReplyKind::Challenge => "a question or a refusal",
        _ => "a refusal",
    }
}

/// Which reply reads how, and what stands beside the caret.
fn told(reading: &Reading, kind: ReplyKind, judged: Judged, answer: ConsoleAnswer) -> (String, String) {
    let name = &reading.name;
    let does = match (answer, reading.on_trouble) {
        (ConsoleAnswer::Accepts, _) => "takes it for an accept",
        (ConsoleAnswer::Refuses, _) => "takes it for a refusal",
        (ConsoleAnswer::Asks, _) => "takes it for a question to the user",
        (ConsoleAnswer::LeavesOpen, OnTrouble::LetsIn) => "takes it for trouble, and may let the user in then",
        (ConsoleAnswer::LeavesOpen, _) => "takes it for trouble, and asks another authenticator then",
        (ConsoleAnswer::Unsure, _) => "may take it for one thing or another",
    };
    let Judged { accepts, refuses, asks, trouble } = judged;
    let says = |truth: Truth| truth.as_str();
    let label = format!(
        "accepts: {}, refuses: {}, asks: {}, trouble: {}",
        says(accepts),
        says(refuses),
        says(asks),
        says(trouble)
    );
    (format!("the reply for {kind}: {name} {does}"), label)
}

fn parts_with_holes(row: &Row) -> String {
    let mut parts: Vec<&str> = row.plan.holes_by_part().map(|(part, _)| part).collect();
    parts.dedup();
    parts.join(", ")
}
