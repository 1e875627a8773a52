//! What a token endpoint answers (RFC 6749 sections 5.1 and 5.2).

use super::Failure;
use crate::document::{Object, Value, from_json};
use crate::secret::Secret;
use crate::upstream::Reply;
use crate::verdict::Cause;

/// The words of RFC 6749 section 5.2; others are not shown.
const ERRORS: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

pub(super) struct Given {
    pub token: Secret,
    /// In seconds.
    pub expires_in: Option<u64>,
    pub refresh_token: Option<Secret>,
}

pub(super) fn read(reply: &Reply) -> Result<Given, Failure> {
    let document = match from_json(&reply.body) {
        Ok(Value::Object(document)) => Some(document),
        _ => None,
    };
    let status = reply.status;
    match (status, document) {
        (200..=299, Some(document)) => given(&document),
        (200..=299, None) => {
            Err(unexpected(format!("the token endpoint answered HTTP {status} without a JSON object")))
        }
        (400..=499, Some(document)) if text(&document, "error").is_some() => Err(refused(status, &document)),
        (500.., _) => {
            Err(Failure::Unavailable(Cause::UpstreamError, format!("the token endpoint answered HTTP {status}")))
        }
        _ => Err(unexpected(format!("the token endpoint answered HTTP {status} and no token"))),
    }
}

fn given(document: &Object) -> Result<Given, Failure> {
    let usable = |token: &&str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    let Some(token) = text(document, "access_token").filter(usable) else {
        return Err(unexpected("the token endpoint's answer has no access_token that fits into a header".to_owned()));
    };
    if text(document, "token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(unexpected("the token endpoint gave a token that is no bearer token (RFC 6750)".to_owned()));
    }
    let seconds = document.get("expires_in").and_then(Value::scalar_text).and_then(|text| text.parse().ok());
    let refresh_token = text(document, "refresh_token").filter(|token| !token.is_empty());
    Ok(Given { token: Secret::new(token), expires_in: seconds, refresh_token: refresh_token.map(Secret::new) })
}

/// What is refused is the connector's: its client, its secret, its scope.
fn refused(status: u16, document: &Object) -> Failure {
    let word = text(document, "error").and_then(|error| ERRORS.into_iter().find(|known| *known == error));
    let word = word.map(|word| format!(": {word}")).unwrap_or_default();
    Failure::Misconfigured(format!("the token endpoint refuses the client (HTTP {status}{word})"))
}

fn text<'a>(document: &'a Object, name: &str) -> Option<&'a str> {
    match document.get(name) {
        Some(Value::Text(text)) => Some(text.as_str()),
        _ => None,
    }
}

fn unexpected(what: String) -> Failure {
    Failure::Unavailable(Cause::UnexpectedReply, what)
}
