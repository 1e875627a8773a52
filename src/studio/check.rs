//! `POST /v1/studio/check`: what is right and wrong with a draft, while it is typed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::Request;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::positions::{EditorDiagnostic, TextRange, range};
use super::problems::BROKEN;
use super::state::{MAX_BODY, Studio};
use super::trust::{TrustSet, TrustedName};
use super::workshop::{Cases, TriedText, Trusted};
use crate::api::body::{Members, read_up_to};
use crate::api::problem::Problem;
use crate::attempt::connectors::ConnectorSummary;
use crate::attempt::connectors::Health;
use crate::catalog::FileText;
use crate::connector::ConnectorKind;
use crate::connector::raw::connector::SecretSource;
use crate::connector::{Live, raw};

/// A draft.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftBody {
    pub id: String,
    pub text: String,
}

/// What the page shows beside the text.
#[derive(Debug, Serialize)]
struct CheckedDraft {
    /// Whether it can run.
    loads: bool,
    diagnostics: Vec<EditorDiagnostic>,
    /// Golden cases; `None` where they were not run.
    tests: Option<Cases>,
    /// What it names beyond the saved file.
    grown: Vec<TrustedName>,
    /// `None` while it does not load.
    about: Option<AboutDraft>,
}

/// What a draft that loads is.
#[derive(Debug, Serialize)]
struct AboutDraft {
    title: Option<String>,
    kind: &'static str,
    steps: Vec<NamedStep>,
    secrets: Vec<NamedSecret>,
    origins: Vec<String>,
    /// What a login brings.
    inputs: serde_json::Value,
}

#[derive(Debug, Serialize)]
struct NamedStep {
    name: String,
    range: TextRange,
}

/// A secret by name; its value is never here.
#[derive(Debug, Serialize)]
struct NamedSecret {
    name: String,
    from: String,
    /// `None`: not looked at, as the saved file does not name it.
    set: Option<bool>,
}

/// The endpoint.
pub(super) async fn post(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    answer(&studio, request).await.unwrap_or_else(Problem::into_response)
}

async fn answer(studio: &Studio, request: Request<Body>) -> Result<Response, Problem> {
    studio.session(&request)?;
    let bytes = read_up_to(MAX_BODY, request, studio.app.limits().body).await?;
    let DraftBody { id, text } = Members::of(&bytes)?.read::<DraftBody>()?;
    let saved = studio.saved(&id).await?;
    let trust = saved.as_ref().map(|saved| TrustSet::of(&saved.stored.text)).unwrap_or_default();
    let grown = TrustSet::of(&text).beyond(&trust);
    let trusted = Trusted { names: Some(Arc::new(trust)), directory: studio.folder.path().to_owned() };
    let path = studio.path_of(&id, saved.as_ref());
    // Never closed.
    let _place = studio.checks.acquire().await;
    let tried = studio.surroundings.tried(FileText { path, text: Ok(text) }, &trusted).await;
    let TriedText { live, diagnostics, cases } = tried.map_err(|_| Problem::of(BROKEN))?;
    let about = live.as_ref().map(|live| about(studio, live, &trusted));
    let checked = CheckedDraft {
        loads: live.is_some(),
        diagnostics: diagnostics.iter().map(EditorDiagnostic::of).collect(),
        tests: cases,
        grown,
        about,
    };
    Ok(axum::Json(checked).into_response())
}

fn about(studio: &Studio, live: &Live, trusted: &Trusted) -> AboutDraft {
    let summary = crate::attempt::about(&live.connector, Health::Current);
    let step = |step: &raw::Step| NamedStep { name: step.name.text.clone(), range: range(&live.file, &step.name.span) };
    AboutDraft {
        title: summary.title.clone(),
        kind: kind(summary.kind),
        steps: live.raw.steps.iter().map(step).collect(),
        secrets: live
            .raw
            .secrets
            .iter()
            .map(|(name, secret)| named(studio, &name.value, &secret.value.0, trusted))
            .collect(),
        origins: studio.surroundings.origins(live, trusted),
        inputs: inputs(&summary),
    }
}

pub(super) fn kind(kind: ConnectorKind) -> &'static str {
    match kind {
        ConnectorKind::Authentication => "authentication",
        ConnectorKind::Utility => "utility",
    }
}

fn named(studio: &Studio, name: &str, source: &SecretSource, trusted: &Trusted) -> NamedSecret {
    let names = trusted.names.as_deref();
    let (from, set) = match source {
        SecretSource::Env(variable) => {
            let known = names.is_none_or(|names| names.names_variable(&variable.text));
            let set = known.then(|| (studio.surroundings.env)(&variable.text).is_some_and(|value| !value.is_empty()));
            (format!("env {}", variable.text), set)
        }
        SecretSource::File(file) => {
            let path = trusted.directory.join(&file.text);
            let known = names.is_none_or(|names| names.names_file(&trusted.directory, &path));
            (format!("file {}", file.text), known.then(|| crate::files::is_there(&path).is_ok()))
        }
    };
    NamedSecret { name: name.to_owned(), from, set }
}

fn inputs(summary: &ConnectorSummary) -> serde_json::Value {
    let attribute = |(name, attribute): (&String, &crate::attempt::connectors::Attribute)| json!({ "name": name, "required": attribute.required, "max": attribute.max });
    json!({
        "username": summary.username,
        "password": !summary.no_password,
        "attributes": summary.attributes.iter().map(attribute).collect::<Vec<_>>(),
        "password_fields": summary.password_fields,
        "username_fields": summary.username_fields,
    })
}
