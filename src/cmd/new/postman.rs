//! Postman collections, formats 2.0 and 2.1.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;

use super::parts::{Found, Parts};

/// Folders in folders.
const MAX_DEPTH: usize = 64;

/// What folders hand down.
#[derive(Clone, Default)]
struct Inherited<'v> {
    auth: Option<&'v Value>,
    variables: BTreeMap<String, String>,
    path: String,
    depth: usize,
}

/// The requests of a collection. Those that cannot be read are left out; if none is left, the first reason is told.
pub fn requests(collection: &Value) -> Result<Vec<Found>> {
    let (mut found, mut why) = (Vec::new(), None);
    walk(collection, &Inherited::default(), &mut |result| match result {
        Ok(request) => found.push(request),
        Err(error) => why = why.take().or(Some(error)),
    });
    match (found.is_empty(), why) {
        (true, Some(error)) => Err(error),
        _ => Ok(found),
    }
}

fn walk<'v>(node: &'v Value, above: &Inherited<'v>, take: &mut dyn FnMut(Result<Found>)) {
    if above.depth > MAX_DEPTH {
        return;
    }
    let mut here = above.clone();
    here.depth += 1;
    // `null` inherits; `noauth` is none.
    here.auth = node.get("auth").filter(|auth| !auth.is_null()).or(above.auth);
    for (name, value) in pairs(&node["variable"]) {
        here.variables.insert(name, value);
    }
    let name = node["name"].as_str().unwrap_or_default();
    if above.depth > 0 {
        here.path = if above.path.is_empty() { name.to_owned() } else { format!("{} / {name}", above.path) };
    }
    if let Some(items) = node["item"].as_array() {
        for item in items {
            walk(item, &here, take);
        }
    } else if let Some(request) = node.get("request") {
        take(read(node, request, &here));
    }
}

fn read(item: &Value, request: &Value, inherited: &Inherited<'_>) -> Result<Found> {
    let given = |text: &str| filled(text, &inherited.variables);
    let address = match (request, &request["url"]) {
        (Value::String(address), _) | (_, Value::String(address)) => address.clone(),
        (_, url) => url["raw"].as_str().map_or_else(|| joined(url), str::to_owned),
    };
    let mut parts = Parts::begin(request["method"].as_str().unwrap_or("GET"), &given(&address))?;
    match &request["header"] {
        Value::String(lines) => {
            for (name, value) in lines.lines().filter_map(|line| line.split_once(':')) {
                parts.header(name.trim(), &given(value.trim()))?;
            }
        }
        list => {
            for (name, value) in pairs(list) {
                parts.header(&given(&name), &given(&value))?;
            }
        }
    }
    body(&request["body"], &mut parts, &given)?;
    let auth = request.get("auth").filter(|auth| !auth.is_null()).or(inherited.auth);
    if let Some(auth) = auth {
        authenticate(auth, &mut parts, &given)?;
    }
    for event in item["event"].as_array().into_iter().flatten() {
        note_script(event, &mut parts);
    }
    parts.finish(&inherited.path)
}

fn body(body: &Value, parts: &mut Parts, given: &dyn Fn(&str) -> String) -> Result<()> {
    let given_pairs = |list: &Value| -> Vec<(String, String)> {
        pairs(list).into_iter().map(|(name, value)| (given(&name), given(&value))).collect()
    };
    match body["mode"].as_str() {
        Some("raw") => {
            let language = body["options"]["raw"]["language"].as_str();
            if language == Some("json") {
                parts.header("Content-Type", "application/json")?;
            } else if language == Some("xml") {
                parts.header("Content-Type", "application/xml")?;
            }
            parts.data(&given(body["raw"].as_str().unwrap_or_default()))
        }
        Some("urlencoded") => parts.form(&given_pairs(&body["urlencoded"])),
        Some("formdata") => {
            for (name, value) in given_pairs(&body["formdata"]) {
                parts.part(&name, &value)?;
            }
            Ok(())
        }
        Some(other) => {
            parts.note(&format!("the body of kind `{other}` was left out"));
            Ok(())
        }
        None => Ok(()),
    }
}

fn authenticate(auth: &Value, parts: &mut Parts, given: &dyn Fn(&str) -> String) -> Result<()> {
    let kind = auth["type"].as_str().unwrap_or("noauth");
    let values: BTreeMap<String, String> = pairs(&auth[kind]).into_iter().collect();
    let value = |name: &str| given(values.get(name).map_or("", String::as_str));
    match kind {
        "noauth" => Ok(()),
        "basic" | "digest" => parts.basic(&value("username"), &value("password"), kind == "digest"),
        "bearer" => parts.header("Authorization", &format!("Bearer {}", value("token"))),
        "apikey" if value("in") != "query" => parts.header(&value("key"), &value("value")),
        other => {
            parts.note(&format!("authentication of kind `{other}` was left out; request.auth has the schemes"));
            Ok(())
        }
    }
}

/// Scripts are not run and not taken over; what they seem to do is said.
fn note_script(event: &Value, parts: &mut Parts) {
    let lines = match &event["script"]["exec"] {
        Value::String(text) => text.clone(),
        lines => lines.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
    };
    if lines.trim().is_empty() {
        return;
    }
    let when = if event["listen"] == "prerequest" { "before the request" } else { "after the reply" };
    let lower = lines.to_lowercase();
    let hint = match () {
        () if lower.contains("environment.set") || lower.contains("variables.set") => {
            "it keeps a value: see response.capture, or `variables`"
        }
        () if lower.contains("cryptojs") || lower.contains("md5") || lower.contains("sha") => {
            "it computes a digest: see the filters of docs/templates.md"
        }
        () if lower.contains("status") || lower.contains("expect(") => "it checks the reply: see success and reject",
        () => "see docs/scripts.md",
    };
    parts.note(&format!("a script that runs {when} was left out; {hint}"));
}

/// Names and values: a list of `{ key, value, disabled }` (2.1), or an object (2.0).
fn pairs(value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| {
        value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
    };
    match value {
        Value::Array(items) => {
            let on = items.iter().filter(|item| item["disabled"] != true && item["type"] != "file");
            let pair = |item: &Value| (text(item.get("key").unwrap_or(&item["id"])), text(&item["value"]));
            on.map(pair).filter(|(name, _)| !name.is_empty()).collect()
        }
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        _ => Vec::new(),
    }
}

/// The address of an object without `raw`.
fn joined(url: &Value) -> String {
    let list = |value: &Value, between: &str| match value {
        Value::Array(parts) => parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(between),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    let port = url["port"].as_str().map(|port| format!(":{port}")).unwrap_or_default();
    let query: Vec<String> = pairs(&url["query"]).iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let host = list(&url["host"], ".");
    let scheme = url["protocol"].as_str().map(|scheme| format!("{scheme}://")).unwrap_or_default();
    format!("{scheme}{host}{port}/{}{query}", list(&url["path"], "/"))
}

/// Variables that the file defines, put in; a value is put in once and not read again.
fn filled(text: &str, variables: &BTreeMap<String, String>) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, left)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        match variables.get(name.trim()) {
            Some(value) => out.push_str(value),
            None => out.extend(["{{", name.trim(), "}}"]),
        }
        rest = left;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_formats_give_the_same_request() {
        let of = |auth: Value, url: Value| {
            json!({
            "info": { "name": "c" }, "auth": auth, "variable": [{ "key": "base", "value": "https://4a.example.com" }],
            "item": [{ "name": "folder", "item": [{ "name": "登录", "request": {
                "method": "POST", "url": url, "header": [{ "key": "X-A", "value": "1" }, { "key": "X-B", "value": "2", "disabled": true }],
                "body": { "mode": "raw", "raw": "{\"user\":\"{{USERNAME}}\",\"pwd\":\"{{PASSWORD}}\"}", "options": { "raw": { "language": "json" } } } } }] }] })
        };
        let new = of(
            json!({ "type": "bearer", "bearer": [{ "key": "token", "value": "t" }] }),
            json!({ "raw": "{{base}}/login?a=1#x" }),
        );
        let old = of(json!({ "type": "bearer", "bearer": { "token": "t" } }), json!("{{base}}/login?a=1#x"));
        for collection in [new, old] {
            let found = requests(&collection).unwrap();
            let [request] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!(
                (request.name.as_str(), request.curl.origin.as_str()),
                ("folder / 登录", "https://4a.example.com")
            );
            assert_eq!(request.curl.query, [("a".to_owned(), "1".to_owned())]);
            let headers: Vec<_> = request.curl.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            assert_eq!(headers, ["X-A: 1", "Content-Type: application/json", "Authorization: Bearer t"]);
        }
    }

    #[test]
    fn what_is_not_defined_becomes_a_setting_and_what_is_not_taken_is_noted() {
        let collection = json!({ "item": [
            { "name": "login", "event": [{ "listen": "test", "script": { "exec": ["pm.environment.set('t', json.token)"] } }],
              "request": { "method": "POST", "url": "{{host}}/login", "header": "X-A: 1\nX-B: 2", "auth": { "type": "hawk" },
                "body": { "mode": "urlencoded", "urlencoded": [{ "key": "user", "value": "a" }, { "key": "password", "value": "b" }] } } },
            { "name": "logout", "request": "{{host}}/logout" } ] });
        let found = requests(&collection).unwrap();
        assert_eq!(found.len(), 2);
        let login = &found[0];
        assert!(login.score > found[1].score);
        assert_eq!((login.curl.path.as_str(), login.curl.notes.len()), ("/login", 3), "{:?}", login.curl.notes);
    }
}
