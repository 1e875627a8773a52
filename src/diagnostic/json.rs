//! Diagnostics for tools: `doorward check --format json`.

use serde_json::{Value, json};

use super::{Diagnostic, Severity};

/// One diagnostic as an object: `severity` (`error`, `warning`), `code`, `message`, `file`, `line`, `column`, `end_line`,
/// `end_column` (from 1, in characters, the end not included; null without a place), `label` (or null), `help` (a list).
pub fn to_json(diagnostic: &Diagnostic) -> Value {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = diagnostic.at.as_ref().map(|(file, span)| (file, file.position(span.start), file.position(span.end)));
    json!({
        "severity": severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "file": place.as_ref().map(|(file, ..)| file.path.to_string_lossy().into_owned()),
        "line": place.as_ref().map(|(_, start, _)| start.line),
        "column": place.as_ref().map(|(_, start, _)| start.column),
        "end_line": place.as_ref().map(|(.., end)| end.line),
        "end_column": place.as_ref().map(|(.., end)| end.column),
        "label": diagnostic.label,
        "help": diagnostic.help,
    })
}

/// All of them as a JSON array, indented, with a line end.
pub fn render_json(diagnostics: &[Diagnostic]) -> String {
    let list: Vec<Value> = diagnostics.iter().map(to_json).collect();
    format!("{:#}\n", Value::Array(list))
}
