//! `POST /v1/studio/cards`: the steps of a text as forms, in the order in which the vendor's page has its boxes.
//!
//! A form is a look at the text and nothing else: each field knows the path of what it shows, a change of it is an edit of the text
//! (`change`), and what no field knows stands there as YAML.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::Request;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cursor::PathPart;
use super::known::words_at;
use super::positions::{TextRange, range};
use super::problems::NO_EDIT;
use super::state::{MAX_BODY, Studio};
use crate::api::body::{Members, read_up_to};
use crate::api::problem::Problem;
use crate::diagnostic::SourceFile;
use crate::edit::{EditableText, member};
use crate::yaml::{Node, NodeValue, Style};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TextBody {
    text: String,
}

/// Several fields under one title.
#[derive(Debug, Serialize)]
struct Card {
    /// `card.…` of the page's words.
    title: &'static str,
    fields: Vec<CardField>,
}

#[derive(Debug, Serialize)]
struct CardField {
    /// `field.…`, or the key itself.
    label: String,
    path: Vec<Value>,
    shape: Shape,
    /// What it says; `None` when it is not there.
    value: Option<String>,
    /// Words that it may be.
    words: Vec<String>,
    /// Of a table.
    rows: Vec<CardField>,
    range: Option<TextRange>,
}

/// How a field is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Shape {
    Text,
    Choice,
    /// A part of the text on one line.
    Yaml,
    /// A part of the text of several lines, which is changed there.
    Lines,
    /// Names and values.
    Table,
    /// Rows without names.
    List,
}

/// The cards of one step.
#[derive(Debug, Serialize)]
struct StepCards {
    name: String,
    range: TextRange,
    cards: Vec<Card>,
}

/// The endpoint.
pub(super) async fn post(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    answer(&studio, request).await.unwrap_or_else(Problem::into_response)
}

async fn answer(studio: &Studio, request: Request<Body>) -> Result<Response, Problem> {
    studio.session(&request)?;
    let bytes = read_up_to(MAX_BODY, request, studio.app.limits().body).await?;
    let TextBody { text } = Members::of(&bytes)?.read::<TextBody>()?;
    let view = View { file: SourceFile { path: std::path::PathBuf::new(), text } };
    let editable =
        EditableText::read(&view.file.text).map_err(|error| Problem::of(NO_EDIT).detail(error.to_string()))?;
    let body = json!({ "steps": view.steps(&editable), "connector": view.connector(&editable) });
    Ok(axum::Json(body).into_response())
}

/// Which keys of which map a card shows.
struct Plan {
    title: &'static str,
    below: &'static [&'static str],
    keys: &'static [&'static str],
}

/// The cards of a step, in the vendor's order.
const PLANS: [Plan; 5] = [
    Plan { title: "step", below: &[], keys: &["name", "role", "when", "ask"] },
    Plan { title: "script", below: &[], keys: &["variables", "variables_file"] },
    Plan {
        title: "request",
        below: &["request"],
        keys: &["method", "url", "headers", "query", "cookies", "body", "auth", "charset"],
    },
    Plan {
        title: "judge",
        below: &["response"],
        keys: &["format", "preprocess", "reject", "unavailable", "more", "success", "identity"],
    },
    Plan { title: "returns", below: &["response"], keys: &["map", "capture"] },
];
const TABLES: [&str; 8] = ["headers", "query", "cookies", "form", "multipart", "map", "capture", "settings"];
const BODIES: [&str; 5] = ["form", "json", "multipart", "xml", "text"];

struct View {
    file: SourceFile,
}

impl View {
    fn steps(&self, text: &EditableText<'_>) -> Vec<StepCards> {
        let Some(Node { value: NodeValue::List(steps), .. }) = member(text.root(), "steps") else { return Vec::new() };
        let cards = |(at, step): (usize, &Node)| {
            let path = vec![json!("steps"), json!(at)];
            let cards = PLANS.iter().map(|plan| self.card(text, step, &path, plan)).collect();
            let name = member(step, "name").and_then(scalar).unwrap_or_default();
            StepCards { name, range: range(&self.file, &step.span), cards }
        };
        steps.iter().enumerate().map(cards).collect()
    }

    /// What is the whole connector's.
    fn connector(&self, text: &EditableText<'_>) -> Vec<Card> {
        let keys = ["title", "settings", "secrets", "input", "transport", "cookie_delivery"];
        let fields = keys.iter().map(|key| self.field(text, text.root(), &[], key)).collect();
        vec![Card { title: "connector", fields }]
    }

    fn card(&self, text: &EditableText<'_>, step: &Node, path: &[Value], plan: &Plan) -> Card {
        let mut path = path.to_vec();
        let mut map = Some(step);
        for key in plan.below {
            map = map.and_then(|map| member(map, key));
            path.push(json!(key));
        }
        let nothing = Node { span: 0..0, value: NodeValue::Map(Vec::new()) };
        let map = map.unwrap_or(&nothing);
        let mut fields: Vec<CardField> = plan.keys.iter().map(|key| self.field(text, map, &path, key)).collect();
        let known = |key: &str| PLANS.iter().any(|other| other.below == plan.below && other.keys.contains(&key));
        let is_last =
            PLANS.iter().rev().find(|other| other.below == plan.below).is_some_and(|last| last.title == plan.title);
        if let (NodeValue::Map(entries), true) = (&map.value, is_last) {
            let others = entries
                .iter()
                .map(|entry| entry.key.as_str())
                .filter(|key| !known(key) && !matches!(*key, "request" | "response"));
            fields.extend(others.map(|key| self.field(text, map, &path, key)));
        }
        Card { title: plan.title, fields }
    }

    fn field(&self, text: &EditableText<'_>, map: &Node, path: &[Value], key: &str) -> CardField {
        let path: Vec<Value> = path.iter().cloned().chain([json!(key)]).collect();
        let found = member(map, key);
        if let Some((kind, node)) = found.filter(|_| key == "body").and_then(body) {
            let mut field = self.of(text, Some(node), [path, vec![json!(kind)]].concat(), kind);
            if kind == "json" && flat(node) {
                (field.shape, field.rows) = (Shape::Table, self.rows(text, node, &field.path));
            }
            field.label = format!("body_{kind}");
            return field;
        }
        self.of(text, found, path, key)
    }

    fn of(&self, text: &EditableText<'_>, node: Option<&Node>, path: Vec<Value>, key: &str) -> CardField {
        let words: Vec<String> = words_at(&parts(&path)).into_iter().map(|option| option.label).collect();
        let shape = match node.map(|node| &node.value) {
            Some(NodeValue::Scalar(scalar)) if scalar.style == Style::Block => Shape::Lines,
            None | Some(NodeValue::Map(_)) if TABLES.contains(&key) => Shape::Table,
            Some(NodeValue::List(_)) | None if key == "reject" => Shape::List,
            None | Some(NodeValue::Scalar(_)) if !words.is_empty() => Shape::Choice,
            Some(NodeValue::Scalar(_)) => Shape::Text,
            None if matches!(key, "name" | "url" | "title" | "identity" | "time_zone") => Shape::Text,
            Some(_) if node.is_some_and(|node| text.written(node).contains('\n')) => Shape::Lines,
            _ => Shape::Yaml,
        };
        let value = node.map(|node| scalar(node).unwrap_or_else(|| text.written(node).to_owned()));
        let rows = match (node, shape) {
            (Some(node), Shape::Table | Shape::List) => self.rows(text, node, &path),
            _ => Vec::new(),
        };
        let range = node.map(|node| range(&self.file, &node.span));
        CardField { label: key.to_owned(), path, shape, value, words, rows, range }
    }

    fn rows(&self, text: &EditableText<'_>, node: &Node, path: &[Value]) -> Vec<CardField> {
        let below = |part: Value| path.iter().cloned().chain([part]).collect();
        match &node.value {
            NodeValue::Map(entries) => {
                let row =
                    |entry: &crate::yaml::Entry| self.of(text, Some(&entry.value), below(json!(entry.key)), &entry.key);
                entries.iter().map(row).collect()
            }
            NodeValue::List(items) => {
                let row = |(at, item): (usize, &Node)| self.of(text, Some(item), below(json!(at)), "");
                items.iter().enumerate().map(row).collect()
            }
            NodeValue::Scalar(_) | NodeValue::Broken => Vec::new(),
        }
    }
}

/// The kind of a body that is said by its key.
fn body(node: &Node) -> Option<(&'static str, &Node)> {
    BODIES.iter().find_map(|kind| Some((*kind, member(node, kind)?)))
}

/// A JSON body of names and scalars is a table, too.
fn flat(node: &Node) -> bool {
    matches!(&node.value, NodeValue::Map(entries) if entries.iter().all(|entry| scalar(&entry.value).is_some()))
}

fn scalar(node: &Node) -> Option<String> {
    match &node.value {
        NodeValue::Scalar(scalar) => Some(scalar.text.clone()),
        _ => None,
    }
}

fn parts(path: &[Value]) -> Vec<PathPart> {
    path.iter().map(|part| part.as_str().map_or(PathPart::Item, |key| PathPart::Key(key.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_show_all_of_a_step_and_what_they_do_not_know_as_it_is_written() {
        let text = "steps:\n  - name: login\n    odd: { a: 1 }\n    request:\n      method: POST\n      url: x\n      headers: { X-A: \"1\" }\n      body: { json: { user: u, deep: { a: 1 } } }\n    response:\n      reject: [ { when: { status: 401 }, reason: other } ]\n      success: { field: code, equals: 0 }\n      map:\n        error_code: code\n";
        let view = View { file: SourceFile { path: std::path::PathBuf::new(), text: text.to_owned() } };
        let steps = view.steps(&EditableText::read(text).unwrap());
        let titles: Vec<_> = steps[0].cards.iter().map(|card| card.title).collect();
        assert_eq!(titles, ["step", "script", "request", "judge", "returns"]);
        let field = |label: &str| {
            let found = steps[0].cards.iter().flat_map(|card| &card.fields).find(|field| field.label == label);
            found.unwrap_or_else(|| panic!("{label}"))
        };
        assert_eq!((field("method").shape, field("method").value.as_deref()), (Shape::Choice, Some("POST")));
        assert_eq!(
            field("headers").rows[0].path,
            [json!("steps"), json!(0), json!("request"), json!("headers"), json!("X-A")]
        );
        assert_eq!(
            (field("body_json").shape, field("body_json").value.as_deref()),
            (Shape::Yaml, Some("{ user: u, deep: { a: 1 } }"))
        );
        assert_eq!((field("reject").shape, field("reject").rows.len()), (Shape::List, 1));
        assert_eq!(field("success").value.as_deref(), Some("{ field: code, equals: 0 }"));
        assert_eq!((field("map").shape, field("map").rows[0].value.as_deref()), (Shape::Table, Some("code")));
        assert_eq!((field("odd").shape, field("odd").value.as_deref()), (Shape::Yaml, Some("{ a: 1 }")));
        assert_eq!(field("when").value, None);
    }
}
