//! The page itself: files of this binary, the same for everybody, so they need no session.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::header;
use sha2::{Digest as _, Sha256};

use super::problems::UNKNOWN_PATH;
use crate::api::problem::Problem;
use crate::lang::Lang;

/// A file of the page.
struct PageFile {
    name: &'static str,
    media_type: &'static str,
    text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! page_files {
    ($($name:literal $media_type:ident),* $(,)?) => {
        const FILES: &[PageFile] = &[$(
            PageFile { name: $name, media_type: $media_type, text: include_str!(concat!("page/", $name)) },
        )*];
    };
}

page_files! {
    "index.html" HTML,
    "studio.css" CSS,
    "graph.js" SCRIPT,
    "icon.svg" SVG,
    "api.js" SCRIPT,
    "cards.js" SCRIPT,
    "challenge.js" SCRIPT,
    "create.js" SCRIPT,
    "diff.js" SCRIPT,
    "dialogs.js" SCRIPT,
    "dom.js" SCRIPT,
    "editor.js" SCRIPT,
    "editors.js" SCRIPT,
    "field.js" SCRIPT,
    "list.js" SCRIPT,
    "main.js" SCRIPT,
    "problems.js" SCRIPT,
    "rich.js" SCRIPT,
    "sendtest.js" SCRIPT,
    "starter.js" SCRIPT,
    "suggest.js" SCRIPT,
    "text.js" SCRIPT,
    "trace.js" SCRIPT,
    "workbench.js" SCRIPT,
}

/// CodeMirror 6 as one module, where `make editor` had made it when the program was built (build.rs).
const BUNDLE: Option<&str> = include!(concat!(env!("OUT_DIR"), "/editor_bundle.rs"));

/// The name that the bundle is served under. It changes with its bytes, so that a browser may keep it.
static BUNDLE_NAME: LazyLock<String> = LazyLock::new(|| {
    let digest = BUNDLE.map(|bundle| hex::encode(&Sha256::digest(bundle)[..8])).unwrap_or_default();
    format!("codemirror-{digest}.js")
});

/// `/assets/features.js`: what this program was built with.
fn features() -> Response {
    let editor = BUNDLE.map_or_else(|| "null".to_owned(), |_| format!("\"/assets/{}\"", *BUNDLE_NAME));
    ([(header::CONTENT_TYPE, SCRIPT)], format!("export const EDITOR = {editor};\n")).into_response()
}

/// `/`
pub(super) async fn index() -> Response {
    file("index.html")
}

/// `/assets/{name}`
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    match BUNDLE {
        _ if name == "features.js" => features(),
        Some(bundle) if name == *BUNDLE_NAME => {
            let kept = [(header::CONTENT_TYPE, SCRIPT), (header::CACHE_CONTROL, "max-age=31536000, immutable")];
            (kept, bundle).into_response()
        }
        _ => file(&name),
    }
}

fn file(name: &str) -> Response {
    let found = FILES.iter().find(|file| file.name == name);
    found.map_or_else(unknown, |file| ([(header::CONTENT_TYPE, file.media_type)], file.text).into_response())
}

/// `/lang/{name}`: the texts of `lang/`, which the terminal has, too.
pub(super) async fn texts(Path(name): Path<String>) -> Response {
    let lang = name.strip_suffix(".json").and_then(|name| Lang::ALL.iter().find(|lang| lang.as_str() == name));
    lang.map_or_else(unknown, |lang| ([(header::CONTENT_TYPE, JSON)], lang.file()).into_response())
}

fn unknown() -> Response {
    Problem::of(UNKNOWN_PATH).into_response()
}
