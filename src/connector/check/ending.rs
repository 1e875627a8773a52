//! How a login ends: what is mapped once, alternative endings, and a step that only collects.

use super::skip;
use crate::condition::ValueSource;
use crate::connector::Step;
use crate::connector::raw::{self, Text};
use crate::diagnostic::{Diagnostics, Span};

/// Whether the step sends nothing and asks nothing, and only gathers what other steps brought: `capture` and `map`.
pub(super) fn collects(raw: &raw::Step) -> bool {
    let writes = |key: &str| raw.response.as_ref().is_some_and(|response| response.place.written(key).is_some());
    raw.request.is_none() && raw.ask.is_none() && (writes("map") || writes("capture"))
}

/// What stands in a step that only collects must be known without a reply.
pub(super) fn known_without_reply(raw: &raw::Step, step: &Step, diagnostics: &mut Diagnostics) {
    let Some(response) = raw.response.as_ref().filter(|_| collects(raw)) else { return };
    for key in [
        "format",
        "charset",
        "preprocess",
        "preprocess_file",
        "jwt",
        "reject",
        "unavailable",
        "more",
        "success",
        "identity",
    ] {
        if let Some(span) = response.place.written(key) {
            let message = format!("`{key}` is about a reply, and this step has no request");
            diagnostics.add(diagnostics.error_at("no-request", span, message).help("leave it out, or write `request`"));
        }
    }
    for source in step.response.sources() {
        if matches!(source, ValueSource::Reply(_) | ValueSource::Claim(_)) {
            let message = format!("`{source}` is a part of a reply, and this step has no request");
            let mistake = diagnostics.error_at("no-request", &raw.name.span, message);
            diagnostics.add(
                mistake.help("capture it in the step whose reply has it, and name it: { var: steps.login.token }"),
            );
        }
    }
}

/// Extension and attributes come from all steps: where two that can both run fill the same one, it is a mistake.
pub(super) fn mapped_once(raw: &raw::Connector, steps: &[Step], diagnostics: &mut Diagnostics) {
    // Which steps can both run is known only of steps without mistakes of their own.
    if steps.len() != raw.steps.len() {
        return;
    }
    let alternative = |one: usize, other: usize| skip::exclusive(one, other, steps);
    let mut extensions: Vec<usize> = Vec::new();
    let mut attributes: Vec<(&str, usize)> = Vec::new();
    for (index, step) in raw.steps.iter().enumerate() {
        let Some(map) = step.response.as_ref().and_then(|response| response.map.as_ref()) else { continue };
        if map.extension.is_some() {
            if let Some(earlier) = extensions.iter().find(|earlier| !alternative(**earlier, index)) {
                let (span, what) = (map.place.key("extension"), "`extension`".to_owned());
                twice(span, &what, [&raw_name(raw, *earlier).text, &step.name.text], diagnostics);
            }
            extensions.push(index);
        }
        for (name, _) in map.attributes.iter() {
            let mut same = attributes.iter().filter(|(known, _)| *known == name.value);
            if let Some((_, earlier)) = same.find(|(_, earlier)| !alternative(*earlier, index)) {
                let what = format!("the attribute `{}`", name.value);
                twice(&name.span, &what, [&raw_name(raw, *earlier).text, &step.name.text], diagnostics);
            }
            attributes.push((&name.value, index));
        }
    }
}

fn raw_name(raw: &raw::Connector, index: usize) -> &Text {
    let step = raw.steps.get(index).unwrap_or(&raw.steps[0]);
    &step.name
}

fn twice(span: &Span, what: &str, [earlier, later]: [&str; 2], diagnostics: &mut Diagnostics) {
    let message = format!("the step `{earlier}` fills {what} already, and both steps can run in one login");
    let mistake = diagnostics.error_at("mapped-twice", span, message);
    let mistake = mistake.label(format!("filled by `{later}` too"));
    diagnostics.add(mistake.help(
        "capture the parts, and map them once, in a last step without a request: \
         extension: { object: { token: [ { var: steps.verify.token }, { var: steps.login.token } ] } }",
    ));
}
