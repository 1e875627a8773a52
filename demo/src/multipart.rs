//! `multipart/form-data` in (RFC 7578), JSON out.
//!
//! The reader splits at the boundary and takes nothing but plain fields: a part with a file name, with a header that it
//! does not know, or with a name twice is refused.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;

use super::json::message;
use super::people::LoginResult;
use super::wire::{Fields, Flaw, Wire, flaw, utf8};
use super::{Attempt, Server, token};

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/upload/login", post(login))
}

/// Parts `username`, `password`, `client` in; `{ ok, ticket | error }` out.
async fn login(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    Json(match server.decide(&server.salted, &wire, read(&wire)) {
        Ok((LoginResult::Accepted, _)) => json!({ "ok": true, "ticket": token() }),
        Ok((refusal, _)) => json!({ "ok": false, "error": message(refusal), "locked": refusal == LoginResult::Locked }),
        Err(flaw) => json!({ "malformed": flaw.0 }),
    })
    .into_response()
}

fn read(wire: &Wire) -> Result<Attempt, Flaw> {
    let written = wire.header(header::CONTENT_TYPE)?;
    let Some(boundary) = written.strip_prefix("multipart/form-data; boundary=") else {
        return flaw("the Content-Type is not multipart/form-data with a boundary");
    };
    let boundary = boundary.trim_matches('"');
    if boundary.is_empty() || boundary.len() > 70 {
        return flaw("the boundary has not 1 to 70 characters"); // RFC 2046 section 5.1.1
    }
    let [login, sent, _client] = parts(&wire.body, boundary)?.exactly(["username", "password", "client"])?;
    Ok(Attempt { login, sent })
}

fn parts(body: &[u8], boundary: &str) -> Result<Fields, Flaw> {
    let text = utf8(body)?;
    let first = format!("--{boundary}\r\n");
    let between = format!("\r\n--{boundary}");
    let Some(rest) = text.strip_prefix(&first) else {
        return flaw("the body does not begin with the boundary");
    };
    let mut pieces: Vec<&str> = rest.split(&between).collect();
    if !matches!(pieces.pop(), Some("--" | "--\r\n")) {
        return flaw("the body does not end with the boundary");
    }
    let fields = pieces.iter().enumerate().map(|(index, piece)| {
        let piece = if index == 0 { Some(*piece) } else { piece.strip_prefix("\r\n") };
        part(piece.ok_or_else(|| Flaw("something stands behind a boundary".to_owned()))?)
    });
    Ok(Fields(fields.collect::<Result<_, _>>()?))
}

fn part(piece: &str) -> Result<(String, String), Flaw> {
    let Some((head, value)) = piece.split_once("\r\n\r\n") else {
        return flaw("a part without headers");
    };
    let mut name = None;
    for line in head.split("\r\n") {
        let (header, parameters) = line.split_once(": ").unwrap_or_default();
        match (header.to_ascii_lowercase().as_str(), parameters.strip_prefix("form-data; name=\"")) {
            ("content-disposition", Some(rest)) if name.is_none() => name = rest.strip_suffix('"'),
            ("content-type", None) if parameters.to_ascii_lowercase().starts_with("text/plain") => {}
            _ => return flaw("a part with an unknown header"),
        }
    }
    match name {
        Some(name) if !name.contains('"') => Ok((name.to_owned(), value.to_owned())),
        _ => flaw("a part without a plain name"),
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn parts_are_read_strictly() {
        let part = |name: &str, value: &str| format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}");
        let body = format!("--b\r\n{}\r\n--b\r\n{}\r\n--b--\r\n", part("u", "a\r\nb"), part("p", "--c"));
        let fields = parts(body.as_bytes(), "b").unwrap().exactly(["u", "p"]).unwrap();
        assert_eq!(fields, ["a\r\nb".to_owned(), "--c".to_owned()]);

        for broken in [
            String::new(),
            format!("--b\r\n{}", part("u", "a")),
            format!("x--b\r\n{}\r\n--b--", part("u", "a")),
            format!("--b\r\n{}\r\n--bx--", part("u", "a")),
            format!("--b\r\nX-Odd: 1\r\n{}\r\n--b--", part("u", "a")),
            "--b\r\nContent-Disposition: form-data; name=\"u\"; filename=\"x\"\r\n\r\na\r\n--b--".to_owned(),
        ] {
            assert!(parts(broken.as_bytes(), "b").is_err(), "{broken}");
        }
    }
}
