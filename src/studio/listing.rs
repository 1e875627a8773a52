//! `GET /v1/studio/connectors`: all connectors of the directory, with state and first mistake; `/{id}`: one with its text.
//!
//! A file is loaded again when it was written since, or when it names other files, which may have been.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::{Request, header};
use serde_json::json;
use tokio::time::Instant;

use super::check::kind;
use super::folder::{Folder, FolderError, FolderFile};
use super::listed::{KnownFile, ListedFile, Listing};
use super::positions::EditorDiagnostic;
use super::problems::{BROKEN, UNKNOWN_FILE, UNREADABLE};
use super::state::{SavedFile, Studio};
use super::trust::TrustSet;
use super::workshop::Trusted;
use crate::api::problem::Problem;
use crate::catalog::{FileText, LoadedFile};
use crate::files::{MAX_BYTES, ReadError};

/// All of them.
pub(super) async fn list(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    match studio.session(&request) {
        Ok(()) => all(&studio).await.unwrap_or_else(Problem::into_response),
        Err(problem) => problem.into_response(),
    }
}

/// How long a call loads connectors before it answers with what it has.
const MOMENT: Duration = Duration::from_millis(600);
/// Files that are loaded together.
const AT_ONCE: usize = 32;

struct ReadFile {
    file: FolderFile,
    text: Result<String, ReadError>,
}

async fn all(studio: &Studio) -> Result<Response, Problem> {
    // One at a time: another call waits and finds everything known.
    let mut listing = studio.listing.lock().await;
    let files = studio.with_folder(Folder::list).await;
    let files = files.map_err(|error| Problem::of(UNREADABLE).detail(error.to_string()))?;
    load_for_a_moment(&mut listing, studio, &files).await?;
    let listed: Vec<Arc<ListedFile>> = files.iter().map(|file| listing.shown(file)).collect();
    let present: HashSet<String> = files.into_iter().map(|file| file.name).collect();
    listing.0.retain(|name, _| present.contains(name));
    let body = json!({
        "directory": studio.folder.path().display().to_string(),
        "read_only": studio.folder.why_read_only(None),
        "connectors": listed.iter().map(AsRef::as_ref).collect::<Vec<&ListedFile>>(),
    });
    Ok(axum::Json(body).into_response())
}

/// Loads what was written since. With thousands of files that takes longer than a person waits for a list: the rest is pending, and the
/// page asks again.
async fn load_for_a_moment(listing: &mut Listing, studio: &Studio, files: &[FolderFile]) -> Result<(), Problem> {
    let (known, began) = (listing.unchanged(), Instant::now());
    let mut changed: Vec<&FolderFile> =
        files.iter().filter(|file| known.get(&file.name) != Some(&file.stamp)).collect();
    // First what nothing is known of; those that name other files are looked at again in every call.
    changed.sort_by_key(|file| listing.0.get(&file.name).is_some_and(|known| known.stamp == file.stamp));
    for chunk in changed.chunks(AT_ONCE) {
        let chunk: Vec<FolderFile> = chunk.iter().copied().cloned().collect();
        let read = studio.with_folder(move |folder| {
            let read = |file: FolderFile| {
                let text = folder.read(&file).map(|stored| stored.text).map_err(|error| of_reading(&error));
                ReadFile { file, text }
            };
            Ok(chunk.into_iter().map(read).collect())
        });
        let read: Vec<ReadFile> = read.await.map_err(|error| Problem::of(UNREADABLE).detail(error.to_string()))?;
        load(listing, studio, read).await?;
        if began.elapsed() > MOMENT {
            break;
        }
    }
    Ok(())
}

async fn load(listing: &mut Listing, studio: &Studio, changed: Vec<ReadFile>) -> Result<(), Problem> {
    let trusted = Trusted { names: None, directory: studio.folder.path().to_owned() };
    let (mut files, mut texts) = (Vec::new(), Vec::new());
    for ReadFile { file, text } in changed {
        let names_files = text.as_ref().is_ok_and(|text| TrustSet::of(text).names_some_file());
        texts.push(FileText { path: studio.folder.path().join(&file.name), text });
        files.push((file, names_files));
    }
    let loaded = studio.surroundings.checked(texts, &trusted).await.map_err(|_| Problem::of(BROKEN))?;
    for ((file, names_files), loaded) in files.into_iter().zip(loaded) {
        let summary = Arc::new(summary(studio, &file, &loaded, &trusted));
        listing.0.insert(file.name.clone(), KnownFile { stamp: file.stamp, names_files, summary });
    }
    Ok(())
}

fn of_reading(error: &FolderError) -> ReadError {
    match error {
        FolderError::TooLarge => ReadError::TooLarge(MAX_BYTES),
        FolderError::NotText => ReadError::NotText,
        FolderError::NotFound => ReadError::System(io::ErrorKind::NotFound),
        FolderError::System(kind) => ReadError::System(*kind),
        FolderError::Changed(_) | FolderError::ReadOnly(_) => ReadError::System(io::ErrorKind::PermissionDenied),
    }
}

fn summary(studio: &Studio, file: &FolderFile, loaded: &LoadedFile, trusted: &Trusted) -> ListedFile {
    let diagnostics: Vec<EditorDiagnostic> = loaded.diagnostics.iter().map(EditorDiagnostic::of).collect();
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let warnings = diagnostics.len() - errors;
    let first = diagnostics.iter().find(|diagnostic| diagnostic.is_error()).or(diagnostics.first()).cloned();
    let live = loaded.live.as_ref();
    ListedFile {
        id: file.id.clone(),
        file: file.name.clone(),
        pending: false,
        loads: live.is_some(),
        title: live.and_then(|live| live.connector.title.clone()),
        kind: live.map(|live| kind(live.connector.kind)),
        steps: live.iter().flat_map(|live| &live.raw.steps.0).map(|step| step.name.text.clone()).collect(),
        origins: live.map(|live| studio.surroundings.origins(live, trusted)).unwrap_or_default(),
        tests: live.map(|live| live.raw.tests.len()).unwrap_or_default(),
        errors,
        warnings,
        first,
        modified: file.stamp.seconds,
    }
}

/// One with its text.
pub(super) async fn one(State(studio): State<Arc<Studio>>, Path(id): Path<String>, request: Request<Body>) -> Response {
    match studio.session(&request) {
        Ok(()) => text(&studio, &id).await.unwrap_or_else(Problem::into_response),
        Err(problem) => problem.into_response(),
    }
}

async fn text(studio: &Studio, id: &str) -> Result<Response, Problem> {
    let SavedFile { file, stored } = studio.saved(id).await?.ok_or_else(|| Problem::of(UNKNOWN_FILE))?;
    let read_only = studio.folder.why_read_only(Some(&file));
    let body = json!({
        "id": id,
        "file": file.name,
        "text": stored.text,
        "etag": stored.etag,
        "read_only": read_only,
    });
    Ok(([(header::ETAG, stored.etag)], axum::Json(body)).into_response())
}
