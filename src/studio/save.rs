//! `PUT /v1/studio/connectors/{id}`: saves a text over the one that was opened, and over no other.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Request, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use super::folder::{Folder, FolderError, StoredText};
use super::problems::{BAD_ID, CHANGED, NO_PRECONDITION, UNWRITABLE};
use super::state::{MAX_BODY, Studio};
use crate::api::body::{Members, read_up_to};
use crate::api::problem::{Mistake, Problem};
use crate::files::MAX_BYTES;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedText {
    text: String,
}

/// The endpoint.
pub(super) async fn put(State(studio): State<Arc<Studio>>, Path(id): Path<String>, request: Request<Body>) -> Response {
    answer(&studio, id, request).await.unwrap_or_else(Problem::into_response)
}

async fn answer(studio: &Studio, id: String, request: Request<Body>) -> Result<Response, Problem> {
    studio.session(&request)?;
    let expected = expected(request.headers())?;
    let bytes = read_up_to(MAX_BODY, request, studio.app.limits().body).await?;
    let SavedText { text } = Members::of(&bytes)?.read::<SavedText>()?;
    if !Folder::is_id(&id) {
        return Err(Problem::of(BAD_ID));
    }
    if text.len() > MAX_BYTES {
        let detail = format!("at most {} KiB, or it would not load", MAX_BYTES / 1024);
        return Err(Problem::invalid(vec![Mistake::at(&["text"], detail)]));
    }
    let history = Arc::clone(&studio.history);
    let saved = studio.with_folder(move |folder| {
        let saved = folder.save(&id, &text, expected.as_deref())?;
        let kept = saved.before.iter().chain([&text]).try_for_each(|text| history.keep(&id, text));
        if let Err(error) = kept {
            tracing::warn!(connector = %id, error = %error.kind(), "the text that was saved over is not kept in the history");
        }
        Ok(saved.etag)
    });
    match saved.await {
        Ok(etag) => Ok(([(header::ETAG, etag.clone())], axum::Json(json!({ "etag": etag }))).into_response()),
        Err(FolderError::Changed(present)) => Ok(changed(present)),
        Err(error) => Err(Problem::of(UNWRITABLE).detail(error.to_string())),
    }
}

/// What the file must still be: `Some` its tag, `None` not there yet.
fn expected(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::IF_MATCH), text(header::IF_NONE_MATCH)) {
        // `*` would overwrite whatever is there.
        (Some(etag), None) if etag != "*" => Ok(Some(etag.to_owned())),
        (None, Some("*")) => Ok(None),
        _ => Err(Problem::of(NO_PRECONDITION)),
    }
}

/// The text that is there now, so that both can be shown beside each other.
fn changed(present: Option<StoredText>) -> Response {
    let (text, etag) = present.map(|present| (present.text, present.etag)).unzip();
    let body = json!({ "status": 412, "code": CHANGED.code(), "title": CHANGED.title(), "text": text, "etag": etag });
    (StatusCode::PRECONDITION_FAILED, axum::Json(body)).into_response()
}
