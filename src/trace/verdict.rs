//! The verdict beside a trace: the API's body without what only the caller of the API gets in clear.

use serde_json::Value as Json;

use super::redactor::Redactor;
use crate::flow::UtilityEnd;
use crate::mask::MASK;
use crate::verdict::Verdict;

/// Members of a verdict that hold data of the upstream or of the user, whatever their type.
const DATA: [&str; 2] = ["extension", "extension_text"];

/// Members that an upstream says to people, unless a connector takes them from what must not be shown.
const ERROR: [&str; 2] = ["error_code", "error_message"];

/// Members whose own members or items are known by name, and whose values are data.
const CONTAINERS: [&str; 3] = ["attributes", "cookies", "challenge"];

/// What of a cookie or a challenge is not data: the fields are literals of the file, and an error is shown as a reject's is.
const PLAIN: [&str; 14] = [
    "name",
    "domain",
    "path",
    "secure",
    "http_only",
    "same_site",
    "expires",
    "type",
    "expires_in",
    "attempts_left",
    "resend_after",
    "poll_after",
    "fields",
    "error",
];

/// The word beside the verdict's name: the reason, the cause, what is wrong.
pub(super) fn detail(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Accept(_) => None,
        Verdict::Reject(reject) => Some(reject.reason.to_string()),
        Verdict::Challenge(challenge) => Some(challenge.kind.clone()),
        Verdict::Unavailable(unavailable) => Some(unavailable.cause.to_string()),
        Verdict::Misconfigured(misconfigured) => Some(misconfigured.what.clone()),
    }
}

/// The word beside the end of a utility call.
pub(super) fn utility_detail(end: &UtilityEnd) -> Option<String> {
    match end {
        UtilityEnd::Extension(_) | UtilityEnd::Limited { .. } => None,
        UtilityEnd::Refused(refused) => Some(refused.reason.to_string()),
        UtilityEnd::Unavailable(unavailable) => Some(unavailable.cause.to_string()),
        UtilityEnd::Misconfigured(misconfigured) => Some(misconfigured.what.clone()),
    }
}

/// `body` with a mask for extension, attributes, cookie values and everything of a challenge that could answer it.
pub(super) fn masked(body: Json, kept: bool, redactor: &Redactor) -> Json {
    if redactor.reveal {
        return body;
    }
    let Json::Object(mut members) = body else { return redactor.json(body) };
    for (name, value) in &mut members {
        if value.is_null() {
            continue;
        }
        if DATA.contains(&name.as_str()) || (kept && ERROR.contains(&name.as_str())) {
            *value = MASK.into();
        } else if name == "attributes" {
            hide(value, &[]);
        } else if CONTAINERS.contains(&name.as_str()) {
            hide(value, &PLAIN);
        }
    }
    redactor.json(Json::Object(members))
}

/// Masks every member that is not named in `plain`, in an object or in each of a list of objects.
fn hide(value: &mut Json, plain: &[&str]) {
    match value {
        Json::Object(members) => {
            for (_, value) in
                members.iter_mut().filter(|(name, value)| !plain.contains(&name.as_str()) && !value.is_null())
            {
                *value = MASK.into();
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| hide(item, plain)),
        _ => {}
    }
}
