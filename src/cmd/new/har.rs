//! HAR 1.2 files, as browsers save them.

use anyhow::Result;
use serde_json::Value;

use super::parts::{Found, Parts};

/// The requests that send something; pages, pictures and scripts are none.
pub fn requests(har: &Value) -> Result<Vec<Found>> {
    let entries: Vec<&Value> = har["log"]["entries"].as_array().into_iter().flatten().collect();
    let mut found = Vec::new();
    let mut why = None;
    for (at, entry) in entries.iter().enumerate() {
        let request = &entry["request"];
        let sends = request["method"] != "GET" || !list(&request["queryString"]).is_empty();
        if !sends || request["method"] == "OPTIONS" {
            continue;
        }
        match read(request, &entries[..at], is_sanitized(&entries)) {
            Ok(request) => found.push(request),
            Err(error) => why = why.or(Some(error)),
        }
    }
    match (found.is_empty(), why) {
        (true, Some(error)) => Err(error),
        _ => Ok(found),
    }
}

/// Chrome leaves cookies and tokens out unless it is told otherwise.
fn is_sanitized(entries: &[&Value]) -> bool {
    let named = |headers: &Value, name: &str| list(headers).iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    !entries.iter().any(|entry| {
        let (request, response) = (&entry["request"], &entry["response"]);
        named(&request["headers"], "cookie")
            || named(&request["headers"], "authorization")
            || named(&response["headers"], "set-cookie")
    })
}

fn read(request: &Value, before: &[&Value], sanitized: bool) -> Result<Found> {
    let address = request["url"].as_str().unwrap_or_default();
    let mut parts = Parts::begin(request["method"].as_str().unwrap_or("GET"), address)?;
    let mut has_cookie = false;
    for (name, value) in list(&request["headers"]) {
        // The connector keeps cookies of its own; those of the browser's session are over.
        if name.eq_ignore_ascii_case("cookie") {
            has_cookie = true;
        } else {
            parts.header(&name, &value)?;
        }
    }
    if has_cookie {
        parts.note("the browser sent cookies of a page before: if the server needs them, add a step of role `helper` that gets that page");
    }
    if sanitized {
        parts.note("the file has no cookies and no Authorization: Chrome leaves them out unless \"Allow to generate HAR with sensitive data\" is switched on");
    }
    let post = &request["postData"];
    let media = post["mimeType"].as_str().unwrap_or_default();
    let params = list(&post["params"]);
    let values: Vec<String> = match params.as_slice() {
        [] => values_of(post["text"].as_str().unwrap_or_default()),
        params => params.iter().map(|(_, value)| value.clone()).collect(),
    };
    if media.starts_with("multipart/") && !params.is_empty() {
        for (name, value) in &params {
            parts.part(name, value)?;
        }
    } else if let (Some(text), true) = (post["text"].as_str(), params.is_empty()) {
        parts.data(text)?;
    } else if !params.is_empty() {
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let pairs: Vec<_> = params.iter().map(|(name, value)| (decoded(name), decoded(value))).collect();
        parts.form(&pairs)?;
    }
    for value in values.iter().filter(|value| value.len() >= 12) {
        if let Some(page) = before.iter().rev().find(|entry| {
            entry["response"]["content"]["text"].as_str().is_some_and(|text| text.contains(value.as_str()))
        }) {
            let (method, url) = (
                page["request"]["method"].as_str().unwrap_or("GET"),
                page["request"]["url"].as_str().unwrap_or_default(),
            );
            let path = url.split(['?', '#']).next().unwrap_or_default();
            parts.note(&format!("a value of this request was in the reply of {method} {path}: add a step of role `helper` that captures it (form_from, or response.capture)"));
        }
    }
    let path = address.split(['?', '#']).next().unwrap_or_default();
    parts.finish(path.splitn(4, '/').last().unwrap_or(path))
}

fn values_of(text: &str) -> Vec<String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => members.values().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => url::form_urlencoded::parse(text.as_bytes()).map(|(_, value)| value.into_owned()).collect(),
    }
}

fn list(value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    value.as_array().into_iter().flatten().map(|item| (text(&item["name"]), text(&item["value"]))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_login_is_found_among_pages_and_says_where_its_token_came_from() {
        let page = json!({ "request": { "method": "GET", "url": "https://a.example/login" }, "response": { "content": { "text": "<input type=hidden name=csrf value=tok-0123456789ab>" }, "headers": [{ "name": "Set-Cookie", "value": "s=1" }] } });
        let login = json!({ "request": { "method": "POST", "url": "https://a.example/api/login", "headers": [
                { "name": ":authority", "value": "a.example" }, { "name": "Cookie", "value": "s=1" }, { "name": "X-A", "value": "1" }],
            "postData": { "mimeType": "application/x-www-form-urlencoded", "params": [{ "name": "user", "value": "z%20s" }, { "name": "pwd", "value": "p" }, { "name": "csrf", "value": "tok-0123456789ab" }] } } });
        let found = requests(&json!({ "log": { "entries": [page, login] } })).unwrap();
        let [login] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((login.name.as_str(), login.curl.cookies.len(), login.curl.headers.len()), ("api/login", 0, 1));
        assert!(
            matches!(&login.curl.body, super::super::curl::Body::Data(data) if data.starts_with("user=z+s&pwd=p")),
            "{login:?}"
        );
        assert!(
            login.curl.notes.iter().any(|note| note.contains("GET https://a.example/login")),
            "{:?}",
            login.curl.notes
        );
    }

    #[test]
    fn a_file_that_chrome_has_sanitized_says_so() {
        let login = json!({ "request": { "method": "POST", "url": "https://a.example/login", "postData": { "text": "{\"user\":\"a\",\"password\":\"b\"}", "mimeType": "application/json" } } });
        let found = requests(&json!({ "log": { "entries": [login] } })).unwrap();
        assert!(found[0].curl.notes[0].contains("sensitive data"), "{:?}", found[0].curl.notes);
    }
}
