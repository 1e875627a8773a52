//! Keys of the language whose feature is still to come: refused, never ignored (docs/security.md, failure 22).

use crate::connector::raw;
use crate::connector::raw::ask::{Ask, AskType};
use crate::diagnostic::{Diagnostics, Span};

/// Notes each key that is written and not supported yet.
pub(super) fn refuse(raw: &raw::Connector, diagnostics: &mut Diagnostics) {
    for step in raw.steps.iter() {
        if let Some(response) = step.response.as_ref().filter(|response| response.jwt.is_some()) {
            note("response.jwt", response.place.key("jwt"), diagnostics);
        }
    }
}

fn note(what: &str, span: &Span, diagnostics: &mut Diagnostics) {
    let mistake = diagnostics.error_at("not-supported", span, format!("`{what}` is not supported yet"));
    diagnostics
        .add(mistake.label("this version of Doorward cannot do it").help("leave it out, or use a newer version"));
}

/// Whether what is asked for proves the user somewhere else than in a request of this connector.
pub(super) fn other_device(ask: &Ask) -> bool {
    matches!(ask.r#type.value, AskType::Redirect | AskType::Push)
}
