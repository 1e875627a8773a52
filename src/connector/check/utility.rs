//! What cannot stand in a utility: no user logs in there, so there is no credential, no factor, no verdict.
//!
//! A utility never says accept by its type (`flow::utility`); this refuses what would read as if it could.

use super::WrittenScript;
use crate::connector::raw;
use crate::connector::raw::golden::GoldenCase;
use crate::connector::{ConnectorKind, Role};
use crate::diagnostic::{Diagnostics, Span};
use crate::script::Reads;

/// Whether the file is a utility.
pub(super) fn is(raw: &raw::Connector) -> bool {
    raw.kind.as_ref().is_some_and(|kind| kind.value == ConnectorKind::Utility)
}

/// Notes everything that a utility cannot have.
pub(super) fn refuse(raw: &raw::Connector, scripts: &[WrittenScript], reads: &[Reads], diagnostics: &mut Diagnostics) {
    if !is(raw) {
        return;
    }
    if let Some(input) = &raw.input {
        for key in ["password", "password_fields", "username_fields", "allow_empty_password"] {
            if let Some(span) = input.place.written(key) {
                note(key, span, "there is no password here", diagnostics);
            }
        }
    }
    if let Some(span) = raw.place.written("cookie_delivery") {
        note(
            "cookie_delivery",
            span,
            "cookies are delivered on accept only; map one: extension: { object: … }",
            diagnostics,
        );
    }
    for step in raw.steps.iter() {
        of_step(step, diagnostics);
    }
    for (script, reads) in scripts.iter().zip(reads) {
        of_script(script, reads, diagnostics);
    }
    for case in &raw.tests {
        of_case(case, diagnostics);
    }
}

fn of_step(step: &raw::Step, diagnostics: &mut Diagnostics) {
    if let Some(role) = step.role.as_ref().filter(|role| role.value == Role::Factor) {
        note("role: factor", &role.span, "a utility proves no user; leave it out", diagnostics);
    }
    if let Some(span) = step.place.written("ask") {
        note("ask", span, "a utility does not pause; the console calls it again", diagnostics);
    }
    let Some(response) = &step.response else { return };
    for (key, why) in [
        ("more", "no later factor will finish; leave it out"),
        ("pending", "a utility does not pause; the console calls it again"),
        ("identity", "no user is authenticated; leave it out"),
        ("jwt", "no user is authenticated; leave it out"),
    ] {
        if let Some(span) = response.place.written(key) {
            note(key, span, why, diagnostics);
        }
    }
    if let Some(span) = response.map.as_ref().and_then(|map| map.place.written("attributes")) {
        note("attributes", span, "a utility gives back its extension only; map it there", diagnostics);
    }
}

/// A script that passes `user` on as a whole could read a password that is not there.
fn of_script(script: &WrittenScript, reads: &Reads, diagnostics: &mut Diagnostics) {
    for name in ["userPassword", "fields"].iter().filter(|name| reads.user.has(name)) {
        note(&format!("user.{name}"), &script.at, "take what the call needs from input.attributes", diagnostics);
    }
    if reads.user.all {
        let message = "a script of a utility must name what it reads of `user`";
        let mistake = diagnostics.error_at("utility", &script.at, message).label("it passes `user` on as a whole");
        diagnostics.add(mistake.help("write user.username, user.clientIp or user.<attribute>"));
    }
}

/// A case of a utility expects an extension, a `reason` or a `cause`, and never a verdict.
fn of_case(case: &GoldenCase, diagnostics: &mut Diagnostics) {
    let user = case.user.as_ref().and_then(|user| user.place.written("userPassword"));
    if let Some(span) = user {
        note("userPassword", span, "there is no password here", diagnostics);
    }
    for key in ["verdict", "subject", "attributes", "challenge", "cookies"] {
        if let Some(span) = case.expect.place.written(key) {
            let why = "a call comes to an extension, to a `reason` (refused) or to a `cause` (unavailable)";
            note(key, span, why, diagnostics);
        }
    }
}

fn note(what: &str, span: &Span, why: &str, diagnostics: &mut Diagnostics) {
    let mistake = diagnostics.error_at("utility", span, format!("a utility has no `{what}`"));
    diagnostics.add(mistake.label("no user logs in here").help(why));
}
