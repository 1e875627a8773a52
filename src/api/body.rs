//! Reading a call's body: JSON, at most 64 KiB, in time, closed.
//!
//! Each endpoint has a struct for its body, which also makes the schema of the description. No text here quotes a value; a key
//! is quoted only to the caller who sent it.

pub(crate) mod fields;
mod members;

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use indexmap::IndexMap;

use super::problem::{Mistake, Problem, ProblemKind};
use crate::attempt::connectors::Attribute;
use crate::document::{Object, Value};

pub(crate) use members::Members;
use members::unknown_key;

/// docs/contract.md section 5. Names, passwords and packed fields are far smaller.
const MAX_BODY: usize = 64 * 1024;

const SLOW: ProblemKind = ProblemKind::new(StatusCode::REQUEST_TIMEOUT, "slow_body", "The body did not arrive in time");
const TOO_LARGE: ProblemKind =
    ProblemKind::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is over the limit");
const NOT_JSON: ProblemKind =
    ProblemKind::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", "The call takes Content-Type: application/json");

/// Reads the whole body within `timeout`.
pub(super) async fn read(request: Request<Body>, timeout: Duration) -> Result<Bytes, Problem> {
    read_up_to(MAX_BODY, request, timeout).await
}

/// Reads a body of at most `most` bytes within `timeout`.
pub(crate) async fn read_up_to(most: usize, request: Request<Body>, timeout: Duration) -> Result<Bytes, Problem> {
    require_json(request.headers())?;
    let collected = tokio::time::timeout(timeout, Limited::new(request.into_body(), most).collect());
    match collected.await {
        Err(_) => Err(Problem::of(SLOW)),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Problem::of(TOO_LARGE).detail(format!("at most {most} bytes")))
        }
        Ok(Err(_)) => Err(Problem::malformed("the body broke off".to_owned())),
    }
}

/// A body must say that it is JSON: this keeps HTML forms of a browser out (they cannot send this type unasked).
fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let only = values.next().filter(|_| values.next().is_none());
    let essence = only.and_then(|value| value.to_str().ok()).and_then(|text| text.split(';').next());
    match essence {
        Some(essence) if essence.trim().eq_ignore_ascii_case("application/json") => Ok(()),
        _ => Err(Problem::of(NOT_JSON)),
    }
}

/// The mistakes of `sent` against what a connector declares; `member` is where it stands.
pub(super) fn check_attributes(member: &str, sent: &Object, declared: &IndexMap<String, Attribute>) -> Vec<Mistake> {
    let unknown = sent.keys().filter(|name| !declared.contains_key(*name)).map(|name| {
        let what = "not an attribute that this connector declares";
        Mistake::at(&[member, name], unknown_key(what, name, declared.keys().map(String::as_str)))
    });
    let wrong = declared.iter().filter_map(|(name, rule)| {
        wrong_attribute(rule, sent.get(name)).map(|detail| Mistake::at(&[member, name], detail))
    });
    unknown.chain(wrong).collect()
}

fn wrong_attribute(rule: &Attribute, sent: Option<&Value>) -> Option<String> {
    let Some(value) = sent else {
        return rule.required.then(|| "missing; this connector requires it".to_owned());
    };
    let Some(text) = value.scalar_text() else {
        return Some(format!("expected a string, number or boolean, found {}", value.kind()));
    };
    let max = rule.max.filter(|max| text.chars().count() > *max)?;
    Some(format!("at most {max} characters"))
}
