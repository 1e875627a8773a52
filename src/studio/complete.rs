//! `POST /v1/studio/complete`: what may stand at the cursor, and what the key under it means.
//!
//! Keys and words come from the schema, which comes from the reader's own structs; names of variables, captures and secrets from the
//! text; fields from the last reply, by name alone.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::Request;
use serde::{Deserialize, Serialize};

use super::cursor::{CursorPlace, PathPart, PlaceKind, place};
use super::known::{CompletionOption, Language, described, keys_at, variables, words_at};
use super::positions::{TextPosition, TextRange, offset, range};
use super::state::{MAX_BODY, Studio};
use crate::api::body::{Members, read_up_to};
use crate::api::problem::Problem;
use crate::diagnostic::SourceFile;
use crate::template::FILTERS;

/// More than a person scrolls through.
const MOST: usize = 400;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CursorBody {
    id: String,
    text: String,
    position: TextPosition,
}

/// What may stand at the cursor.
#[derive(Debug, Serialize)]
struct Completion {
    /// What is replaced: the word before the cursor.
    range: TextRange,
    options: Vec<CompletionOption>,
    about: Option<AboutKey>,
}

/// The key or word under the cursor.
#[derive(Debug, Serialize)]
struct AboutKey {
    name: String,
    text: String,
    range: TextRange,
}

/// The endpoint.
pub(super) async fn post(State(studio): State<Arc<Studio>>, request: Request<Body>) -> Response {
    answer(&studio, request).await.unwrap_or_else(Problem::into_response)
}

async fn answer(studio: &Studio, request: Request<Body>) -> Result<Response, Problem> {
    studio.session(&request)?;
    let bytes = read_up_to(MAX_BODY, request, studio.app.limits().body).await?;
    let CursorBody { id, text, position } = Members::of(&bytes)?.read::<CursorBody>()?;
    let file = SourceFile { path: std::path::PathBuf::new(), text };
    let cursor = offset(&file.text, position);
    let fields = |step: Option<&str>| studio.last_reply.fields(&id, step);
    let (begin, options) = options(&file.text, cursor, &fields);
    let completion = Completion { range: range(&file, &(begin..cursor)), options, about: about(&file, cursor) };
    Ok(axum::Json(completion).into_response())
}

/// Where the word at the cursor begins, and what may stand there instead.
fn options(text: &str, cursor: usize, fields: &dyn Fn(Option<&str>) -> Vec<String>) -> (usize, Vec<CompletionOption>) {
    let before = &text[..cursor];
    let begin = before.len() - before.bytes().rev().take_while(|byte| is_word(*byte)).count();
    let mut options = match hole(before) {
        Some(Hole::Filter) => filters(),
        Some(Hole::Variable) => variables(text),
        Some(Hole::Setting) => Language::of(text).settings(),
        None => {
            let place = place(&before[..begin]);
            match place.kind {
                PlaceKind::Key => keys(&place, &text[cursor..]),
                PlaceKind::Value => values(&place, text, fields),
                PlaceKind::Text => Vec::new(),
            }
        }
    };
    options.truncate(MOST);
    (begin, options)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'$') || byte >= 0x80
}

/// What a cursor inside braces asks for.
enum Hole {
    Variable,
    Filter,
    Setting,
}

fn hole(before: &str) -> Option<Hole> {
    let line = before.rsplit('\n').next().unwrap_or_default();
    if let Some(begin) = line.rfind("{{").filter(|begin| !line[*begin..].contains("}}")) {
        return Some(if line[begin..].contains('|') { Hole::Filter } else { Hole::Variable });
    }
    line.rfind("${").filter(|begin| !line[*begin..].contains('}')).map(|_| Hole::Setting)
}

fn filters() -> Vec<CompletionOption> {
    let option = |filter: &crate::template::FilterInfo| CompletionOption {
        detail: Some(filter.arguments.to_owned()).filter(|arguments| !arguments.is_empty()),
        ..CompletionOption::plain(filter.name)
    };
    FILTERS.iter().map(option).collect()
}

fn keys(place: &CursorPlace, after: &str) -> Vec<CompletionOption> {
    // A key that is being changed has its colon already.
    let rest = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let colon = if rest.starts_with(':') { "" } else { ": " };
    let mut options = keys_at(&place.path);
    options.retain(|option| !place.siblings.contains(&option.label));
    for option in &mut options {
        option.insert = Some(format!("{}{colon}", option.label));
    }
    options
}

fn values(place: &CursorPlace, text: &str, fields: &dyn Fn(Option<&str>) -> Vec<String>) -> Vec<CompletionOption> {
    let Some(PathPart::Key(key)) = place.path.iter().rev().find(|part| **part != PathPart::Item) else {
        return Vec::new();
    };
    let of_reply = key == "field" || place.path.iter().any(|part| *part == PathPart::Key("capture".to_owned()));
    match key.as_str() {
        "var" => variables(text),
        "script" => Language::of(text).scripts(),
        "identity" | "error_code" | "error_message" | "extension" => of_fields(fields, place),
        _ if of_reply => of_fields(fields, place),
        _ => words_at(&place.path),
    }
}

fn of_fields(fields: &dyn Fn(Option<&str>) -> Vec<String>, place: &CursorPlace) -> Vec<CompletionOption> {
    fields(place.step.as_deref()).into_iter().map(CompletionOption::plain).collect()
}

/// What the key or word under the cursor means.
fn about(file: &SourceFile, cursor: usize) -> Option<AboutKey> {
    let text = &file.text;
    let begin = cursor - text[..cursor].bytes().rev().take_while(|byte| is_word(*byte)).count();
    let end = cursor + text[cursor..].bytes().take_while(|byte| is_word(*byte)).count();
    let word = text.get(begin..end).filter(|word| !word.is_empty())?;
    if hole(&text[..begin]).is_some() {
        let filter = FILTERS.iter().find(|filter| filter.name == word)?;
        return Some(AboutKey {
            name: word.to_owned(),
            text: filter.arguments.to_owned(),
            range: range(file, &(begin..end)),
        });
    }
    let place = place(&text[..begin]);
    let mut path = place.path;
    match place.kind {
        PlaceKind::Key => path.push(PathPart::Key(word.to_owned())),
        PlaceKind::Value => {}
        PlaceKind::Text => return None,
    }
    let name = path.iter().rev().find_map(|part| match part {
        PathPart::Key(key) => Some(key.clone()),
        PathPart::Item => None,
    })?;
    Some(AboutKey { name, text: described(&path)?, range: range(file, &(begin..end)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Vec<String> {
        let cursor = text.find('¦').unwrap();
        let text = text.replace('¦', "");
        let fields = |step: Option<&str>| vec![format!("data.{}", step.unwrap_or("any"))];
        options(&text, cursor, &fields).1.into_iter().map(|option| option.label).collect()
    }

    #[test]
    fn keys_words_names_and_fields_are_known_where_they_belong() {
        let head = "version: 1\nsettings: { base: x }\nsecrets: { app: { env: A } }\ninput: { attributes: { dept: { max: 9 } } }\nsteps:\n  - name: one\n    response: { capture: { t: a } }\n  - name: two\n";
        for (tail, has, not) in [
            ("    ¦", "request", "name"),
            ("    request:\n      ¦", "method", "steps"),
            ("    request:\n      method: ¦", "POST", "method"),
            ("    request:\n      url: \"${¦", "base", "app"),
            ("    request: { headers: { A: \"{{secret.¦", "secret.app", "base"),
            ("    request: { headers: { A: \"{{¦", "user.dept", "md5"),
            ("    request: { headers: { A: \"{{¦", "steps.one.t", "steps.two.t"),
            ("    request: { headers: { A: \"{{user.userPassword | ¦", "md5", "user.username"),
            ("    response: { success: { field: ¦", "data.two", "code"),
            ("    response: { success: { ¦", "equals", "reason"),
            (
                "    response:\n      reject:\n        - { when: { field: c, equals: 1 }, reason: ¦",
                "account_locked",
                "field",
            ),
            ("    role: ¦", "helper", "POST"),
        ] {
            let text = format!("{head}{tail}");
            let found = labels(&text);
            assert!(found.iter().any(|label| label == has), "{tail}: {found:?}");
            assert!(!found.iter().any(|label| label == not), "{tail}: {found:?}");
        }
    }

    #[test]
    fn a_key_says_what_it_means() {
        let file = SourceFile {
            path: std::path::PathBuf::new(),
            text: "version: 1\nsteps:\n  - name: a\n    request: { method: GET }\n".to_owned(),
        };
        let at = |word: &str| about(&file, file.text.find(word).unwrap() + 1).map(|about| (about.name, about.text));
        assert!(at("request").unwrap().1.len() > 10);
        assert_eq!(at("GET").unwrap().0, "method");
        assert_eq!(at(" a\n"), None.or(at(" a\n")));
    }
}
