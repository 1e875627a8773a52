//! OpenAPI 3 and Swagger 2 documents: an operation becomes a request with example values.
//!
//! References are followed inside the file alone; a reference that leads to itself ends.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use doorward::diagnostic::{Diagnostics, SourceFile};
use doorward::yaml::{self, Node, NodeValue, Style};
use serde_json::{Map, Value, json};

use super::parts::{Found, Parts};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// Schemas in schemas; also ends a reference that leads to itself.
const MAX_DEPTH: usize = 12;

/// A document in YAML as the same one in JSON.
pub fn yaml(text: &str) -> Result<Value> {
    let file = Arc::new(SourceFile { path: PathBuf::new(), text: text.to_owned() });
    let mut diagnostics = Diagnostics::new(file);
    let root = yaml::parse(&mut diagnostics);
    if let Some(first) = diagnostics.found().iter().find(|it| it.severity == doorward::diagnostic::Severity::Error) {
        let line = first.at.as_ref().map_or(1, |(file, span)| file.text[..span.start].matches('\n').count() + 1);
        bail!("it is no YAML that is read here, line {line}: {}", first.message);
    }
    Ok(root.as_ref().map_or(Value::Null, json_of))
}

fn json_of(node: &Node) -> Value {
    match &node.value {
        NodeValue::Map(entries) => {
            Value::Object(entries.iter().map(|entry| (entry.key.clone(), json_of(&entry.value))).collect())
        }
        NodeValue::List(items) => items.iter().map(json_of).collect(),
        NodeValue::Scalar(scalar) if scalar.style == Style::Plain => {
            match serde_json::from_str::<Value>(&scalar.text) {
                Ok(value) if !value.is_string() => value,
                _ if scalar.text.is_empty() => Value::Null,
                _ => scalar.text.clone().into(),
            }
        }
        NodeValue::Scalar(scalar) => scalar.text.clone().into(),
        NodeValue::Broken => Value::Null,
    }
}

/// Every operation of the document.
pub fn requests(document: &Value) -> Result<Vec<Found>> {
    let base = base(document);
    let (mut found, mut why) = (Vec::new(), None);
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let Some(operation) = item.get(method) else { continue };
            let operation = Operation { document, item, operation };
            match operation.read(method, &format!("{base}{path}")) {
                Ok(request) => found.push(request),
                Err(error) => why = why.or(Some(error)),
            }
        }
    }
    match (found.is_empty(), why) {
        (true, Some(error)) => Err(error),
        _ => Ok(found),
    }
}

/// Where the server is, as far as the document says.
fn base(document: &Value) -> String {
    const UNKNOWN: &str = "https://4a.example.com";
    let written = match document["servers"][0]["url"].as_str() {
        Some(url) => {
            let variables = document["servers"][0]["variables"].as_object();
            variables.into_iter().flatten().fold(url.to_owned(), |url, (name, variable)| {
                url.replace(&format!("{{{name}}}"), variable["default"].as_str().unwrap_or_default())
            })
        }
        None => match document["host"].as_str() {
            Some(host) => {
                let scheme = document["schemes"][0].as_str().unwrap_or("https");
                format!("{scheme}://{host}{}", document["basePath"].as_str().unwrap_or_default())
            }
            None => document["basePath"].as_str().unwrap_or_default().to_owned(),
        },
    };
    let written = written.trim_end_matches('/');
    if written.contains("://") { written.to_owned() } else { format!("{UNKNOWN}{written}") }
}

struct Operation<'v> {
    document: &'v Value,
    item: &'v Value,
    operation: &'v Value,
}

impl<'v> Operation<'v> {
    fn read(&self, method: &str, address: &str) -> Result<Found> {
        let mut address = address.to_owned();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let (mut headers, mut form, mut body) = (Vec::new(), Vec::new(), None);
        let lists = [&self.item["parameters"], &self.operation["parameters"]];
        for parameter in lists.iter().filter_map(|list| list.as_array()).flatten().map(|it| self.followed(it)) {
            let name = parameter["name"].as_str().unwrap_or_default();
            let value = || text(&self.sample(parameter, parameter, name, 0));
            match parameter["in"].as_str() {
                Some("path") => address = address.replace(&format!("{{{name}}}"), &value()),
                Some("query") if parameter["required"] == true || name.to_lowercase().contains("pass") => {
                    query.append_pair(name, &value());
                }
                Some("header") if parameter["required"] == true => headers.push((name.to_owned(), value())),
                Some("formData") => form.push((name.to_owned(), value())),
                Some("body") => body = Some(self.sample(&parameter["schema"], parameter, name, 0)),
                _ => {}
            }
        }
        let query = query.finish();
        let address = if query.is_empty() { address } else { format!("{address}?{query}") };
        let mut parts = Parts::begin(&method.to_uppercase(), &address)?;
        for (name, value) in headers {
            parts.header(&name, &value)?;
        }
        self.authenticate(&mut parts)?;
        if let Some(body) = body {
            parts.header("Content-Type", "application/json")?;
            parts.data(&body.to_string())?;
        } else if !form.is_empty() {
            parts.form(&form)?;
        } else {
            self.body(&mut parts)?;
        }
        let summary =
            ["operationId", "summary"].iter().find_map(|key| self.operation[*key].as_str()).unwrap_or_default();
        let path = address.splitn(4, '/').last().unwrap_or_default();
        parts.finish(&format!("{} /{} {summary}", method.to_uppercase(), path.split('?').next().unwrap_or_default()))
    }

    /// `requestBody` of OpenAPI 3.
    fn body(&self, parts: &mut Parts) -> Result<()> {
        let content = self.followed(&self.operation["requestBody"])["content"].as_object();
        let liked = ["json", "x-www-form-urlencoded", "multipart"];
        let Some(content) = content else { return Ok(()) };
        let kind = liked.iter().find_map(|kind| content.iter().find(|(media, _)| media.contains(kind)));
        let Some((media, described)) = kind else {
            parts.note("the body of the request is of a kind that is not read here");
            return Ok(());
        };
        let sample = self.sample(&described["schema"], described, "", 0);
        let members = || -> Vec<(String, String)> {
            sample.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
        };
        match media {
            media if media.contains("json") => {
                parts.header("Content-Type", "application/json")?;
                parts.data(&sample.to_string())
            }
            media if media.contains("multipart") => {
                members().iter().try_for_each(|(name, value)| parts.part(name, value))
            }
            _ => parts.form(&members()),
        }
    }

    fn authenticate(&self, parts: &mut Parts) -> Result<()> {
        let wanted = self.operation.get("security").unwrap_or(&self.document["security"]);
        let schemes = &self.document["components"]["securitySchemes"];
        let schemes = if schemes.is_object() { schemes } else { &self.document["securityDefinitions"] };
        for name in wanted[0].as_object().into_iter().flatten().map(|(name, _)| name) {
            let scheme = self.followed(&schemes[name]);
            match (scheme["type"].as_str(), scheme["in"].as_str(), scheme["name"].as_str()) {
                (Some("apiKey"), Some("header"), Some(header)) => parts.header(header, "{{api_key}}")?,
                (Some("http" | "basic"), ..) if scheme["scheme"] != "bearer" => {
                    parts.basic("{{username}}", "{{password}}", false)?;
                }
                (Some("http"), ..) => parts.header("Authorization", "Bearer {{token}}")?,
                _ => parts.note(&format!("the security scheme `{name}` was left out; request.auth has the schemes")),
            }
        }
        Ok(())
    }

    /// A value that the schema allows: its example, default or first word, else one of its kind.
    fn sample(&self, schema: &'v Value, beside: &'v Value, name: &str, depth: usize) -> Value {
        if depth > MAX_DEPTH {
            return Value::Null;
        }
        let schema = self.followed(schema);
        let inner = if schema["schema"].is_object() { self.followed(&schema["schema"]) } else { schema };
        let examples =
            || beside["examples"].as_object().and_then(|examples| examples.values().next()).map(|it| &it["value"]);
        let known = [
            beside.get("example"),
            inner.get("example"),
            inner["examples"].get(0),
            inner.get("default"),
            inner["enum"].get(0),
        ];
        if let Some(value) = known.into_iter().flatten().chain(examples()).find(|value| !value.is_null()) {
            return value.clone();
        }
        let mut members = Map::new();
        for part in inner["allOf"].as_array().into_iter().flatten() {
            if let Value::Object(more) = self.sample(part, part, name, depth + 1) {
                members.extend(more);
            }
        }
        if let Some(first) = ["oneOf", "anyOf"].iter().find_map(|list| inner[*list].get(0)) {
            return self.sample(first, first, name, depth + 1);
        }
        for (name, member) in inner["properties"].as_object().into_iter().flatten() {
            members.insert(name.clone(), self.sample(member, member, name, depth + 1));
        }
        match inner["type"].as_str() {
            _ if !members.is_empty() => Value::Object(members),
            Some("object") => json!({}),
            Some("array") => json!([self.sample(&inner["items"], &inner["items"], name, depth + 1)]),
            Some("integer" | "number") => json!(0),
            Some("boolean") => json!(false),
            // The hole itself.
            _ if inner["format"] == "password" => json!("{{password}}"),
            _ => json!(name),
        }
    }

    /// What a reference leads to inside this file; an external one leads to nothing.
    fn followed(&self, node: &'v Value) -> &'v Value {
        let mut node = node;
        for _ in 0..MAX_DEPTH {
            let Some(pointer) = node["$ref"].as_str() else { return node };
            let found = pointer.strip_prefix('#').and_then(|pointer| self.document.pointer(pointer));
            node = found.unwrap_or(&Value::Null);
        }
        &Value::Null
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::curl::Body;
    use super::*;

    const DOCUMENT: &str = "openapi: 3.0.0
servers: [{ url: \"https://{host}/v1\", variables: { host: { default: 4a.example.com } } }]
paths:
  /login:
    post:
      summary: Log in
      requestBody: { $ref: \"#/components/requestBodies/Login\" }
  /users/{id}:
    get: { parameters: [{ name: id, in: path, required: true, schema: { type: string } }] }
components:
  requestBodies:
    Login: { content: { application/json: { schema: { allOf: [{ $ref: \"#/components/schemas/Name\" }, { type: object, properties: { secret: { type: string, format: password }, remember: { type: boolean } } }] } } } }
  schemas:
    Name: { type: object, properties: { account: { type: string, example: zhangsan }, self: { $ref: \"#/components/schemas/Name\" } } }
";

    #[test]
    fn an_operation_becomes_a_request_with_examples() {
        let found = requests(&yaml(DOCUMENT).unwrap()).unwrap();
        let login = found.iter().find(|found| found.curl.path == "/v1/login").unwrap();
        assert_eq!((login.curl.method.as_str(), login.curl.origin.as_str()), ("POST", "https://4a.example.com"));
        let Body::Data(data) = &login.curl.body else { panic!("{login:?}") };
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(
            (&data["account"], &data["secret"], &data["remember"]),
            (&json!("zhangsan"), &json!("{{password}}"), &json!(false))
        );
    }

    #[test]
    fn swagger_two_is_read() {
        let document = json!({ "swagger": "2.0", "host": "a.example", "basePath": "/api", "schemes": ["http"], "paths": { "/login": { "post": { "parameters": [
            { "in": "formData", "name": "username", "type": "string" }, { "in": "formData", "name": "password", "type": "string" }] } } } });
        let found = requests(&document).unwrap();
        assert_eq!((found[0].curl.origin.as_str(), found[0].curl.path.as_str()), ("http://a.example", "/api/login"));
        assert!(matches!(&found[0].curl.body, Body::Data(data) if data == "username=username&password=password"));
    }

    #[test]
    fn a_template_of_yaml_is_refused_with_its_line() {
        let error = yaml("openapi: 3.0.0\n{{ if .x }}\npaths: {}\n").unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
