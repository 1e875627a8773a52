//! `POST /v1/studio/record`: the last send test as a golden case, replayed before it is given.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::Request;
use serde::Deserialize;
use serde_json::json;

use super::positions::range;
use super::problems::{BROKEN, NO_CASE, NO_EDIT};
use super::recording::{NoCase, case};
use super::state::{MAX_BODY, Studio};
use super::trust::TrustSet;
use super::workshop::{Cases, Trusted};
use crate::api::body::{Members, read_up_to};
use crate::api::problem::Problem;
use crate::catalog::FileText;
use crate::diagnostic::SourceFile;
use crate::edit::{EditError, EditableText, TextEdit, applied, member};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordBody {
    id: String,
    text: String,
    /// What the case shows.
    name: String,
}

/// The endpoint.
pub(super) async fn post(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    answer(&studio, request).await.unwrap_or_else(Problem::into_response)
}

async fn answer(studio: &Studio, request: Request<Body>) -> Result<Response, Problem> {
    studio.session(&request)?;
    let bytes = read_up_to(MAX_BODY, request, studio.app.limits().body).await?;
    let RecordBody { id, text, name } = Members::of(&bytes)?.read::<RecordBody>()?;
    let no_case = |error: NoCase| Problem::of(NO_CASE).detail(error.to_string());
    let no_edit = |error: EditError| Problem::of(NO_EDIT).detail(error.to_string());
    let (lines, edit) = {
        let editable = EditableText::read(&text).map_err(no_edit)?;
        let made = studio.last_reply.of(&id, |tested| case(tested, &name, editable.root()));
        let lines = made.unwrap_or(Err(NoCase::NothingSent)).map_err(no_case)?;
        let edit = inserted(&editable, &lines).map_err(no_edit)?;
        (lines, edit)
    };
    let after = applied(&text, &edit);
    let before = cases(studio, &id, text.clone()).await?;
    if cases(studio, &id, after).await? != before.with_one_more() {
        let detail = "replayed without the server's own texts and numbers, it does not come out the same: a rule needs one of them; \
                      write this case by hand";
        return Err(Problem::of(NO_CASE).detail(detail.to_owned()));
    }
    let file = SourceFile { path: std::path::PathBuf::new(), text };
    let edits = [json!({ "range": range(&file, &edit.span), "text": edit.text })];
    Ok(axum::Json(json!({ "case": lines.join("\n"), "edits": edits })).into_response())
}

fn inserted(text: &EditableText<'_>, lines: &[String]) -> Result<TextEdit, EditError> {
    match member(text.root(), "tests") {
        Some(list) => text.add_item_lines(list, lines),
        None => text.add_list_lines(text.root(), "tests", lines),
    }
}

async fn cases(studio: &Studio, id: &str, text: String) -> Result<Cases, Problem> {
    let saved = studio.saved(id).await?;
    let trust = saved.as_ref().map(|saved| TrustSet::of(&saved.stored.text)).unwrap_or_default();
    let trusted = Trusted { names: Some(Arc::new(trust)), directory: studio.folder.path().to_owned() };
    let path = studio.path_of(id, saved.as_ref());
    // Never closed.
    let _place = studio.checks.acquire().await;
    let tried = studio.surroundings.tried(FileText { path, text: Ok(text) }, &trusted).await;
    Ok(tried.map_err(|_| Problem::of(BROKEN))?.cases.unwrap_or_default())
}
