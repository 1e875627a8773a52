//! Diagnostics for what is found in a connector after it was built.

use std::sync::Arc;

use super::misread::Misread;
use super::probe::FalseProof;
use crate::condition::Rule;
use crate::connector::raw;
use crate::diagnostic::{Diagnostic, SourceFile, Span};
use crate::upstream::ClientError;

/// The origin that egress forbids is in the connector file, unless it comes from the environment.
pub(super) fn no_transport(raw: &raw::Connector, file: &Arc<SourceFile>, error: &ClientError) -> Diagnostic {
    let whole = || if raw.transport.is_some() { raw.place.key("transport") } else { raw.place.key("steps") }.clone();
    match error {
        ClientError::Egress { origin, .. } => {
            let span = written(file, origin).unwrap_or_else(whole);
            let message = format!("the daemon's egress rules forbid {error}");
            let mistake = Diagnostic::error("egress", file, span, message).label("nothing may be sent there");
            mistake.help("egress in doorward.yaml is the operator's bound: list the address there, or correct it here")
        }
        _ => Diagnostic::error("transport", file, whole(), error.to_string()),
    }
}

/// The place of an origin in the file, found by its host: the port may be missing, and the case may differ.
fn written(file: &SourceFile, origin: &str) -> Option<Span> {
    let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
    let host = authority
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(authority, |it| it.0);
    let at = file.text.to_ascii_lowercase().find(&host.to_ascii_lowercase())?;
    Some(at..at + host.len())
}

pub(super) fn took_for_success(raw: &raw::Connector, file: &Arc<SourceFile>, proof: &FalseProof) -> Diagnostic {
    let step = raw.steps.iter().find(|step| step.name.text == proof.step);
    let response = step.and_then(|step| step.response.as_ref());
    let (rule, taken_for) = match proof.rule {
        Rule::More => (response.and_then(|response| response.more.as_ref()), "right so far"),
        _ => (response.and_then(|response| response.success.as_ref()), "a success"),
    };
    let span = rule.map_or_else(|| raw.place.key("steps").clone(), |rule| rule.place.span.clone());
    let message = format!("the step `{}` takes a reply for {taken_for} that proves nothing", proof.step);
    let with = if proof.common_headers { ", with the header fields and cookies that any page has" } else { "" };
    Diagnostic::error("probe", file, span, message)
        .label(format!("true for {} with HTTP {}{with}", proof.reply, proof.status))
        .help("look at something that only a right password brings, such as a token: { field: …, has_value: true }")
}

/// A warning for a step without `otherwise`; an author who writes it has decided what it means when no rule is true.
pub(super) fn took_for_wrong(raw: &raw::Connector, file: &Arc<SourceFile>, misread: &Misread) -> Option<Diagnostic> {
    let Misread { step, reply, status, guessed } = misread;
    let response = raw.steps.iter().find(|raw| raw.name.text == *step)?.response.as_ref()?;
    // The same holds for a written `format: auto`.
    let meant = response.otherwise.is_some() || (*guessed && response.format.is_some());
    let success = response.success.as_ref().filter(|_| !meant)?;
    let message = format!("the step `{step}` takes {reply} in place of the reply for a wrong password");
    let warning = Diagnostic::error("page-is-no", file, success.place.span.clone(), message).as_warning();
    let warning = warning.label(format!("not met by it with HTTP {status}, and no other rule is true"));
    let wrong = "say what a wrong password looks like, and all else is unavailable: reject: [ { when: …, reason: \
                 invalid_credentials } ]; or write otherwise: invalid_credentials, if this is meant";
    let warning = warning.help(wrong);
    Some(if *guessed {
        warning.help("write format: json (or xml, …) for a server that never answers with a page")
    } else {
        warning
    })
}
