//! Texts of a connector: from mistakes in one to places in the file, and templates with the names in them checked.

use super::Check;
use super::names::Scope;
use crate::connector::raw::Text;
use crate::context::Variable;
use crate::diagnostic::Diagnostics;
use crate::template::{self, Place, Template};

/// Notes a mistake that was found inside `text`.
fn in_text(text: &Text, mistake: template::Mistake, mistakes: &mut Diagnostics) {
    let span = text.span_of(mistake.offset.clone());
    mistakes.add(mistake.at(&span, mistakes));
}

/// A template outside a request, its names checked.
pub(super) fn template(
    check: &Check<'_>,
    text: &Text,
    place: Place,
    scope: Scope<'_>,
    mistakes: &mut Diagnostics,
) -> Option<Template> {
    match Template::parse(&text.text, &check.language) {
        Ok(template) => {
            for mistake in template.check(place) {
                in_text(text, mistake, mistakes);
            }
            for hole in template.holes() {
                for variable in hole.variables() {
                    // The scheme knows the request that it signs; scopes do not.
                    if place == Place::Signed && matches!(variable, Variable::Signed(_)) {
                        continue;
                    }
                    let span = text.span_of(hole.range.clone());
                    scope.check(variable, &span, mistakes);
                    if scope.is_optional(variable) && !hole.has_default() && place != Place::Plain {
                        let message = format!("`{variable}` is optional, so it may be missing here");
                        let mistake = mistakes.error_at("optional-without-default", &span, message);
                        mistakes.add(mistake.help("say what stands for it with the filter default"));
                    }
                }
            }
            Some(template)
        }
        Err(found) => {
            for mistake in found {
                in_text(text, mistake, mistakes);
            }
            None
        }
    }
}
