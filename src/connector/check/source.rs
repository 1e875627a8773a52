//! Sources: where in a reply, or in what is known already, a value is found.

use super::Check;
use super::names::Scope;
use crate::condition::ValueSource;
use crate::connector::raw::{self, Constant, SourceKind, Text};
use crate::context::Variable;
use crate::diagnostic::Diagnostics;
use crate::document::{Path, Value};
use crate::response::source::{Css, Source};

/// Compiles a source; `None` after a mistake.
pub(super) fn source(
    check: &Check<'_>,
    raw: &raw::Source,
    scope: Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<ValueSource> {
    let SourceKind::FirstOf(list) = &raw.kind else { return one(check, raw, scope, diagnostics) };
    // Every one is compiled before the list is given up, so that all mistakes are reported.
    let list: Vec<Option<ValueSource>> =
        flat(list).into_iter().map(|raw| one(check, raw, scope, diagnostics)).collect();
    list.into_iter().collect::<Option<_>>().map(ValueSource::FirstOf)
}

/// The sources of a list, those of lists in it at their place.
fn flat(list: &[raw::Source]) -> Vec<&raw::Source> {
    let each = list.iter().flat_map(|source| match &source.kind {
        SourceKind::FirstOf(inner) => flat(inner),
        _ => vec![source],
    });
    each.collect()
}

fn one(check: &Check<'_>, raw: &raw::Source, scope: Scope<'_>, diagnostics: &mut Diagnostics) -> Option<ValueSource> {
    Some(match &raw.kind {
        SourceKind::Field(text) => ValueSource::Reply(Source::Field(path(text, diagnostics)?)),
        SourceKind::Header { name, query } => {
            let Ok(header) = name.text.to_ascii_lowercase().parse() else {
                diagnostics.add(diagnostics.error_at("bad-header", &name.span, "this is no name of a header"));
                return None;
            };
            ValueSource::Reply(Source::Header { name: header, query: query.as_ref().map(|query| query.text.clone()) })
        }
        SourceKind::Cookie(name) => ValueSource::Reply(Source::Cookie(name.text.clone())),
        SourceKind::Regex(text) => ValueSource::Reply(Source::Regex(check.patterns.capturing(text, diagnostics)?)),
        SourceKind::Css { selector, attr } => {
            let css = Css::parse(&selector.text, attr.as_ref().map(|attr| attr.text.as_str())).map_err(|error| {
                diagnostics.add(diagnostics.error_at("bad-selector", &selector.span, error.to_string()));
            });
            ValueSource::Reply(Source::Css(css.ok()?))
        }
        SourceKind::Claim(text) => ValueSource::Claim(path(text, diagnostics)?),
        SourceKind::Var(text) => match Variable::parse(&text.text) {
            Ok(variable) => {
                scope.check(&variable, &text.span, diagnostics);
                ValueSource::Variable(variable)
            }
            Err(error) => {
                let mistake = diagnostics.error_at("unknown-variable", &text.span, error.to_string());
                let near = crate::diagnostic::did_you_mean(&error.name, error.known.iter().map(String::as_str));
                diagnostics.add(match near {
                    Some(near) => mistake.help(format!("did you mean `{near}`?")),
                    None => mistake.help("docs/templates.md lists the variables"),
                });
                return None;
            }
        },
        SourceKind::Value(constant) => ValueSource::Constant(value(constant)),
        SourceKind::FirstOf(_) => return None,
    })
}

/// The value of a constant; text is taken as it is, without holes.
fn value(constant: &Constant) -> Value {
    match constant {
        Constant::Null(_) => Value::Null,
        Constant::Bool(flag) => Value::Bool(flag.value),
        Constant::Number(number) => Value::Number(number.value.clone()),
        Constant::Text(text) => Value::Text(text.text.clone()),
    }
}

pub(super) fn path(text: &Text, diagnostics: &mut Diagnostics) -> Option<Path> {
    match Path::parse(&text.text) {
        Ok(path) => Some(path),
        Err(error) => {
            let span = text.span_of(error.offset..(error.offset + 1).min(text.text.len()).max(error.offset));
            let message = format!("`{}` is no path to one value: {}", text.text, error.cause);
            let mistake = diagnostics.error_at("bad-path", &span, message);
            diagnostics.add(mistake.help("write it like data.list[0].name, or as a JSONPath that yields one node"));
            None
        }
    }
}

/// How a trace and `explain` write a source.
pub(super) fn written(kind: &SourceKind) -> String {
    match kind {
        SourceKind::Field(text) => format!("field \"{}\"", text.text),
        SourceKind::Header { name, query: None } => format!("header {}", name.text),
        SourceKind::Header { name, query: Some(query) } => format!("header {} query {}", name.text, query.text),
        SourceKind::Cookie(name) => format!("cookie {}", name.text),
        SourceKind::Regex(text) => format!("regex /{}/", text.text),
        SourceKind::Css { selector, .. } => format!("css \"{}\"", selector.text),
        SourceKind::Claim(text) => format!("claim {}", text.text),
        SourceKind::Var(text) => text.text.clone(),
        SourceKind::Value(_) => "the constant".to_owned(),
        SourceKind::FirstOf(list) => list.iter().map(|source| written(&source.kind)).collect::<Vec<_>>().join(" or "),
    }
}
