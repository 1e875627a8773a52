//! A request part by part: names and literals as the file has them, everything else by the variables in it.

use serde::Serialize;

use super::redactor::{RedactedValue, Redactor, is_public};
use crate::document::from_json;
use crate::flow::report::SentTrace;
use crate::request::ShapePart;

/// What was sent, or would have been.
#[derive(Debug, Serialize)]
pub(super) struct Request {
    pub(super) method: String,
    /// With a mask for every part that may not be seen; without the query.
    pub(super) url: String,
    pub(super) parts: Vec<Part>,
}

/// What stands in the place of variables beside a cookie that an earlier reply set.
const JAR: &str = "cookie jar";

/// One value of a request.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    /// `path`, `query`, `header`, `cookie`, `inner`, `body`, `auth`.
    pub(super) place: &'static str,
    pub(super) name: String,
    /// The variables in it, or `cookie jar`; none for a literal.
    pub(super) from: Vec<String>,
    #[serde(flatten)]
    pub(super) shown: RedactedValue,
}

impl Request {
    pub(super) fn of(sent: &SentTrace, public: &[String], redactor: &Redactor) -> Self {
        let parts = sent.shape.iter().filter(|part| part.place != "path" || !part.variables.is_empty());
        let is_json = sent.shape.iter().any(is_json);
        let mut parts: Vec<Part> = parts.map(|part| Part::of(part, is_json, public, redactor)).collect();
        parts.extend(sent.signed.iter().map(|added| Part {
            place: "auth",
            // A field of query or body says where it went; a header is what one expects.
            name: if added.place == "header" { added.name.clone() } else { format!("{} {}", added.place, added.name) },
            from: Vec::new(),
            // Masked.
            shown: redactor.bytes(added.value.expose().as_bytes(), false),
        }));
        parts.extend(sent.from_jar.iter().map(|(name, value)| Part {
            place: "cookie",
            name: redactor.name(name),
            from: vec![JAR.to_owned()],
            shown: redactor.bytes(value, false),
        }));
        Self { method: sent.method.clone(), url: url(sent, public, redactor), parts }
    }
}

impl Part {
    fn of(part: &ShapePart, is_json: bool, public: &[String], redactor: &Redactor) -> Self {
        // Seen when the file alone decides it, or when every variable in it is declared public.
        let allowed = may_be_seen(part, public) && !redactor.holds_setting(part);
        let leaf = if is_json && part.place == "body" { from_json(part.reveal()).ok() } else { None };
        Self {
            place: part.place,
            name: redactor.text(&part.name),
            from: part.variables.iter().map(ToString::to_string).collect(),
            // A leaf of JSON is known by its type and without its quotes, everything else as it goes out.
            shown: leaf.map_or_else(|| redactor.bytes(part.reveal(), allowed), |leaf| redactor.value(&leaf, allowed)),
        }
    }
}

/// Whether this part is a Content-Type that makes the body JSON.
fn is_json(part: &ShapePart) -> bool {
    let media = part.literal().filter(|_| part.place == "header" && part.name.eq_ignore_ascii_case("content-type"));
    media.is_some_and(|media| media.to_ascii_lowercase().contains("json"))
}

fn may_be_seen(part: &ShapePart, public: &[String]) -> bool {
    part.variables.iter().all(|variable| is_public(variable, public))
}

/// Origin and path: the origin is always the file's, a path has segments of its own.
fn url(sent: &SentTrace, public: &[String], redactor: &Redactor) -> String {
    let Ok(whole) = url::Url::parse(&sent.url) else { return String::new() };
    let mut url = whole.origin().ascii_serialization();
    for part in sent.shape.iter().filter(|part| part.place == "path") {
        url.push('/');
        if redactor.reveal || may_be_seen(part, public) {
            url.push_str(&redactor.text(&String::from_utf8_lossy(part.reveal())));
        } else {
            url.push_str(crate::mask::MASK);
        }
    }
    url
}
