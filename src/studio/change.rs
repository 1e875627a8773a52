//! `POST /v1/studio/edit`: a change that a form makes, as an edit of the text; every byte outside of it stays.

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
use crate::edit::{EditError, EditableText, TextEdit, key, member, plain};
use crate::yaml::{Node, NodeValue};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    text: String,
    /// Keys and places in lists, from the top.
    path: Vec<PlacePart>,
    change: ChangeKind,
    /// The text, the YAML, or the new name.
    #[serde(default)]
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum PlacePart {
    Item(usize),
    Key(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChangeKind {
    /// A text, a number or a word; what is not there is made.
    Set,
    /// A value as YAML has it, on one line.
    Yaml,
    /// An item at the end of a list, as YAML has it.
    Add,
    Rename,
    Remove,
}

/// The endpoint.
pub(super) async fn post(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    answer(&studio, request).await.unwrap_or_else(Problem::into_response)
}

async fn answer(studio: &Studio, request: Request<Body>) -> Result<Response, Problem> {
    studio.session(&request)?;
    let bytes = read_up_to(MAX_BODY, request, studio.app.limits().body).await?;
    let body = Members::of(&bytes)?.read::<ChangeBody>()?;
    if body.value.contains('\n') && body.change != ChangeKind::Set {
        return Err(Problem::invalid(vec![Mistake::at(
            &["value"],
            "on one line; several lines are written in the text",
        )]));
    }
    let edit = edit(&body).map_err(|error| Problem::of(NO_EDIT).detail(error.to_string()))?;
    let file = SourceFile { path: std::path::PathBuf::new(), text: body.text };
    let edits = [json!({ "range": range(&file, &edit.span), "text": edit.text })];
    Ok(axum::Json(json!({ "edits": edits })).into_response())
}

fn edit(body: &ChangeBody) -> Result<TextEdit, EditError> {
    let text = EditableText::read(&body.text)?;
    let (last, above) = body.path.split_last().ok_or(EditError::NoPlace)?;
    let (parent, missing) = walk(text.root(), above)?;
    match (body.change, last) {
        (ChangeKind::Set | ChangeKind::Yaml, PlacePart::Key(name)) => {
            let present = member(parent, name).filter(|_| missing.is_empty());
            let value = match (body.change, present) {
                (ChangeKind::Yaml, _) => body.value.clone(),
                (_, Some(node)) => text.like(node, &body.value),
                (_, None) => plain(&body.value),
            };
            if present.is_some() { text.set(parent, name, &value) } else { made(&text, parent, &missing, name, &value) }
        }
        (ChangeKind::Set | ChangeKind::Yaml, PlacePart::Item(at)) => {
            text.replace(item(parent, *at).filter(|_| missing.is_empty()).ok_or(EditError::NoPlace)?, &body.value)
        }
        (ChangeKind::Add, PlacePart::Key(name)) => match member(parent, name).filter(|_| missing.is_empty()) {
            Some(list) => text.add_item(list, &body.value),
            None => made(&text, parent, &missing, name, &format!("[ {} ]", body.value)),
        },
        (ChangeKind::Rename, PlacePart::Key(name)) if missing.is_empty() => text.rename(parent, name, &body.value),
        (ChangeKind::Remove, PlacePart::Key(name)) if missing.is_empty() => text.remove_key(parent, name),
        (ChangeKind::Remove, PlacePart::Item(at)) if missing.is_empty() => text.remove_item(parent, *at),
        _ => Err(EditError::NoPlace),
    }
}

/// The deepest node of a path that is there, and the keys that are not.
fn walk<'n, 'p>(root: &'n Node, path: &'p [PlacePart]) -> Result<(&'n Node, Vec<&'p str>), EditError> {
    let mut node = root;
    for (at, part) in path.iter().enumerate() {
        let below = match part {
            PlacePart::Key(name) => member(node, name),
            PlacePart::Item(at) => item(node, *at),
        };
        let Some(below) = below else {
            let key = |part: &'p PlacePart| match part {
                PlacePart::Key(name) => Ok(name.as_str()),
                PlacePart::Item(_) => Err(EditError::NoPlace),
            };
            return Ok((node, path[at..].iter().map(key).collect::<Result<_, _>>()?));
        };
        node = below;
    }
    Ok((node, Vec::new()))
}

/// A new key, and the maps around it that are missing.
fn made(
    text: &EditableText<'_>,
    parent: &Node,
    missing: &[&str],
    name: &str,
    value: &str,
) -> Result<TextEdit, EditError> {
    let Some((first, below)) = missing.split_first() else { return text.add_key(parent, name, value) };
    let inner = format!("{{ {}: {value} }}", key(name));
    let value = below.iter().rev().fold(inner, |value, name| format!("{{ {}: {value} }}", key(name)));
    text.add_key(parent, first, &value)
}

fn item(node: &Node, at: usize) -> Option<&Node> {
    match &node.value {
        NodeValue::List(items) => items.get(at),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::applied;

    fn changed(text: &str, path: &serde_json::Value, change: &str, value: &str) -> String {
        let body = json!({ "text": text, "path": path, "change": change, "value": value });
        let body: ChangeBody = serde_json::from_value(body).unwrap();
        edit(&body).map_or_else(|error| format!("{error:?}"), |edit| applied(text, &edit))
    }

    #[test]
    fn a_form_changes_its_own_place_and_no_other_byte() {
        let text = "version: 1 # one\nsteps:\n  - name: a # first\n    request: { method: GET, url: \"x\" }\n    # rules\n    response:\n      reject:\n        - { when: { field: code } } # no\n";
        let step = |rest: &[serde_json::Value]| json!([&[json!("steps"), json!(0)], rest].concat());
        let request = |key: &str| step(&[json!("request"), json!(key)]);
        let with = |old: &str, new: &str| text.replace(old, new);
        assert_eq!(changed(text, &request("method"), "set", "POST"), with("GET", "POST"));
        assert_eq!(changed(text, &request("url"), "set", "a\"b"), with("\"x\"", "\"a\\\"b\""));
        let header = step(&[json!("request"), json!("headers"), json!("X-A")]);
        assert_eq!(changed(text, &header, "set", "1"), with("url: \"x\"", "url: \"x\", headers: { X-A: \"1\" }"));
        let reject = step(&[json!("response"), json!("reject")]);
        let added = changed(text, &reject, "add", "{ when: { status: 401 } }");
        assert_eq!(added, format!("{text}        - {{ when: {{ status: 401 }} }}\n"));
        let row = step(&[json!("response"), json!("reject"), json!(0)]);
        assert_eq!(changed(text, &row, "yaml", "{ b: 1 }"), with("{ when: { field: code } }", "{ b: 1 }"));
        assert_eq!(changed(text, &request("method"), "remove", ""), with("method: GET, ", ""));
        assert_eq!(changed(text, &request("method"), "rename", "m"), with("method: GET", "m: GET"));
        assert_eq!(changed(text, &json!(["steps", 3, "name"]), "set", "b"), "NoPlace");
        // What is not one value would become something else.
        assert_eq!(changed(text, &request("method"), "yaml", "GET, x: y"), "Unsure");
        assert_eq!(changed(text, &row, "yaml", "{ a: 1"), "Unsure");
    }
}
