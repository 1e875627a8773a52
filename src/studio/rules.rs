//! `POST /v1/studio/rule`: a field of a reply becomes a rule, a capture, an identity or a part of `map`, as a change of the text.
//!
//! Nothing is saved here: the page puts the change into its text, where it can be undone.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::Request;
use serde::Deserialize;
use serde_json::json;

use super::positions::range;
use super::problems::NO_EDIT;
use super::state::{MAX_BODY, Studio};
use crate::api::body::{Members, read_up_to};
use crate::api::problem::{Mistake, Problem};
use crate::diagnostic::SourceFile;
use crate::document::Path;
use crate::edit::{EditError, EditableText, TextEdit, key, member, plain};
use crate::verdict::Reason;
use crate::yaml::{Node, NodeValue};

/// What `doorward new` writes where only the server's replies tell what belongs there.
const FILL_IN: &str = "FILL_IN";

/// What a field becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FieldUse {
    Success,
    Reject,
    Unavailable,
    Capture,
    Identity,
    Map,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleBody {
    id: String,
    text: String,
    step: String,
    /// As the trace shows it.
    path: String,
    r#use: FieldUse,
    /// What it must equal; the value of the last test when left out.
    equals: Option<String>,
    /// Whether it only must have a value.
    has_value: Option<bool>,
    /// Of a reject.
    reason: Option<String>,
    /// Of a capture, or the key of `map`.
    name: Option<String>,
}

/// A rule that is to be written.
struct NewRule<'a> {
    step: &'a str,
    path: &'a str,
    r#use: FieldUse,
    /// The condition, on one line.
    condition: String,
    reason: &'a str,
    name: &'a str,
}

/// The endpoint.
pub(super) async fn post(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    answer(&studio, request).await.unwrap_or_else(Problem::into_response)
}

async fn answer(studio: &Studio, request: Request<Body>) -> Result<Response, Problem> {
    studio.session(&request)?;
    let bytes = read_up_to(MAX_BODY, request, studio.app.limits().body).await?;
    let body = Members::of(&bytes)?.read::<RuleBody>()?;
    let invalid = |member: &'static str, detail: &str| Problem::invalid(vec![Mistake::at(&[member], detail)]);
    let path = Path::parse(&body.path).map_err(|_| invalid("path", "not a path of a field"))?;
    let reason = body.reason.as_deref().unwrap_or("invalid_credentials");
    if !Reason::ALL.iter().any(|known| known.as_str() == reason) {
        return Err(invalid("reason", "not a reason"));
    }
    let name = body.name.as_deref().unwrap_or_default();
    if matches!(body.r#use, FieldUse::Capture | FieldUse::Map) && !is_name(name) {
        return Err(invalid("name", "a name has letters, digits and _, and begins with a letter"));
    }
    let compares = matches!(body.r#use, FieldUse::Success | FieldUse::Reject | FieldUse::Unavailable);
    let condition = match (compares, body.has_value, &body.equals) {
        (false, ..) => String::new(),
        (true, Some(true), _) => format!("{{ field: {}, has_value: true }}", plain(&body.path)),
        (true, _, given) => {
            let last = || studio.last_reply.code(&body.id, &body.step, &path, &body.path);
            let value = given.as_deref().map(typed).or_else(last);
            let value = value.ok_or_else(|| invalid("equals", "the last test does not say; type the value"))?;
            format!("{{ field: {}, equals: {value} }}", plain(&body.path))
        }
    };
    let rule = NewRule { step: &body.step, path: &body.path, r#use: body.r#use, condition, reason, name };
    let edits = edits(&body.text, &rule).map_err(|error| Problem::of(NO_EDIT).detail(error.to_string()))?;
    let file = SourceFile { path: std::path::PathBuf::new(), text: body.text };
    let edits: Vec<_> =
        edits.iter().map(|edit| json!({ "range": range(&file, &edit.span), "text": edit.text })).collect();
    Ok(axum::Json(json!({ "edits": edits })).into_response())
}

fn is_name(name: &str) -> bool {
    let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    fits && name.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// What a person types: a number, `true`, `false`, or else a text. In quotes it is a text in any case.
fn typed(given: &str) -> String {
    let literal = serde_json::from_str::<serde_json::Value>(given).ok();
    match literal.filter(|value| value.is_number() || value.is_boolean() || value.is_string()) {
        Some(serde_json::Value::String(text)) => plain(&text),
        Some(_) => given.trim().to_owned(),
        None => plain(given),
    }
}

fn edits(text: &str, rule: &NewRule<'_>) -> Result<Vec<TextEdit>, EditError> {
    let text = EditableText::read(text)?;
    let step = step(text.root(), rule.step).ok_or(EditError::NoPlace)?;
    let (entry, absent) = match rule.r#use {
        FieldUse::Success | FieldUse::Unavailable => return condition(&text, step, rule),
        FieldUse::Reject => {
            let row = format!("{{ when: {}, reason: {} }}", rule.condition, rule.reason);
            (("reject", row.clone()), format!("[ {row} ]"))
        }
        FieldUse::Capture => (("capture", plain(rule.path)), pair(rule)),
        FieldUse::Map => (("map", plain(rule.path)), pair(rule)),
        FieldUse::Identity => return put(&text, step, "identity", &plain(rule.path)).map(|edit| vec![edit]),
    };
    let (name, value) = entry;
    let present = member(step, "response").and_then(|response| member(response, name));
    let edit = match present {
        Some(list) if rule.r#use == FieldUse::Reject => match open_row(&text, list) {
            Some(row) => text.replace(row, &value)?,
            None => text.add_item(list, &value)?,
        },
        Some(map) => text.add_key(map, rule.name, &value)?,
        None => put(&text, step, name, &absent)?,
    };
    Ok(vec![edit])
}

/// A row that `doorward new` left to be filled in.
fn open_row<'n>(text: &EditableText<'_>, list: &'n Node) -> Option<&'n Node> {
    let NodeValue::List(rows) = &list.value else { return None };
    rows.iter().find(|row| text.written(row).contains(FILL_IN))
}

fn pair(rule: &NewRule<'_>) -> String {
    format!("{{ {}: {} }}", key(rule.name), plain(rule.path))
}

fn step<'n>(root: &'n Node, name: &str) -> Option<&'n Node> {
    let NodeValue::List(steps) = &member(root, "steps")?.value else { return None };
    let is_it = |step: &&Node| match member(step, "name").map(|name| &name.value) {
        Some(NodeValue::Scalar(scalar)) => scalar.text == name,
        _ => false,
    };
    steps.iter().find(is_it)
}

/// A key of the response, which is made if need be.
fn put(text: &EditableText<'_>, step: &Node, name: &str, value: &str) -> Result<TextEdit, EditError> {
    match member(step, "response") {
        Some(response) => text.add_key(response, name, value),
        None => text.add_key(step, "response", &format!("{{ {name}: {value} }}")),
    }
}

/// Beside what is there: `success` needs all, `unavailable` any.
fn condition(text: &EditableText<'_>, step: &Node, rule: &NewRule<'_>) -> Result<Vec<TextEdit>, EditError> {
    let (name, of) = if rule.r#use == FieldUse::Success { ("success", "all") } else { ("unavailable", "any") };
    let Some(present) = member(step, "response").and_then(|response| member(response, name)) else {
        return put(text, step, name, &rule.condition).map(|edit| vec![edit]);
    };
    if text.written(present).contains(FILL_IN) {
        return text.replace(present, &rule.condition).map(|edit| vec![edit]);
    }
    let alone = matches!(&present.value, NodeValue::Map(entries) if entries.len() == 1);
    match member(present, of).filter(|_| alone) {
        Some(list) => text.add_item(list, &rule.condition).map(|edit| vec![edit]),
        None => text.wrap(present, &format!("{{ {of}: [ "), &format!(", {} ] }}", rule.condition)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::applied_all;

    const TEXT: &str = "steps:\n  - name: login # first\n    response:\n      format: json # why\n      \
                        success: { field: code, equals: 0 } # right\n      map: { error_code: code }\n  - name: next\n";

    fn made(r#use: FieldUse, step: &str, name: &str) -> Result<String, EditError> {
        let condition = "{ field: a.b, equals: 1 }".to_owned();
        let rule = NewRule { step, path: "a.b", r#use, condition, reason: "account_locked", name };
        edits(TEXT, &rule).map(|edits| applied_all(TEXT, &edits))
    }

    #[test]
    fn a_field_becomes_a_rule_where_rules_stand() {
        let after = |from: &str, to: &str| Ok(TEXT.replacen(from, to, 1));
        let success = "success: { field: code, equals: 0 }";
        let both = "success: { all: [ { field: code, equals: 0 }, { field: a.b, equals: 1 } ] }";
        assert_eq!(made(FieldUse::Success, "login", ""), after(success, both));
        let map = "map: { error_code: code }";
        assert_eq!(
            made(FieldUse::Map, "login", "error_message"),
            after(map, "map: { error_code: code, error_message: a.b }")
        );
        assert_eq!(made(FieldUse::Map, "login", "error_code"), Err(EditError::Taken));
        for (r#use, line) in [
            (FieldUse::Reject, "reject: [ { when: { field: a.b, equals: 1 }, reason: account_locked } ]"),
            (FieldUse::Unavailable, "unavailable: { field: a.b, equals: 1 }"),
            (FieldUse::Capture, "capture: { token: a.b }"),
            (FieldUse::Identity, "identity: a.b"),
        ] {
            assert_eq!(made(r#use, "login", "token"), after(map, &format!("{map}\n      {line}")), "{line}");
        }
        assert_eq!(made(FieldUse::Identity, "next", ""), Ok(format!("{TEXT}    response: {{ identity: a.b }}\n")));
        assert_eq!(made(FieldUse::Identity, "nowhere", ""), Err(EditError::NoPlace));
    }

    #[test]
    fn what_was_left_open_is_filled_in() {
        let open = TEXT.replace("{ field: code, equals: 0 }", "{ field: FILL_IN, equals: x }").replace(
            "map:",
            "reject:\n        - { when: { field: FILL_IN, equals: y }, reason: other } # why\n      map:",
        );
        let made = |r#use| {
            let condition = "{ field: a.b, equals: 1 }".to_owned();
            let rule = NewRule { step: "login", path: "a.b", r#use, condition, reason: "other", name: "" };
            edits(&open, &rule).map(|edits| applied_all(&open, &edits))
        };
        let filled = |from: &str, to: &str| Ok(open.replacen(from, to, 1));
        assert_eq!(made(FieldUse::Success), filled("field: FILL_IN, equals: x", "field: a.b, equals: 1"));
        assert_eq!(made(FieldUse::Reject), filled("field: FILL_IN, equals: y", "field: a.b, equals: 1"));
    }

    #[test]
    fn what_is_typed_keeps_its_kind() {
        for (given, expected) in [
            ("200", "200"),
            ("\"200\"", "\"200\""),
            ("true", "true"),
            ("ok", "ok"),
            ("0000", "\"0000\""),
            ("a: b", "\"a: b\""),
        ] {
            assert_eq!(typed(given), expected);
        }
    }
}
