//! What an upstream may say, and what of it is shown on purpose.

use doorward::document::Value;
use doorward::flow::Report;
use doorward::golden::Played;
use doorward::upstream::Reply;
use doorward::verdict::Verdict;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::json;

use super::super::planting::Replies;

/// What a connector lets be seen of an upstream's words.
pub fn shown_on_purpose(played: &Played) -> String {
    let mut shown = String::new();
    let mut add = |text: &str| {
        shown.push_str(text);
        shown.push('\n');
    };
    let (parts, steps): (&[Report], Vec<_>) = match played {
        Played::Login { parts, .. } => (parts, parts.iter().flat_map(|part| &part.steps).collect()),
        Played::Utility(report) => (&[], report.steps.iter().collect()),
    };
    for part in parts {
        if let Verdict::Challenge(challenge) = &part.verdict {
            // Only the caller sees it; a trace masks it.
            add(challenge.error.as_ref().and_then(|error| error.error_message.as_deref()).unwrap_or_default());
        }
        // The title of a page, which says what stands where a reply should be.
        if part.explain.contains("titled") {
            add(&part.explain);
        }
    }
    for trace in steps.iter().filter_map(|step| step.trace.as_deref()) {
        if let Some(map) = &trace.map {
            add(map.error_code.as_deref().unwrap_or_default());
            add(map.error_message.as_deref().unwrap_or_default());
        }
        for capture in trace.captures.iter().filter(|capture| capture.public) {
            add(&capture.value.as_ref().map(doorward::document::to_json).unwrap_or_default());
        }
        // So does the line of the reply.
        add(trace.reply.as_ref().map_or("", |reply| &reply.read_as));
        for document in trace.reply.iter().filter_map(|reply| reply.document.as_ref()) {
            names(document, &mut add);
        }
    }
    shown
}

/// The names of a document: a trace is made of them.
fn names(value: &Value, add: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            add(name);
            names(member, add);
        }),
        Value::Array(items) => items.iter().for_each(|item| names(item, add)),
        _ => {}
    }
}

/// Pages and breaks that any upstream may answer with, holding `more` wherever they can.
pub fn troubles(more: &str) -> Vec<Replies> {
    let reply = |status: u16, kind: &str, body: String, location: Option<String>| {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        if let Some(location) = location {
            headers.insert(http::header::LOCATION, location.parse().unwrap());
        }
        vec![Ok(Reply { status, headers, body: body.into(), timings: doorward::upstream::Timings::default() })]
    };
    let form: String = url::form_urlencoded::byte_serialize(more.as_bytes()).collect();
    vec![
        reply(200, "text/html", format!("<html><title>{more}</title><body>{more}</body></html>"), None),
        reply(200, "application/json", format!("{{\"code\": \"{more}"), None),
        reply(200, "application/json", json!({ "code": more, "msg": more, more: more }).to_string(), None),
        reply(200, "application/xml", format!("<a><code>{}</code></a>", more.replace(['&', '<'], "_")), None),
        reply(500, "text/plain", more.to_owned(), None),
        reply(302, "text/plain", String::new(), Some(format!("/x?p={form}"))),
    ]
}

/// The file with a first step whose script throws what it knows.
pub fn throwing(text: &str) -> String {
    let script = "throw new Error('no ' + user.userPassword + code_util.md5(user.userPassword) + user.username);";
    if text.contains("kind: utility") {
        return text.to_owned();
    }
    let from_file = regex::RegexBuilder::new(r"    variables_file: .*\n").build().unwrap();
    let inline = "    variables: |\n";
    if text.contains(inline) {
        text.replacen(inline, &format!("{inline}      {script}\n"), 1)
    } else if from_file.is_match(text) {
        from_file.replace(text, format!("{inline}      {script}\n")).into_owned()
    } else {
        let first = regex::RegexBuilder::new(r"(?m)^  - name: .*\n").build().unwrap();
        first.replace(text, |found: &regex::Captures<'_>| format!("{}{inline}      {script}\n", &found[0])).into_owned()
    }
}
