//! `POST /v1/studio/mark`: whether the last test was a right login; `POST /v1/studio/propose`: rules from the marked ones.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{Request, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::positions::{EditorDiagnostic, range};
use super::problems::{BROKEN, DOES_NOT_LOAD, NO_EDIT, NO_PROPOSAL};
use super::runs::Proposal;
use super::state::{MAX_BODY, Studio};
use super::trust::TrustSet;
use super::workshop::Trusted;
use crate::api::body::{Members, read_up_to};
use crate::api::problem::Problem;
use crate::catalog::FileText;
use crate::diagnostic::SourceFile;
use crate::edit::{EditError, EditableText, TextEdit, applied_all, member};
use crate::yaml::{Node, NodeValue};

/// What nobody has tried when rules are proposed from right and wrong passwords.
const UNTRIED: [&str; 4] = ["account_locked", "account_disabled", "password_expired", "mfa_required"];
/// What `doorward new` leaves open.
const FILL_IN: &str = "FILL_IN";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkBody {
    id: String,
    right: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProposeBody {
    id: String,
    text: String,
}

/// The endpoint of marks.
pub(super) async fn post_mark(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    marked(&studio, request).await.unwrap_or_else(Problem::into_response)
}

async fn marked(studio: &Studio, request: Request<Body>) -> Result<Response, Problem> {
    studio.session(&request)?;
    let bytes = read_up_to(MAX_BODY, request, studio.app.limits().body).await?;
    let MarkBody { id, right } = Members::of(&bytes)?.read::<MarkBody>()?;
    let marked = studio.last_reply.of(&id, |tested| studio.runs.mark(tested, right)).flatten();
    let marked = marked.ok_or_else(|| Problem::of(NO_PROPOSAL).detail("the last test brought no reply".to_owned()))?;
    Ok(axum::Json(marked).into_response())
}

/// The endpoint of proposals.
pub(super) async fn post(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    answer(&studio, request).await.unwrap_or_else(Problem::into_response)
}

async fn answer(studio: &Studio, request: Request<Body>) -> Result<Response, Problem> {
    studio.session(&request)?;
    let bytes = read_up_to(MAX_BODY, request, studio.app.limits().body).await?;
    let ProposeBody { id, text } = Members::of(&bytes)?.read::<ProposeBody>()?;
    let proposal = studio.runs.propose(&id).map_err(|error| Problem::of(NO_PROPOSAL).detail(error.to_string()))?;
    let edits = edits(&text, &proposal).map_err(|error| Problem::of(NO_EDIT).detail(error.to_string()))?;
    if let Some(refused) = tried(studio, &id, applied_all(&text, &edits)).await? {
        return Ok(refused);
    }
    let file = SourceFile { path: std::path::PathBuf::new(), text };
    let edits: Vec<_> =
        edits.iter().map(|edit| json!({ "range": range(&file, &edit.span), "text": edit.text })).collect();
    let Proposal { step, success, reject } = proposal;
    let body = json!({ "step": step, "success": success, "reject": reject, "untried": UNTRIED, "edits": edits });
    Ok(axum::Json(body).into_response())
}

/// The rules must load, with all evidence and probes; a reply says what hinders them.
async fn tried(studio: &Studio, id: &str, text: String) -> Result<Option<Response>, Problem> {
    let saved = studio.saved(id).await?;
    let trust = saved.as_ref().map(|saved| TrustSet::of(&saved.stored.text)).unwrap_or_default();
    let trusted = Trusted { names: Some(Arc::new(trust)), directory: studio.folder.path().to_owned() };
    let path = studio.path_of(id, saved.as_ref());
    // Never closed.
    let _place = studio.checks.acquire().await;
    let tried = studio.surroundings.tried(FileText { path, text: Ok(text) }, &trusted).await;
    let tried = tried.map_err(|_| Problem::of(BROKEN))?;
    let diagnostics: Vec<_> =
        tried.diagnostics.iter().map(EditorDiagnostic::of).filter(EditorDiagnostic::is_error).collect();
    if tried.live.is_some() {
        return Ok(None);
    }
    let body = json!({ "status": 409, "code": DOES_NOT_LOAD.code(), "title": DOES_NOT_LOAD.title(), "diagnostics": diagnostics });
    Ok(Some((StatusCode::CONFLICT, axum::Json(body)).into_response()))
}

fn edits(text: &str, proposal: &Proposal) -> Result<Vec<TextEdit>, EditError> {
    let editable = EditableText::read(text)?;
    let response =
        step(editable.root(), &proposal.step).and_then(|step| member(step, "response")).ok_or(EditError::NoPlace)?;
    let mut edits = vec![match member(response, "success") {
        Some(_) => editable.set(response, "success", &proposal.success)?,
        None => editable.add_key(response, "success", &proposal.success)?,
    }];
    if let Some(edit) = reject(&editable, response, proposal)? {
        edits.push(edit);
    }
    // Cases of what was left open have nothing to show any more.
    if let Some(tests) = member(editable.root(), "tests") {
        edits.extend(without_open(&editable, tests)?);
    }
    Ok(edits)
}

/// Rows that are there stay, but for the one that was left open.
fn reject(text: &EditableText<'_>, response: &Node, proposal: &Proposal) -> Result<Option<TextEdit>, EditError> {
    let Some(list) = member(response, "reject") else {
        let rows = format!("[ {} ]", proposal.reject.join(", "));
        return if proposal.reject.is_empty() { Ok(None) } else { text.add_key(response, "reject", &rows).map(Some) };
    };
    let NodeValue::List(rows) = &list.value else { return Err(EditError::NoPlace) };
    let open = rows.iter().find(|row| text.written(row).contains(FILL_IN));
    let known = |row: &&String| !rows.iter().any(|known| text.written(known).contains(condition(row)));
    let fresh: Vec<&String> = proposal.reject.iter().filter(known).collect();
    match (open, fresh.as_slice()) {
        (_, []) => Ok(None),
        (Some(open), [row]) => text.replace(open, row).map(Some),
        (_, [row, ..]) => text.add_item(list, row).map(Some),
    }
}

fn condition(row: &str) -> &str {
    row.strip_prefix("{ when: ").and_then(|rest| rest.split(", reason:").next()).unwrap_or(row)
}

fn without_open(text: &EditableText<'_>, tests: &Node) -> Result<Vec<TextEdit>, EditError> {
    let NodeValue::List(cases) = &tests.value else { return Ok(Vec::new()) };
    let open: Vec<usize> =
        cases.iter().enumerate().filter(|(_, case)| text.written(case).contains(FILL_IN)).map(|(at, _)| at).collect();
    if open.len() == cases.len() {
        return text.replace_lines(tests, "[]").map(|edit| vec![edit]);
    }
    open.iter().map(|at| text.remove_item(tests, *at)).collect()
}

fn step<'n>(root: &'n Node, name: &str) -> Option<&'n Node> {
    let NodeValue::List(steps) = &member(root, "steps")?.value else { return None };
    steps.iter().find(|step| matches!(member(step, "name").map(|name| &name.value), Some(NodeValue::Scalar(scalar)) if scalar.text == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_fills_what_was_left_open_and_keeps_the_rest() {
        let text = "version: 1\nsteps:\n  - name: login\n    response:\n      # which\n      reject:\n        - { when: { field: FILL_IN, equals: x }, reason: invalid_credentials }\n        - { when: { status: 423 }, reason: account_locked } # locked\n      success: { field: FILL_IN, equals: y }\ntests:\n  - name: right\n    replies: [{ json: { FILL_IN: y } }]\n  - name: a login page\n    replies: [{ html: x }]\n";
        let proposal = Proposal {
            step: "login".to_owned(),
            success: "{ field: code, equals: 200 }".to_owned(),
            reject: vec!["{ when: { field: code, equals: 500 }, reason: invalid_credentials }".to_owned()],
        };
        let after = applied_all(text, &edits(text, &proposal).unwrap());
        let expected = text
            .replace("{ field: FILL_IN, equals: x }", "{ field: code, equals: 500 }")
            .replace("{ field: FILL_IN, equals: y }", "{ field: code, equals: 200 }")
            .replace("  - name: right\n    replies: [{ json: { FILL_IN: y } }]\n", "");
        assert_eq!(after, expected);
        assert_eq!(applied_all(&after, &edits(&after, &proposal).unwrap()), after, "once is enough");
    }
}
