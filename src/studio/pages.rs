//! The page itself: files of this binary, the same for everybody, so they need no session.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::header;

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
    "icon.svg" SVG,
    "api.js" SCRIPT,
    "challenge.js" SCRIPT,
    "diff.js" SCRIPT,
    "dialogs.js" SCRIPT,
    "dom.js" SCRIPT,
    "editor.js" SCRIPT,
    "field.js" SCRIPT,
    "list.js" SCRIPT,
    "main.js" SCRIPT,
    "problems.js" SCRIPT,
    "sendtest.js" SCRIPT,
    "starter.js" SCRIPT,
    "text.js" SCRIPT,
    "trace.js" SCRIPT,
    "workbench.js" SCRIPT,
}

/// `/`
pub(super) async fn index() -> Response {
    file("index.html")
}

/// `/assets/{name}`
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    file(&name)
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
