//! `POST /v1/studio/graph`: the way of a login through the steps of a text, laid out; the page draws it.
//!
//! It is read off the YAML itself, so that a connector that does not load has its picture, too.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::Request;
use serde::{Deserialize, Serialize};

use super::positions::{TextRange, range};
use super::problems::NO_EDIT;
use super::state::{MAX_BODY, Studio};
use crate::api::body::{Members, read_up_to};
use crate::api::problem::Problem;
use crate::diagnostic::SourceFile;
use crate::edit::{EditableText, member};
use crate::yaml::{Node, NodeValue};

/// Sizes in pixels of the picture.
const STEP_WIDTH: u32 = 330;
const LINE: u32 = 18;
const PAD: u32 = 10;
const GAP: u32 = 34;
const LEFT: u32 = 40;
const EXIT_LEFT: u32 = LEFT + STEP_WIDTH + 60;
const EXIT_WIDTH: u32 = 260;
/// Longer texts are cut.
const MAX_TEXT: usize = 44;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TextBody {
    text: String,
}

/// A picture of steps.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Graph {
    width: u32,
    height: u32,
    boxes: Vec<GraphBox>,
    arrows: Vec<Arrow>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct GraphBox {
    kind: BoxKind,
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    title: String,
    lines: Vec<String>,
    /// Where it is written.
    range: Option<TextRange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum BoxKind {
    Step,
    /// The user is asked first.
    Ask,
    Exit,
    Accept,
}

/// A line through points, with a head at its end.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Arrow {
    points: Vec<(u32, u32)>,
    label: Option<String>,
}

/// The endpoint.
pub(super) async fn post(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    answer(&studio, request).await.unwrap_or_else(Problem::into_response)
}

async fn answer(studio: &Studio, request: Request<Body>) -> Result<Response, Problem> {
    studio.session(&request)?;
    let bytes = read_up_to(MAX_BODY, request, studio.app.limits().body).await?;
    let TextBody { text } = Members::of(&bytes)?.read::<TextBody>()?;
    let file = SourceFile { path: std::path::PathBuf::new(), text };
    let editable = EditableText::read(&file.text).map_err(|error| Problem::of(NO_EDIT).detail(error.to_string()))?;
    Ok(axum::Json(graph(&file, editable.root())).into_response())
}

fn graph(file: &SourceFile, root: &Node) -> Graph {
    let none = Vec::new();
    let steps = match member(root, "steps").map(|steps| &steps.value) {
        Some(NodeValue::List(steps)) => steps,
        _ => &none,
    };
    let (mut boxes, mut arrows, mut top) = (Vec::new(), Vec::new(), GAP / 2);
    for (at, step) in steps.iter().enumerate() {
        let step = step_box(file, step, top);
        let (middle, bottom) = (LEFT + STEP_WIDTH / 2, top + step.made.height);
        let exits_height = exits(&step, top, &mut boxes, &mut arrows);
        let next = bottom.max(top + exits_height) + GAP;
        let proven = if at + 1 == steps.len() { None } else { step.more };
        arrows.push(Arrow { points: vec![(middle, bottom), (middle, next)], label: proven });
        if step.is_conditional {
            // The way past a step whose condition does not hold.
            let (before, after) = (top.saturating_sub(GAP / 2), next - GAP / 4);
            let points = vec![(middle, before), (LEFT / 2, before), (LEFT / 2, after), (middle, after)];
            arrows.push(Arrow { points, label: None });
        }
        boxes.push(step.made);
        top = next;
    }
    let accept = boxed(BoxKind::Accept, (LEFT, top), STEP_WIDTH, "accept".to_owned(), Vec::new());
    let height = top + accept.height + GAP / 2;
    boxes.push(accept);
    Graph { width: EXIT_LEFT + EXIT_WIDTH + LEFT / 2, height, boxes, arrows }
}

/// A step and what leads out of it.
struct StepBox {
    made: GraphBox,
    is_conditional: bool,
    more: Option<String>,
    exits: Vec<String>,
}

fn step_box(file: &SourceFile, step: &Node, top: u32) -> StepBox {
    let text = |node: Option<&Node>| node.and_then(scalar);
    let of = |key: &str| member(step, key);
    let request = of("request");
    let response = of("response");
    let call = request.map(|request| {
        let (method, url) = (text(member(request, "method")), text(member(request, "url")));
        format!("{} {}", method.unwrap_or_default(), url.unwrap_or_default())
    });
    let asks = of("ask").map(|ask| {
        format!("ask: {}", text(member(ask, "challenge")).or(text(member(ask, "type"))).unwrap_or_default())
    });
    let role = text(of("role")).map(|role| format!("role: {role}"));
    let when = of("when").map(|when| {
        let written = file.text.get(when.span.clone()).unwrap_or_default();
        format!("when: {}", written.lines().next().unwrap_or_default())
    });
    let lines: Vec<String> = when.iter().chain(&asks).chain(&call).chain(&role).map(|line| cut(line.trim())).collect();
    let kind = if of("ask").is_some() { BoxKind::Ask } else { BoxKind::Step };
    let mut made = boxed(kind, (LEFT, top), STEP_WIDTH, cut(&text(of("name")).unwrap_or_default()), lines);
    made.range = Some(range(file, &step.span));
    let rows = match response.and_then(|response| member(response, "reject")).map(|rows| &rows.value) {
        Some(NodeValue::List(rows)) => rows.iter().filter_map(|row| text(member(row, "reason"))).collect(),
        _ => Vec::new(),
    };
    let mut exits: Vec<String> = Vec::new();
    for reason in rows {
        let line = cut(&format!("reject: {reason}"));
        if !exits.contains(&line) {
            exits.push(line);
        }
    }
    if response.is_some_and(|response| member(response, "unavailable").is_some()) {
        exits.push("unavailable".to_owned());
    }
    let more = response.and_then(|response| member(response, "more")).map(|_| "more".to_owned());
    StepBox { made, is_conditional: of("when").is_some(), more, exits }
}

/// The box of verdicts that end the login at a step; gives its height.
fn exits(step: &StepBox, top: u32, boxes: &mut Vec<GraphBox>, arrows: &mut Vec<Arrow>) -> u32 {
    if step.exits.is_empty() {
        return 0;
    }
    let made = boxed(BoxKind::Exit, (EXIT_LEFT, top), EXIT_WIDTH, String::new(), step.exits.clone());
    let height = made.height;
    let at = top + height.min(step.made.height) / 2;
    arrows.push(Arrow { points: vec![(LEFT + STEP_WIDTH, at), (EXIT_LEFT, at)], label: None });
    boxes.push(made);
    height
}

fn boxed(kind: BoxKind, (left, top): (u32, u32), width: u32, title: String, lines: Vec<String>) -> GraphBox {
    let count = lines.len() + usize::from(!title.is_empty());
    let height = 2 * PAD + LINE * u32::try_from(count).unwrap_or(u32::MAX / LINE).min(1000);
    GraphBox { kind, left, top, width, height, title, lines, range: None }
}

fn scalar(node: &Node) -> Option<String> {
    match &node.value {
        NodeValue::Scalar(scalar) => Some(scalar.text.clone()),
        _ => None,
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_TEXT {
        text.to_owned()
    } else {
        text.chars().take(MAX_TEXT - 1).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_exits_and_the_ways_past_are_drawn() {
        let text = "steps:\n  - name: login\n    request: { method: POST, url: \"${base}/login\" }\n    response: { reject: [{ when: { status: 401 }, reason: invalid_credentials }], more: { field: a, equals: 1 } }\n  - name: verify\n    when: { var: steps.login.x, exists: true }\n    ask: { challenge: sms }\n    request: { url: x }\n";
        let file = SourceFile { path: std::path::PathBuf::new(), text: text.to_owned() };
        let made = graph(&file, EditableText::read(text).unwrap().root());
        let kinds: Vec<_> = made.boxes.iter().map(|it| it.kind).collect();
        assert_eq!(kinds, [BoxKind::Exit, BoxKind::Step, BoxKind::Ask, BoxKind::Accept]);
        assert_eq!(made.boxes[1].lines, ["POST ${base}/login"]);
        assert_eq!(made.boxes[2].lines, ["when: { var: steps.login.x, exists: true }", "ask: sms", "x"]);
        assert_eq!(made.arrows.len(), 4);
        assert!(made.arrows.iter().any(|arrow| arrow.label.as_deref() == Some("more")));
        assert!(made.boxes.iter().all(|it| it.left + it.width < made.width && it.top + it.height < made.height));
        let empty = SourceFile { path: std::path::PathBuf::new(), text: "a: 1\n".to_owned() };
        assert_eq!(graph(&empty, EditableText::read("a: 1\n").unwrap().root()).boxes.len(), 1);
    }
}
