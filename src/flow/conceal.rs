//! What a login makes of its credentials is hidden like them: the value that a script computed from the password, the token
//! that an earlier step captured. An upstream may repeat either in a message or in a page's title.

use super::login::EXPLAIN_CHARACTERS;
use super::run::Run;
use crate::context::{FieldKind, Variable};
use crate::document::Value;
use crate::mask::{DERIVED, MASK};
use crate::secret::Secret;

/// Hides what the scripts of this login computed from credentials. Declared public, it is none.
pub(super) fn env(run: &mut Run<'_>, public: &[String]) {
    let secret = |name: &str| {
        run.connector.secret_env.covers(name) && !public.contains(&Variable::Env(name.to_owned()).to_string())
    };
    let texts = run.context.env.iter().filter(|(name, _)| secret(name)).filter_map(|(_, value)| long(value));
    let found: Vec<Secret> = texts.map(Secret::new).collect();
    if !found.is_empty() {
        run.mask.add(&found);
    }
}

/// The line of explanation: masked first, then cut, so that the cut leaves no part of a credential.
pub(super) fn line(run: &Run<'_>, explain: &str) -> String {
    let mut shown = run.mask.hide(explain);
    for step in &run.connector.steps {
        let Some(facts) = run.context.steps.get(&step.name) else { continue };
        for capture in step.response.captures.iter().filter(|capture| !capture.public) {
            let value = facts.captures.get(&capture.name).and_then(Option::as_ref);
            if let Some(text) = value.and_then(long).filter(|text| shown.contains(*text)) {
                shown = shown.replace(text, MASK);
            }
        }
        // What a form keeps from people is a token as often as not; what they see of it is none.
        let fields = facts.page.forms.values().flatten().flat_map(|form| &form.fields);
        for field in fields.filter(|field| field.kind == FieldKind::Hidden) {
            let long = field.value.as_deref().filter(|text| text.chars().count() >= DERIVED);
            if let Some(text) = long.filter(|text| shown.contains(*text)) {
                shown = shown.replace(text, MASK);
            }
        }
    }
    if let Some((end, _)) = shown.char_indices().nth(EXPLAIN_CHARACTERS) {
        shown.truncate(end);
    }
    shown
}

/// A text that is no word.
fn long(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) if text.chars().count() >= DERIVED => Some(text),
        _ => None,
    }
}
